package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"golang.org/x/mod/semver"
)

// It needs no provider configuration and no registry, unless the CLI configures the provider anyway.
func TestParseImage(t *testing.T) {
	giveRegistryWhereFunctionsNeedOne(t)
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

// giveRegistryWhereFunctionsNeedOne sets ACR_REGISTRY for OpenTofu up to 1.10, and checks the error without it.
func giveRegistryWhereFunctionsNeedOne(t *testing.T) {
	t.Helper()
	cli := realCLI(t)
	const configuration = `output "image" { value = provider::acr::parse_image("example.azurecr.io/app").image }`
	if _, lacks := cli.Lacks(configuration); lacks || cli.Name == "Terraform" || semver.Compare(cli.Number, "v1.11.0") >= 0 {
		return
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: configuration, ExpectError: inWrapped("Set `registry` in the provider block, or ACR_REGISTRY,")},
			{Config: `output "nothing" { value = "to destroy" }`},
		},
	})
	t.Setenv("ACR_REGISTRY", "example.azurecr.io")
}

func TestParseImageRefuses(t *testing.T) {
	wantFunctionError(t, `parse_image("alpine:3")`, "reference",
		`"alpine:3" names no registry: it begins with one, such as "example.azurecr.io/"; no Docker Hub default is applied.`)
	wantFunctionError(t, `parse_image("example.azurecr.io/App:1.0")`, "reference",
		`"example.azurecr.io/App:1.0" is not an image reference such as "example.azurecr.io/app:1.0".`)
}
