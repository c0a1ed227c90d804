package main

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// wire describes protobuf bodies: which struct a kind is, and what the numbers in a struct stand for.
type wire struct {
	// Kinds maps `apiVersion kind` to the name of a struct.
	Kinds map[string]string `json:"kinds"`
	// Structs maps names to the fields of structs, by their number.
	Structs map[string]map[string]field `json:"structs"`
}

// field is one field of a struct in protobuf.
type field struct {
	// Name is what the field is called in JSON.
	Name string `json:"name"`
	// Go is what the field is called in Go: errors name it so.
	Go string `json:"go"`
	// Type is the type of the value, of the items of a list or of the values of a map.
	Type string `json:"type"`
	// Shape is `list` or `map`, or nothing where there is one value.
	Shape string `json:"shape,omitempty"`
	// Wrapped tells that values of the type are themselves lists of strings, in a message of their own.
	Wrapped bool `json:"wrapped,omitempty"`
	// Pointer tells that a zero that was sent is one that was set.
	Pointer bool `json:"pointer,omitempty"`
	// Inline tells that in JSON the fields of the value are fields of the struct itself.
	Inline bool `json:"inline,omitempty"`
}

// reviews are answered without being stored; their documents are not recorded.
var reviews = []string{"authentication.k8s.io/v1", "authorization.k8s.io/v1"}

func wireTypes() wire {
	described := wire{Kinds: map[string]string{}, Structs: map[string]map[string]field{}}
	for gvk, typ := range scheme.Scheme.AllKnownTypes() {
		known := slices.Concat(versions, reviews)
		if !slices.Contains(known, gvk.GroupVersion().String()) || gvk.Version == runtime.APIVersionInternal {
			continue
		}
		// Lists and watch events come from servers alone.
		if strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Event") && gvk.Kind != "Event" {
			continue
		}
		described.Kinds[gvk.GroupVersion().String()+" "+gvk.Kind] = modelName(typ)
		described.walk(typ)
	}
	return described
}

func (w *wire) walk(typ reflect.Type) {
	name := modelName(typ)
	if _, done := w.Structs[name]; done {
		return
	}
	fields := map[string]field{}
	w.Structs[name] = fields
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag := strings.Split(f.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		json := strings.Split(f.Tag.Get("json"), ",")
		found := field{Name: json[0], Go: f.Name, Inline: json[0] == ""}
		found.Name = cmp.Or(found.Name, f.Name)
		of := f.Type
		if of.Kind() == reflect.Pointer {
			found.Pointer, of = true, of.Elem()
		}
		switch {
		case of.Kind() == reflect.Map:
			found.Shape, of = "map", of.Elem()
		case of.Kind() == reflect.Slice && of.Elem().Kind() != reflect.Uint8 && !isMessage(of):
			found.Shape, of = "list", of.Elem()
			if of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
		}
		if of.Kind() == reflect.Slice && isMessage(of) {
			found.Wrapped, of = true, of.Elem()
		}
		found.Type = w.typeOf(of)
		if _, err := strconv.Atoi(tag[1]); err != nil {
			panic(tag[1])
		}
		fields[tag[1]] = found
	}
}

// typeOf names a type: a struct, a type that prints itself, or one of the kinds of Go.
func (w *wire) typeOf(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.Struct:
		if !marshals(typ) {
			w.walk(typ)
		}
		return modelName(typ)
	case reflect.Slice:
		return "bytes"
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return typ.Kind().String()
	default:
		panic(typ.String())
	}
}

// isMessage tells whether a type is a message of its own in protobuf.
func isMessage(typ reflect.Type) bool {
	_, found := reflect.PointerTo(typ).MethodByName("Unmarshal")
	return found
}
