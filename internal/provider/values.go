package provider

import (
	"regexp"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// textOrNull returns null for an empty string, which internal/acr uses for what is absent.
func textOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// timeOrNull returns a time as RFC 3339 in UTC, null if it is unknown.
func timeOrNull(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}

// numberOrNull returns null for 0, which stands for what is absent.
func numberOrNull(number int64) types.Int64 {
	if number == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(number)
}

// regexOrNil compiles a name_regex that has passed validation. It returns nil if there is none.
func regexOrNil(pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	return regexp.MustCompile(pattern)
}

// textsOrNull returns null for a nil map.
func textsOrNull(texts map[string]string) types.Map {
	if texts == nil {
		return types.MapNull(types.StringType)
	}
	return textMap(texts)
}

// textMap returns an empty map, not null, for a nil map.
func textMap(texts map[string]string) types.Map {
	elements := make(values, len(texts))
	for name, text := range texts {
		elements[name] = types.StringValue(text)
	}
	return types.MapValueMust(types.StringType, elements)
}

// textList returns an empty list, not null, for a nil slice.
func textList(texts []string) types.List {
	elements := make([]attr.Value, len(texts))
	for i, text := range texts {
		elements[i] = types.StringValue(text)
	}
	return types.ListValueMust(types.StringType, elements)
}

// textListOrNull returns null for a nil slice.
func textListOrNull(texts []string) types.List {
	if texts == nil {
		return types.ListNull(types.StringType)
	}
	return textList(texts)
}

// elementType returns a function that returns the type of a nested attribute's elements. The type is made at first use.
func elementType(attributes func() map[string]schema.Attribute) func() types.ObjectType {
	return sync.OnceValue(func() types.ObjectType {
		fields := map[string]attr.Type{}
		for name, attribute := range attributes() {
			fields[name] = attribute.GetType()
		}
		return types.ObjectType{AttrTypes: fields}
	})
}

// objectOrNull converts an element to a nested attribute's object, null for a nil element.
func objectOrNull[E any](of types.ObjectType, element *E, attributes func(E) values) types.Object {
	if element == nil {
		return types.ObjectNull(of.AttrTypes)
	}
	return types.ObjectValueMust(of.AttrTypes, attributes(*element))
}

// objectsOrNull converts elements to a nested attribute's list, null for a nil slice.
func objectsOrNull[E any](of types.ObjectType, elements []E, attributes func(E) values) types.List {
	if elements == nil {
		return types.ListNull(of)
	}
	return objectList(of, elements, attributes)
}

// objectList is objectsOrNull, with an empty list instead of null.
func objectList[E any](of types.ObjectType, elements []E, attributes func(E) values) types.List {
	objects := make([]attr.Value, len(elements))
	for i, element := range elements {
		objects[i] = types.ObjectValueMust(of.AttrTypes, attributes(element))
	}
	return types.ListValueMust(of, objects)
}
