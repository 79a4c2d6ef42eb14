package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// The echo provider writes its configuration, here the ephemeral token, to the state, where a test can read it.
func TestEphemeralBearerToken(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	echoed := tfjsonpath.New("data")

	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"acr":  factories["acr"],
			"echo": echoprovider.NewProviderServer(),
		},
		Steps: []resource.TestStep{{
			Config: providerBlock(registry) + `
				ephemeral "acr_bearer_token" "app" {
				  repository = "app"
				  actions    = ["push"]
				}
				provider "echo" {
				  data = ephemeral.acr_bearer_token.app
				}
				resource "echo" "token" {}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("echo.token", echoed.AtMapKey("access_token"), knownvalue.StringRegexp(regexp.MustCompile(`^eyJ`))),
				statecheck.ExpectKnownValue("echo.token", echoed.AtMapKey("realm"), str(registry.URL()+"/oauth2/token")),
				statecheck.ExpectKnownValue("echo.token", echoed.AtMapKey("service"), str(registry.Host())),
				statecheck.ExpectKnownValue("echo.token", echoed.AtMapKey("scope"), str("repository:app:pull,push")),
				statecheck.ExpectKnownValue("echo.token", echoed.AtMapKey("granted"), knownvalue.ListExact([]knownvalue.Check{
					knownvalue.ObjectExact(object{"type": str("repository"), "name": str("app"), "actions": list("pull", "push")}),
				})),
			},
		}},
	})
}

// The ephemeral resource refuses the same arguments as the data source, with the same words and on the same attributes.
func TestEphemeralBearerTokenRefuses(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry).plus(values{"password": "sesame"}))
	for name, arguments := range map[string]values{
		"neither repository nor scopes": {},
		"a scope that is none":          {"scopes": []string{"app"}},
		"a repository that is none":     {"repository": "App"},
		"a wrong password":              {"repository": "app"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ephemeral := p.open("acr_bearer_token", arguments)
			_, data := p.read("acr_bearer_token", arguments)
			if len(ephemeral) != 1 || len(data) != 1 {
				t.Fatalf("want one diagnostic each: %s %s", describe(ephemeral), describe(data))
			}
			if ephemeral[0].Summary != data[0].Summary || attributeOf(ephemeral[0]) != attributeOf(data[0]) {
				t.Errorf("they differ: %s %s", describe(ephemeral), describe(data))
			}
		})
	}
}

// If it is opened twice, it fetches two tokens: nothing is kept from plan to apply.
func TestEphemeralBearerTokenIsFresh(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	first, _ := p.open("acr_bearer_token", values{"repository": "app"})
	second, _ := p.open("acr_bearer_token", values{"repository": "app"})
	if text(first["access_token"]) == text(second["access_token"]) {
		t.Error("both got the same token")
	}
	if n := registry.Count(acrtest.KindChallenge); n != 2 {
		t.Errorf("%d discoveries, want one for each", n)
	}
}
