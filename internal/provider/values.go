package provider

import (
	"regexp"
	"time"

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
func listOrEmpty(list []string) []string {
	if list == nil {
		return []string{}
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
