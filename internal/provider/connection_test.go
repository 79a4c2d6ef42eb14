package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// With an unknown provider block, each read fails with one error, and nothing is sent, neither to another registry nor
// as an anonymous caller.
func TestUnknownProviderBlockConnectsNowhere(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{AnonymousPull: true})
	registry.PutImage("app", "1.0", acrtest.Image{})
	tag, _ := configuredFor(t, defaultUser(registry)).importBy("acr_tag", "app:1.0", nil)
	connections := registry.Connections()
	tests := map[string]struct {
		unknown values
		says    string
	}{
		"registry":              {values{"registry": unknownString}, "`registry` of the provider block"},
		"username":              {values{"username": unknownString}, "`username` of the provider block"},
		"registry and password": {values{"registry": unknownString, "password": unknownString}, "`password`, `registry` of the provider block"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ACR_REGISTRY", registry.Host())
			p := configuredFor(t, defaultUser(registry).plus(test.unknown))
			want := wanted{
				summary: "Provider configuration is known only after apply",
				says:    []string{test.says, "depends_on", "-target", "ACR_REGISTRY"},
				hides:   []string{acrtest.DefaultPassword},
			}
			_, diagnostics := p.read("acr_manifest", values{"repository": "app", "tag": "1.0"})
			want.check(t, diagnostics)
			// A resource of an earlier run and an ephemeral resource cannot wait, so depends_on is no remedy.
			want.summary = "Provider configuration is known only after apply: resource"
			want.says = []string{test.says, "-target", "ACR_REGISTRY"}
			want.hides = append(want.hides, "depends_on")
			_, diagnostics = p.open("acr_bearer_token", values{"repository": "app"})
			want.check(t, diagnostics)
			_, diagnostics = p.importBy("acr_tag", "app:1.0", nil)
			want.check(t, diagnostics)
			_, diagnostics = p.refresh("acr_tag", tag)
			want.check(t, diagnostics)
		})
	}
	if n := registry.Connections(); n != connections {
		t.Errorf("%d connections were made", n-connections)
	}
}

// If Terraform allows it, reads with an unknown provider block are deferred.
func TestUnknownProviderBlockIsDeferred(t *testing.T) {
	p := newProtocol(t)
	diagnostics := p.configureWith(values{"registry": unknownString}, &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: true})
	if len(diagnostics) > 0 {
		t.Fatal(describe(diagnostics))
	}
	config := p.encode(p.schemas.DataSourceSchemas["acr_manifest"], values{"repository": "app", "tag": "1.0"})
	answer, err := p.server.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{
		TypeName: "acr_manifest", Config: config, ClientCapabilities: &tfprotov6.ReadDataSourceClientCapabilities{DeferralAllowed: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Diagnostics) > 0 {
		t.Error(describe(answer.Diagnostics))
	}
	if answer.Deferred == nil || answer.Deferred.Reason != tfprotov6.DeferredReasonProviderConfigUnknown {
		t.Errorf("deferred = %v", answer.Deferred)
	}
}

// The same with a real Terraform: if the same run creates the registry, the plan fails and says what to do. With that,
// depends_on, the read waits for apply and works.
func TestRegistryOfTheSameRun(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("app", "1.0", acrtest.Image{})
	config := func(dependsOn string) string {
		return fmt.Sprintf(`
			resource "terraform_data" "registry" {
			  input = %q
			}
			provider "acr" {
			  registry    = terraform_data.registry.output
			  username    = %q
			  password    = %q
			  ca_cert_pem = %q
			}
			data "acr_manifest" "app" {
			  repository = "app"
			  tag        = "1.0"
			  %s
			}
			output "digest" {
			  value = data.acr_manifest.app.digest
			}`, registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM(), dependsOn)
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config:      config(""),
				ExpectError: inWrapped("Known only after apply: `registry` of the provider block."),
			},
			{
				Config: config("depends_on = [terraform_data.registry]"),
				Check:  resource.TestCheckOutput("digest", image.String()),
			},
		},
	})
}

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
