package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestImages(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	api := registry.PutImage("team/api", "1.0", acrtest.Image{}).String()
	arm := acrtest.Image{Architecture: "arm64"}
	web := registry.PutIndex("team/web", "2.0", acrtest.Index{Images: []acrtest.Image{{}, arm}}).String()
	webArm := registry.PutImage("team/web", "", arm).String()
	db := registry.PutImage("db", "", arm).String()
	pinned := func(repository, digest string) string { return registry.Host() + "/" + repository + "@" + digest }
	texts := func(m map[string]string) knownvalue.Check {
		checks := object{}
		for key, value := range m {
			checks[key] = str(value)
		}
		return knownvalue.MapExact(checks)
	}

	applyTwice(t, providerBlock(registry)+fmt.Sprintf(`
		data "acr_images" "deployment" {
		  references = {
		    api      = "team/api:1.0"
		    web      = %q
		    database = "db@%s"
		  }
		}
		data "acr_images" "arm" {
		  references    = { web = "team/web:2.0", gone = "team/web:3.0", never = "never:1" }
		  platform      = "linux/arm64"
		  allow_missing = true
		}`, registry.Host()+"/team/web:2.0", db),
		attributes("data.acr_images.deployment", object{
			"images":  texts(map[string]string{"api": pinned("team/api", api), "web": pinned("team/web", web), "database": pinned("db", db)}),
			"digests": texts(map[string]string{"api": api, "web": web, "database": db}),
			"missing": knownvalue.SetExact(nil),
		}),
		attributes("data.acr_images.arm", object{
			"images":  texts(map[string]string{"web": pinned("team/web", webArm)}),
			"digests": texts(map[string]string{"web": webArm}),
			"missing": knownvalue.SetExact([]knownvalue.Check{str("gone"), str("never")}),
		}),
	)
}

// hundredReferences stores images in a hundred repositories, and returns references to them.
func hundredReferences(registry *acrtest.Registry) map[string]string {
	references := map[string]string{}
	for i := range 100 {
		repository := fmt.Sprintf("team/app%02d", i)
		registry.PutImage(repository, "v", acrtest.Image{})
		references[repository] = repository + ":v"
	}
	return references
}

func TestMisspeltNameIsOneErrorOnItsKey(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references := hundredReferences(registry)
	references["team/app17"] = "team/ap17:v"
	_, diagnostics := configuredFor(t, defaultUser(registry)).read("acr_images", values{"references": references})
	wanted{
		attribute: `references["team/app17"]`, summary: "Repository not found",
		says: []string{`Attempted: references["team/app17"]: reading the manifest `, "/team/ap17:v", "404 Not Found NAME_UNKNOWN", "allow_missing"},
	}.check(t, diagnostics)
}

func TestTenFailuresAreShownAndTheRestCounted(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references := hundredReferences(registry)
	for key := range references {
		if strings.HasPrefix(key, "team/app1") || strings.HasPrefix(key, "team/app2") {
			references[key] = key + ":w"
		}
	}
	_, diagnostics := configuredFor(t, defaultUser(registry)).read("acr_images", values{"references": references})
	if len(diagnostics) != 11 {
		t.Fatalf("%d diagnostics, want ten and the rest: %s", len(diagnostics), describe(diagnostics))
	}
	for i, d := range diagnostics[:10] {
		if want := fmt.Sprintf(`references["team/app1%d"]`, i); attributeOf(d) != want || d.Summary != "Tag or digest not found" {
			t.Errorf("diagnostic %d is on %s: %s", i, attributeOf(d), d.Summary)
		}
	}
	wanted{attribute: "references", summary: "More images failed", says: []string{"Not shown: 10 more references"}}.check(t, diagnostics[10:])
}

func TestImagesRefuse(t *testing.T) {
	many, broken := map[string]string{}, map[string]string{}
	for i := range 1_001 {
		many[fmt.Sprint(i)] = "app:v"
	}
	for i := range 12 {
		broken[fmt.Sprintf("k%02d", i)] = "app"
	}
	null := tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, map[string]tftypes.Value{"k": tftypes.NewValue(tftypes.String, nil)})
	for name, test := range map[string]struct {
		references any
		want       wanted
		count      int // of diagnostics
	}{
		"none":         {map[string]string{}, wanted{attribute: "references", summary: "Invalid Attribute Value", says: []string{"at least 1"}}, 1},
		"too many":     {many, wanted{attribute: "references", summary: "Invalid Attribute Value", says: []string{"at most 1000"}}, 1},
		"null":         {null, wanted{attribute: `references["k"]`, summary: "Invalid value"}, 1},
		"without tag":  {map[string]string{"k": "team/app"}, wanted{attribute: `references["k"]`, summary: "Invalid value", says: []string{"needs a tag or a digest"}}, 1},
		"tag and more": {map[string]string{"k": "app:v@" + someDigest}, wanted{attribute: `references["k"]`, summary: "Invalid value", says: []string{"not both"}}, 1},
		"capitals":     {map[string]string{"k": "App:v"}, wanted{attribute: `references["k"]`, summary: "Invalid value", says: []string{`"App:v"`}}, 1},
		"all broken":   {broken, wanted{attribute: `references["k00"]`, summary: "Invalid value"}, 11},
		"another registry": {
			map[string]string{"k": "other.azurecr.io/app:v"},
			wanted{attribute: `references["k"]`, summary: "Invalid value", says: []string{"is an image of other.azurecr.io"}}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			_, diagnostics := configuredFor(t, defaultUser(registry)).read("acr_images", values{"references": test.references})
			if len(diagnostics) != test.count {
				t.Fatalf("%d diagnostics, want %d: %s", len(diagnostics), test.count, describe(diagnostics))
			}
			test.want.check(t, diagnostics[:1])
			if got := len(registry.Requests()); got != 0 {
				t.Errorf("%d requests were sent, want none", got)
			}
		})
	}
}

// A failure of all references is one error, not one for each key.
func TestUnreachableRegistryIsOneErrorOfAllImages(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references := hundredReferences(registry)
	arguments := defaultUser(registry).plus(values{"max_retries": 0})
	registry.Close()
	_, diagnostics := configuredFor(t, arguments).read("acr_images", values{"references": references})
	wanted{summary: "Registry unreachable", says: []string{registry.Host()}}.check(t, diagnostics)
}
