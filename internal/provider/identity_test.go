package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// Without a refresh, Terraform changes and removes resources of the provider's former registry. None of that reaches
// the new one, which has a repository, a tag and a lock of the same names.
func TestResourceOfAnotherRegistryIsNotWrittenToThisOne(t *testing.T) {
	old, other := acrtest.StartT(t, acrtest.Options{}), acrtest.StartT(t, acrtest.Options{})
	one, two := twoImages(old)
	for _, registry := range []*acrtest.Registry{old, other} {
		twoImages(registry)
		registry.PutImage("app", "v", acrtest.Image{})
	}
	other.Tag("app", "prod", one)
	copyOf := func(d string) values {
		return values{"source": old.Host() + "/app@" + d, "repository": "mirror/app", "tag": "1.0", "referrers": false}
	}
	for typeName, arguments := range map[string]struct{ made, changed values }{
		"acr_tag": {prodTag(one), prodTag(two)},
		"acr_lock": {
			values{"repository": "app", "tag": "v", "delete_enabled": false},
			values{"repository": "app", "tag": "v", "write_enabled": false},
		},
		"acr_image_copy": {copyOf(one.String()), copyOf(two.String())},
	} {
		t.Run(typeName, func(t *testing.T) {
			m := configuredFor(t, defaultUser(old)).mustApply(typeName, managed{}, arguments.made)
			p := configuredFor(t, defaultUser(other))
			old.ResetLog()

			kept, diagnostics := p.apply(typeName, m, arguments.changed)
			wanted{summary: "Resource of another registry", says: []string{old.Host(), other.Host(), "-refresh=false"}}.check(t, diagnostics)
			if got, want := text(p.attributesOf(typeName, kept)["repository"]), text(p.attributesOf(typeName, m)["repository"]); got != want {
				t.Errorf("the state has the repository %s, want %s", got, want)
			}
			if got, want := p.identityOf(typeName, kept)["registry"], old.Host(); got != want {
				t.Errorf("the state is of %s, want %s", got, want)
			}

			gone, diagnostics := p.apply(typeName, m, nil)
			wanted{summary: "Left in another registry", says: []string{old.Host(), other.Host()}}.check(t, diagnostics)
			if diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning {
				t.Errorf("severity = %s, want a warning", diagnostics[0].Severity)
			}
			if state := p.attributesOf(typeName, gone); len(state) > 0 {
				t.Errorf("the state still has %v", state)
			}
			if n := old.Count("") + other.Count(""); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}
