package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

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
			Config: providerBlock(registry) + `output "claims" { value = provider::acr::token_claims("a.e30.b") }`, // it states nothing
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("claims", knownvalue.ObjectExact(object{
					"subject": knownvalue.Null(), "audience": list(), "issuer": knownvalue.Null(),
					"issued_at": knownvalue.Null(), "expires_at": knownvalue.Null(), "access": list(),
				})),
			},
		}},
	})
}

func TestTokenClaimsRefusesAnOpaqueToken(t *testing.T) {
	wantFunctionError(t, `token_claims("opaque")`, "access_token",
		`the token is not a JSON Web Token, so nothing can be read from it.`)
}
