package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	tfstate "github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

var unlocked = acrtest.Attributes{DeleteEnabled: true, WriteEnabled: true, ReadEnabled: true, ListEnabled: true}

// tagLocks returns the locks of app:v as data acr_tags does: "write delete read list", each t or f.
func tagLocks(t *testing.T, registry *acrtest.Registry) string {
	t.Helper()
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_tags", values{"repository": "app"})
	var tags []tftypes.Value
	if err := state["tags"].As(&tags); err != nil || len(tags) != 1 {
		t.Fatalf("%d tags, %v", len(tags), err)
	}
	var tag map[string]tftypes.Value
	if err := tags[0].As(&tag); err != nil {
		t.Fatal(err)
	}
	return flags(t, tag)
}

// flags writes the four locks of an object: t, f, or - for null.
func flags(t *testing.T, object map[string]tftypes.Value) string {
	t.Helper()
	all := ""
	for _, name := range []string{"write_enabled", "delete_enabled", "read_enabled", "list_enabled"} {
		var enabled *bool
		if err := object[name].As(&enabled); err != nil {
			t.Fatal(err)
		}
		switch {
		case enabled == nil:
			all += "-"
		case *enabled:
			all += "t"
		default:
			all += "f"
		}
	}
	return all
}

// The life of a lock with a real Terraform: set, removed by hand and set again, changed, and removed at the end.
func TestLockIsSetWatchedAndLifted(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	config := func(locks string) string {
		return providerBlock(registry) + "resource \"acr_lock\" \"v\" {\n  repository = \"app\"\n  tag = \"v\"\n" + locks + "}\n"
	}
	wantLocks := func(want string) resource.TestCheckFunc {
		return func(*tfstate.State) error {
			if got := tagLocks(t, registry); got != want {
				return fmt.Errorf("locks = %s, want %s", got, want)
			}
			return nil
		}
	}
	updates := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("acr_lock.v", plancheck.ResourceActionUpdate)}}
	noChange := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy: func(s *tfstate.State) error {
			return wantLocks("ttft")(s) // read_enabled, which somebody else set, stays
		},
		Steps: []resource.TestStep{
			{
				Config: config("write_enabled = false\n"), Check: wantLocks("fttt"),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("acr_lock.v", tfjsonpath.New("write_enabled"), knownvalue.Bool(false)),
					statecheck.ExpectKnownValue("acr_lock.v", tfjsonpath.New("delete_enabled"), knownvalue.Null()),
				},
			},
			{
				PreConfig: func() { registry.SetTagAttributes("app", "v", unlocked) },
				Config:    config("write_enabled = false\n"), ConfigPlanChecks: updates, Check: wantLocks("fttt"),
			},
			{Config: config("delete_enabled = false\n"), ConfigPlanChecks: updates, Check: wantLocks("tftt")},
			{
				PreConfig: func() {
					registry.SetTagAttributes("app", "v", acrtest.Attributes{WriteEnabled: true, ListEnabled: true})
				},
				Config: config("delete_enabled = false\n"), ConfigPlanChecks: noChange, Check: wantLocks("tfft"),
			},
		},
	})
}

func TestLockIsImportedAtThreeLevels(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "v", acrtest.Image{}).String()
	registry.SetTagAttributes("app", "v", acrtest.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true})
	registry.SetManifestAttributes("app", d, acrtest.Attributes{ReadEnabled: true, ListEnabled: true})
	p := configuredFor(t, defaultUser(registry))
	for name, test := range map[string]struct {
		id       string
		identity values
		locks    string
		names    map[string]string
	}{
		"repository":      {"app", nil, "tttt", map[string]string{"repository": "app", "tag": "null", "digest": "null"}},
		"tag":             {"app:v", nil, "f---", map[string]string{"repository": "app", "tag": "v", "digest": "null"}},
		"manifest":        {"app@" + d, nil, "ff--", map[string]string{"repository": "app", "tag": "null", "digest": d}},
		"tag by identity": {"", values{"repository": "app", "tag": "v"}, "f---", map[string]string{"repository": "app", "tag": "v", "digest": "null"}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.identity != nil {
				test.identity["registry"] = registry.Host()
			}
			m, diagnostics := p.importBy("acr_lock", test.id, test.identity)
			if len(diagnostics) > 0 {
				t.Fatal(describe(diagnostics))
			}
			state := p.attributesOf("acr_lock", m)
			if got := flags(t, state); got != test.locks {
				t.Errorf("locks = %s, want %s", got, test.locks)
			}
			identity := p.identityOf("acr_lock", m)
			for part, want := range test.names {
				if text(state[part]) != want || identity[part] != want {
					t.Errorf("%s = %s, in the identity %s; want %s", part, text(state[part]), identity[part], want)
				}
			}
		})
	}
}

