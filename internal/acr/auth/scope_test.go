package auth

import (
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestValidateScope(t *testing.T) {
	for _, scope := range []string{
		"registry:catalog:*", "repository:app:pull", "repository:team/app:pull,push", "repository:app:metadata_read,delete",
		"repository(plugin):app:pull", "repository:r.example:5000/app:pull", "repository:*:*", "artifact-repository:a:pull"[9:],
	} {
		faulttest.WantArgument(t, ValidateScope(scope), "")
	}
	for _, scope := range []string{
		"", " ", "repository", "repository:app", "repository:app:", ":app:pull", "repository::pull", "repository:app:pull push",
		"repository:app:pull,", "repository:app:,pull", "repository:app:Pull", "repository:app:pull\n", "repository:app:pull&scope=x",
		"repository:a b:pull", "repository():app:pull", "REPOSITORY:app:pull", "repository:app:pull repository:b:pull", "repository:äpp:pull",
	} {
		faulttest.WantArgument(t, ValidateScope(scope), "scopes")
	}
}

func TestValidateAction(t *testing.T) {
	for _, action := range []string{"pull", "metadata_read", "*"} {
		faulttest.WantArgument(t, ValidateAction(action), "")
	}
	for _, action := range []string{"", "Pull", "pull,push", "pull ", "**", "*pull", "pull1", "push\n", "pull:x", "ä"} {
		faulttest.WantArgument(t, ValidateAction(action), "actions")
	}
}

func TestSplitScope(t *testing.T) {
	for scope, want := range map[string][2]string{
		"repository:alpine:pull":                {"repository:alpine", "pull"},
		"repository:library/alpine:pull,push":   {"repository:library/alpine", "pull,push"},
		"repository:r.example:5000/alpine:pull": {"repository:r.example:5000/alpine", "pull"},
		"registry:catalog:*":                    {"registry:catalog", "*"},
		"repository:alpine:":                    {"repository:alpine", ""},
		"none":                                  {"none", ""},
		"":                                      {"", ""},
	} {
		resource, actions := SplitScope(scope)
		if got := [2]string{resource, actions}; got != want {
			t.Errorf("SplitScope(%q) = %q, want %q", scope, got, want)
		}
	}
}
