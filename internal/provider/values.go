package provider

import (
	"regexp"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// textOrNull gives null for what is absent, which internal/acr writes as an empty string.
func textOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// timeOrNull writes a time as RFC 3339 in UTC; null where it is unknown.
func timeOrNull(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}

// listOrEmpty gives an empty list, not null, for what is known to have no elements.
func listOrEmpty[E any](list []E) []E {
	if list == nil {
		return []E{}
	}
	return list
}

// mapOrEmpty gives an empty map, not null, for what is known to have no elements.
func mapOrEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// regexOrNil compiles a name_regex that validation has let through; nil where there is none.
func regexOrNil(pattern types.String) *regexp.Regexp {
	if pattern.IsNull() {
		return nil
	}
	return regexp.MustCompile(pattern.ValueString())
}

// textsOrNull gives null for an absent map.
func textsOrNull(texts map[string]string) types.Map {
	if texts == nil {
		return types.MapNull(types.StringType)
	}
	elements := make(map[string]attr.Value, len(texts))
	for name, text := range texts {
		elements[name] = types.StringValue(text)
	}
	return types.MapValueMust(types.StringType, elements)
}

// elementType gives the type of a nested attribute's elements, made at first use.
//
// Such elements are built as values of Terraform's, not as structs: of a struct the framework compiles a regular
// expression for each field, and that for each element.
func elementType(attributes func() map[string]schema.Attribute) func() types.ObjectType {
	return sync.OnceValue(func() types.ObjectType {
		fields := map[string]attr.Type{}
		for name, attribute := range attributes() {
			fields[name] = attribute.GetType()
		}
		return types.ObjectType{AttrTypes: fields}
	})
}

// objectOrNull makes a nested attribute's object of what it is read from; null where that is nil.
func objectOrNull[E any](of types.ObjectType, element *E, values func(E) map[string]attr.Value) types.Object {
	if element == nil {
		return types.ObjectNull(of.AttrTypes)
	}
	return types.ObjectValueMust(of.AttrTypes, values(*element))
}

// objectsOrNull makes a nested attribute's list; null where there is none to read from.
func objectsOrNull[E any](of types.ObjectType, elements []E, values func(E) map[string]attr.Value) types.List {
	if elements == nil {
		return types.ListNull(of)
	}
	objects := make([]attr.Value, len(elements))
	for i, element := range elements {
		objects[i] = types.ObjectValueMust(of.AttrTypes, values(element))
	}
	return types.ListValueMust(of, objects)
}