func TestLockImportRefuses(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	for _, id := range []string{"App", "app:", "app@", "app@sha256:1", "app:v@" + someDigest, "app:v:w", "/app", "app/", "https://" + registry.Host() + "/app"} {
		_, diagnostics := p.importBy("acr_lock", id, nil)
		wanted{summary: "Invalid value", says: []string{fmt.Sprintf("%q", id), "team/app@sha256:"}}.check(t, diagnostics)
	}
	for _, identity := range []values{
		{"registry": "other.azurecr.io", "repository": "app"},
		{"registry": registry.Host(), "repository": "App"},
		{"registry": registry.Host(), "repository": "app", "tag": "v", "digest": someDigest},
	} {
		_, diagnostics := p.importBy("acr_lock", "", identity)
		wanted{summary: "Invalid value"}.check(t, diagnostics)
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestLockArgumentsAreChecked(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	lock := values{"repository": "app", "write_enabled": false}
	for name, test := range map[string]struct {
		arguments values
		want      wanted
	}{
		"no lock at all":      {values{"repository": "app", "tag": "v"}, wanted{attribute: "write_enabled", summary: "Invalid Attribute Combination", says: []string{"delete_enabled"}}},
		"both tag and digest": {lock.plus(values{"tag": "v", "digest": someDigest}), wanted{attribute: "tag", summary: "Invalid Attribute Combination", says: []string{"digest"}}},
		"a tag that is none":  {lock.plus(values{"tag": someDigest}), wanted{attribute: "tag", summary: "Invalid value"}},
		"a digest too short":  {lock.plus(values{"digest": "sha256:abcdef"}), wanted{attribute: "digest", summary: "Invalid value"}},
		"a repository:tag":    {lock.plus(values{"repository": "app:v"}), wanted{attribute: "repository", summary: "Invalid value"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := p.plan("acr_lock", managed{}, test.arguments)
			test.want.check(t, diagnostics)
		})
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestLockErrorsSayWhoCanHelp(t *testing.T) {
	for name, test := range map[string]struct {
		options   acrtest.Options
		arguments values
		want      wanted
	}{
		"AcrPush": {
			acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull,push,metadata_read"}}}, values{},
			wanted{summary: "Permission to change locks missing", says: []string{"repository:app:metadata_write", "The role AcrPush does not include it", "Contributor", "metadata/write"}},
		},
		"a tag that is not there":    {acrtest.Options{}, values{"tag": "absent"}, wanted{attribute: "tag", summary: "Tag or digest not found", says: []string{"TAG_UNKNOWN", "/app:absent"}}},
		"a digest that is not there": {acrtest.Options{}, values{"digest": someDigest}, wanted{attribute: "digest", summary: "Tag or digest not found", says: []string{"/app@" + someDigest}}},
		"a repository that is not there": {
			acrtest.Options{}, values{"repository": "absent"},
			wanted{attribute: "repository", summary: "Repository not found", says: []string{"NAME_UNKNOWN"}},
		},
		"another registry": {acrtest.Options{WithoutACRAPI: true}, values{}, wanted{summary: "Not offered by this registry", says: []string{"locks"}}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, test.options)
			registry.PutImage("app", "v", acrtest.Image{})
			p := configuredFor(t, defaultUser(registry))
			_, diagnostics := p.apply("acr_lock", managed{}, values{"repository": "app", "write_enabled": false}.plus(test.arguments))
			test.want.check(t, diagnostics)
		})
	}
}

// If what was locked is gone, no lock needs to be removed, and the plan shows that it will be created.
func TestLockOfWhatIsGone(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_lock", managed{}, values{"repository": "app", "tag": "v", "list_enabled": false})
	registry.Untag("app", "v")
	gone, diagnostics := p.refresh("acr_lock", m)
	if len(diagnostics) > 0 || len(p.attributesOf("acr_lock", gone)) > 0 {
		t.Errorf("read %v %s", p.attributesOf("acr_lock", gone), describe(diagnostics))
	}
	p.mustApply("acr_lock", m, nil)
}

func TestPlansOfALockWriteNothing(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_lock", managed{}, values{"repository": "app", "write_enabled": false})
	registry.ResetLog()
	for _, arguments := range []values{{"repository": "app", "write_enabled": true}, nil} {
		if _, diagnostics := p.plan("acr_lock", m, arguments); len(diagnostics) > 0 {
			t.Fatal(describe(diagnostics))
		}
	}
	if got := registry.Count(""); got != 0 {
		t.Errorf("%d requests", got)
	}
}
