package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestManifestsOfARepository(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{OmitConfigMediaType: true})
	tagged := registry.PutImage("app", "v", acrtest.Image{Architecture: "arm64"}).String()
	untagged := registry.PutImage("app", "", acrtest.Image{Author: "untagged"}).String()
	registry.SetManifestAttributes("app", untagged, acrtest.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true})
	only := func(name string) tfjsonpath.Path { return tfjsonpath.New("manifests").AtSliceIndex(0).AtMapKey(name) }
	is := func(name string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.acr_manifests.app", only(name), check)
	}
	config := func(arguments string) string {
		return providerBlock(registry) + "data \"acr_manifests\" \"app\" {\n  repository = \"app\"\n" + arguments + "}\n"
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config: config("untagged = false\n"),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.acr_manifests.app", tfjsonpath.New("manifests"), knownvalue.ListSizeExact(1)),
					is("digest", knownvalue.StringExact(tagged)),
					is("tags", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("v")})),
					is("architecture", knownvalue.StringExact("arm64")),
					is("os", knownvalue.StringExact("linux")),
					is("config_media_type", knownvalue.Null()),
					is("quarantine_state", knownvalue.Null()),
					is("write_enabled", knownvalue.Bool(true)),
					is("size", knownvalue.NotNull()),
					is("created_time", knownvalue.NotNull()),
				},
			},
			{
				Config: config("untagged = true\n"),
				ConfigStateChecks: []statecheck.StateCheck{
					is("digest", knownvalue.StringExact(untagged)),
					is("tags", knownvalue.ListSizeExact(0)),
					is("write_enabled", knownvalue.Bool(false)),
				},
			},
			{
				Config: config("order_by = \"time_desc\"\nlimit = 1\n"),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.acr_manifests.app", tfjsonpath.New("manifests"), knownvalue.ListSizeExact(1)),
					is("digest", knownvalue.StringExact(untagged)),
				},
			},
		},
	})
}

func TestManifestsRefuse(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true})
	registry.PutImage("app", "v", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	for name, test := range map[string]struct {
		arguments values
		want      wanted
	}{
		"the order of tags":       {values{"repository": "app", "order_by": "name"}, wanted{attribute: "order_by", summary: "Invalid Attribute Value Match", says: []string{"digest"}}},
		"a limit of nothing":      {values{"repository": "app", "limit": 0}, wanted{attribute: "limit", summary: "Invalid value"}},
		"a repository with a tag": {values{"repository": "app:v"}, wanted{attribute: "repository", summary: "Invalid value"}},
		"a registry not on Azure": {values{"repository": "app"}, wanted{summary: "Not offered by this registry", says: []string{"listing the manifests of "}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := p.read("acr_manifests", test.arguments)
			test.want.check(t, diagnostics)
		})
	}
}
