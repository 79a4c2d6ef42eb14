package provider_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// Without any provider configuration and without a registry.
func TestParseImage(t *testing.T) {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: `
				output "tagged" {
				  value = provider::acr::parse_image("example.azurecr.io/team/app:1.0")
				}
				output "pinned" {
				  value = provider::acr::parse_image("localhost:5000/app:1.0@` + digest + `")
				}
				output "bare" {
				  value = provider::acr::parse_image("example.azurecr.io/app")
				}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("tagged", knownvalue.ObjectExact(object{
					"registry": str("example.azurecr.io"), "repository": str("team/app"), "tag": str("1.0"), "digest": null(),
					"image": str("example.azurecr.io/team/app:1.0"),
				})),
				statecheck.ExpectKnownOutputValue("pinned", knownvalue.ObjectExact(object{
					"registry": str("localhost:5000"), "repository": str("app"), "tag": str("1.0"), "digest": str(digest),
					"image": str("localhost:5000/app:1.0@" + digest),
				})),
				statecheck.ExpectKnownOutputValue("bare", knownvalue.ObjectExact(object{
					"registry": str("example.azurecr.io"), "repository": str("app"), "tag": null(), "digest": null(),
					"image": str("example.azurecr.io/app"),
				})),
			},
		}},
	})
}

// A provider block without a registry does no harm to a configuration that only calls functions.
func TestFunctionErrorsPointAtTheArgument(t *testing.T) {
	output := func(expression string) string {
		return "provider \"acr\" {}\noutput \"result\" {\n  value = " + expression + "\n}\n"
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config:      output(`provider::acr::parse_image("alpine:3")`),
				ExpectError: withEnd(`Invalid value for "reference" parameter: "alpine:3" names no registry: it begins with one, such as "example.azurecr.io/"; no Docker Hub default is applied.`),
			},
			{
				Config:      output(`provider::acr::parse_image("example.azurecr.io/App:1.0")`),
				ExpectError: withEnd(`Invalid value for "reference" parameter: "example.azurecr.io/App:1.0" is not an image reference such as "example.azurecr.io/app:1.0".`),
			},
			{
				Config:      output(`provider::acr::token_claims("opaque")`),
				ExpectError: withEnd(`Invalid value for "access_token" parameter: the token is not a JSON Web Token, so nothing can be read from it.`),
			},
		},
	})
}

// withEnd matches the words as inWrapped does, with nothing behind them on their line.
func withEnd(words string) *regexp.Regexp {
	return regexp.MustCompile(inWrapped(words).String() + `\s*\n`)
}

func TestTokenClaims(t *testing.T) {
	issued := time.Now().UTC().Truncate(time.Second)
	registry := acrtest.StartT(t, acrtest.Options{Clock: func() time.Time { return issued }})
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: providerBlock(registry) + `
				data "acr_bearer_token" "app" {
				  repository = "app"
				}
				output "claims" {
				  value = nonsensitive(provider::acr::token_claims(data.acr_bearer_token.app.access_token))
				}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("claims", knownvalue.ObjectExact(object{
					"subject":    str(acrtest.DefaultUser),
					"audience":   list(registry.Host()),
					"issuer":     str("Azure Container Registry"),
					"issued_at":  str(issued.Format(time.RFC3339)),
					"expires_at": str(issued.Add(4500 * time.Second).Format(time.RFC3339)),
					"access": knownvalue.ListExact([]knownvalue.Check{
						knownvalue.ObjectExact(object{"type": str("repository"), "name": str("app"), "actions": list("pull")}),
					}),
				})),
			},
		}, {
			Config: `output "claims" { value = provider::acr::token_claims("a.e30.b") }`, // it states nothing
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("claims", knownvalue.ObjectExact(object{
					"subject": knownvalue.Null(), "audience": list(), "issuer": knownvalue.Null(),
					"issued_at": knownvalue.Null(), "expires_at": knownvalue.Null(), "access": list(),
				})),
			},
		}},
	})
}
