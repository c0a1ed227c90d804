package main

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

func quantity(value string) answer {
	parsed, err := resource.ParseQuantity(value)
	if err != nil {
		return failure(err)
	}
	return printed(answer{"ok": true}, "canonical", parsed)
}

func arithmetic(left, right string, scale int32) answer {
	a, err := resource.ParseQuantity(left)
	if err != nil {
		return failure(err)
	}
	b, err := resource.ParseQuantity(right)
	if err != nil {
		return failure(err)
	}
	sum, difference, rounded := a.DeepCopy(), a.DeepCopy(), a.DeepCopy()
	sum.Add(b)
	difference.Sub(b)
	rounded.RoundUp(resource.Scale(scale))
	order := map[int]string{-1: "Less", 0: "Equal", 1: "Greater"}[a.Cmp(b)]
	said := answer{"ok": true, "order": order}
	printed(said, "sum", sum)
	printed(said, "difference", difference)
	return printed(said, "rounded", rounded)
}

// printed adds the canonical form to what is said. A parsed quantity may remember how it was written ("+1",
// "1.500"), which String would give back; CanonicalizeBytes does not look at that. Beyond the largest suffix
// upstream prints the number without any, which is another number: the key is listed as lossy then.
func printed(said answer, key string, quantity resource.Quantity) answer {
	number, suffix := quantity.CanonicalizeBytes(nil)
	text := string(number) + string(suffix)
	said[key] = text
	if again, err := resource.ParseQuantity(text); err != nil || again.Cmp(quantity) != 0 {
		lossy, _ := said["lossy"].([]string)
		said["lossy"] = append(lossy, key)
	}
	return said
}
