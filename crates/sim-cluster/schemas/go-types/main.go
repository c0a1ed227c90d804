// Command go-types prints what the OpenAPI documents of kube-apiserver do not say about its objects: which
// fields of its Go types are printed even when nothing is set, and with what value, and which are left out
// when they are zero. The simulated API server gives objects the same form, because field ownership and
// no-op detection depend on it.
//
// With the argument `wire` it prints how those types are written in protobuf.
//
// `cargo xtask record-schemas` runs it.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// fields describes one Go struct by the JSON names of its fields.
type fields struct {
	// Always maps fields without omitempty to what they are printed as when unset.
	Always map[string]json.RawMessage `json:"always,omitempty"`
	// Dropped lists scalar fields that are left out when they are zero.
	Dropped []string `json:"dropped,omitempty"`
}

// versions are the group versions whose documents are recorded.
var versions = []string{
	"v1", "apiextensions.k8s.io/v1", "apps/v1", "autoscaling/v1", "autoscaling/v2", "coordination.k8s.io/v1",
	"discovery.k8s.io/v1", "events.k8s.io/v1", "policy/v1", "scheduling.k8s.io/v1",
}

func main() {
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(asked()); err != nil {
		panic(err)
	}
}

// asked is what the command line asks for.
func asked() any {
	if slices.Contains(os.Args[1:], "wire") {
		return wireTypes()
	}
	found := map[string]fields{}
	for gvk, typ := range scheme.Scheme.AllKnownTypes() {
		if slices.Contains(versions, gvk.GroupVersion().String()) && gvk.Version != runtime.APIVersionInternal {
			walk(typ, found)
		}
	}
	return found
}

// walk describes a type and every type reachable from it.
func walk(typ reflect.Type, found map[string]fields) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		walk(typ.Elem(), found)
		return
	case reflect.Struct:
	default:
		return
	}
	name := modelName(typ)
	if _, done := found[name]; done || marshals(typ) {
		return
	}
	described := fields{Always: map[string]json.RawMessage{}}
	found[name] = described
	collect(typ, &described, found)
	slices.Sort(described.Dropped)
	found[name] = described
}

func collect(typ reflect.Type, described *fields, found map[string]fields) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if tag[0] == "-" || !field.IsExported() {
			continue
		}
		if field.Anonymous && tag[0] == "" {
			collect(field.Type, described, found)
			continue
		}
		if tag[0] == "" {
			tag[0] = field.Name
		}
		walk(field.Type, found)
		omitempty, omitzero := slices.Contains(tag, "omitempty"), slices.Contains(tag, "omitzero")
		scalar := slices.Contains([]reflect.Kind{
			reflect.Bool, reflect.String, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64,
		}, field.Type.Kind())
		switch {
		case omitzero:
		case field.Type.Kind() == reflect.Struct && !marshals(field.Type):
			described.Always[tag[0]] = json.RawMessage("{}")
		case !omitempty || field.Type.Kind() == reflect.Struct:
			zero, err := json.Marshal(reflect.New(field.Type).Interface())
			if err != nil {
				panic(err)
			}
			described.Always[tag[0]] = zero
		case scalar:
			described.Dropped = append(described.Dropped, tag[0])
		}
	}
}

// marshals says whether a type prints itself.
func marshals(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Marshaler]())
}

// modelName is the type's name in the OpenAPI documents.
func modelName(typ reflect.Type) string {
	domain, path, _ := strings.Cut(typ.PkgPath(), "/")
	labels := strings.Split(domain, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + typ.Name()
}
