package auth

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// SplitScope splits `type:name:actions` at the last colon, since a name may hold a port.
func SplitScope(scope string) (resource, actions string) {
	if i := strings.LastIndexByte(scope, ':'); i >= 0 {
		return scope[:i], scope[i+1:]
	}
	return scope, ""
}

// WithActions returns a scope with further actions, sorted and after those that it has, each once.
func WithActions(scope string, actions []string) string {
	resource, has := SplitScope(scope)
	var all []string
	for action := range strings.SplitSeq(has, ",") {
		if !slices.Contains(all, action) {
			all = append(all, action)
		}
	}
	for _, action := range slices.Sorted(slices.Values(actions)) {
		if !slices.Contains(all, action) {
			all = append(all, action)
		}
	}
	return resource + ":" + strings.Join(all, ",")
}

// scopePattern is the grammar of a token's scope: resource type with an optional class, name, actions. It is compiled
// at first use: most runs have no scope to check, and a provider starts often.
// Source: distribution, "Token Scope Documentation".
var scopePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]+(\([a-z0-9]+\))?:[A-Za-z0-9._/:*-]+:(\*|[a-z_]+)(,(\*|[a-z_]+))*$`)
})

// ValidateScope checks a complete scope, such as `registry:catalog:*` or `repository:app:pull,push`.
func ValidateScope(scope string) error {
	if !scopePattern().MatchString(scope) {
		return fault.Invalid("scopes", "%q is not a scope such as \"registry:catalog:*\" or \"repository:app:pull,push\"", secret.Excerpt(scope))
	}
	return nil
}

// ValidateAction checks an action of a scope, such as `pull` or `metadata_read`.
func ValidateAction(action string) error {
	if action == "" || action != "*" && strings.Trim(action, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return fault.Invalid("actions", "%q is not an action such as \"pull\" or \"metadata_read\"", secret.Excerpt(action))
	}
	return nil
}
