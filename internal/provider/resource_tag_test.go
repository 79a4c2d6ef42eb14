package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	tfstate "github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// prodTag returns the resource that most tests are about: app:prod on a digest.
func prodTag(d digest.Digest) values {
	return values{"repository": "app", "tag": "prod", "digest": d.String()}
}

func prodTagHCL(registry *acrtest.Registry, d digest.Digest) string {
	return providerBlock(registry) + fmt.Sprintf("resource \"acr_tag\" \"prod\" {\n  repository = \"app\"\n  tag = \"prod\"\n  digest = %q\n}\n", d)
}

// prodNames reads app:prod as any client would; "" if it does not exist.
func prodNames(t *testing.T, registry *acrtest.Registry) digest.Digest {
	t.Helper()
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_manifest", values{"repository": "app", "tag": "prod", "allow_missing": true})
	if d := text(state["digest"]); d != "null" {
		return digest.Digest(d)
	}
	return ""
}

func wantProd(t *testing.T, registry *acrtest.Registry, want digest.Digest) {
	t.Helper()
	if got := prodNames(t, registry); got != want {
		t.Errorf("app:prod names %q, want %q", got, want)
	}
}

// twoImages stores two images of app without a tag.
func twoImages(registry *acrtest.Registry) (one, two digest.Digest) {
	return registry.PutImage("app", "", acrtest.Image{Author: "1"}), registry.PutImage("app", "", acrtest.Image{Author: "2"})
}

// writes lists the requests with a token other than GET, as "METHOD path".
func writes(registry *acrtest.Registry) []string {
	var list []string
	for _, request := range registry.Requests() {
		if request.Kind == acrtest.KindResource && request.Method != http.MethodGet {
			list = append(list, request.Method+" "+request.Path)
		}
	}
	return list
}

// The life of a tag with a real Terraform: created, moved in place, moved by somebody else and put back, removed.
func TestTagIsMadeMovedAndRemoved(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, two := twoImages(registry)
	moves := func(action plancheck.ResourceActionType, to digest.Digest) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction("acr_tag.prod", action),
			plancheck.ExpectKnownValue("acr_tag.prod", tfjsonpath.New("digest"), knownvalue.StringExact(to.String())),
			plancheck.ExpectKnownValue("acr_tag.prod", tfjsonpath.New("image"), knownvalue.StringExact(registry.Host()+"/app@"+to.String())),
		}}
	}
	is := func(d digest.Digest) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			statecheck.ExpectKnownValue("acr_tag.prod", tfjsonpath.New("digest"), knownvalue.StringExact(d.String())),
			statecheck.ExpectKnownValue("acr_tag.prod", tfjsonpath.New("image"), knownvalue.StringExact(registry.Host()+"/app@"+d.String())),
			statecheck.ExpectKnownValue("acr_tag.prod", tfjsonpath.New("media_type"), knownvalue.StringExact("application/vnd.oci.image.manifest.v1+json")),
		}
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy: func(*tfstate.State) error {
			wantProd(t, registry, "")
			for _, d := range []digest.Digest{one, two} {
				configuredFor(t, defaultUser(registry)).mustRead("acr_manifest", values{"repository": "app", "digest": d.String()})
			}
			return nil
		},
		Steps: []resource.TestStep{
			{Config: prodTagHCL(registry, one), ConfigPlanChecks: moves(plancheck.ResourceActionCreate, one), ConfigStateChecks: is(one)},
			{Config: prodTagHCL(registry, two), ConfigPlanChecks: moves(plancheck.ResourceActionUpdate, two), ConfigStateChecks: is(two)},
			{
				PreConfig:        func() { registry.Tag("app", "prod", one) },
				Config:           prodTagHCL(registry, two),
				ConfigPlanChecks: moves(plancheck.ResourceActionUpdate, two), ConfigStateChecks: is(two),
			},
			{
				PreConfig:        func() { registry.Untag("app", "prod") },
				Config:           prodTagHCL(registry, two),
				ConfigPlanChecks: moves(plancheck.ResourceActionCreate, two), ConfigStateChecks: is(two),
			},
			{
				Config:           prodTagHCL(registry, two),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
		},
	})
}

func TestTagIsImported(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "prod", acrtest.Image{})
	block := "import {\n  to = acr_tag.prod\n  id = \"app:prod\"\n}\n"
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{
				Config: prodTagHCL(registry, d) + block,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("acr_tag.prod", plancheck.ResourceActionNoop),
				}},
			},
			{ResourceName: "acr_tag.prod", ImportState: true, ImportStateId: "app:prod", ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "image"},
			{ResourceName: "acr_tag.prod", ImportState: true, ImportStateId: "app:absent", ExpectError: regexp.MustCompile("non-existent remote object")},
		},
	})
	if got := len(writes(registry)); got != 1 { // at the end of the test
		t.Errorf("writes = %v, want none before the end", writes(registry))
	}
}

func TestTagIsImportedByIDAndIdentity(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "prod", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	identity := values{"registry": registry.Host(), "repository": "app", "tag": "prod"}
	for name, by := range map[string]struct {
		id       string
		identity values
	}{
		"id":                          {id: "app:prod"},
		"id with the registry before": {id: registry.Host() + "/app:prod"},
		"identity":                    {identity: identity},
		"identity without registry":   {identity: identity.plus(values{"registry": nil})},
	} {
		t.Run(name, func(t *testing.T) {
			m, diagnostics := p.importBy("acr_tag", by.id, by.identity)
			if len(diagnostics) > 0 {
				t.Fatal(describe(diagnostics))
			}
			state := p.attributesOf("acr_tag", m)
			if text(state["repository"]) != "app" || text(state["tag"]) != "prod" || text(state["digest"]) != d.String() {
				t.Errorf("imported %v", state)
			}
			if got, want := p.identityOf("acr_tag", m), (map[string]string{"registry": registry.Host(), "repository": "app", "tag": "prod"}); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("identity = %v, want %v", got, want)
			}
		})
	}
}

func TestTagImportRefuses(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	for _, id := range []string{
		"app", "app:", ":prod", "app@" + someDigest, "app:prod@" + someDigest, "App:prod", "app:-prod", "app:prod:again", "app prod",
		"other.azurecr.io:5000/app:prod", "https://" + registry.Host() + "/app:prod", "app/:prod", "",
	} {
		_, diagnostics := p.importBy("acr_tag", id, nil)
		wanted{summary: "Invalid value", says: []string{"id: ", fmt.Sprintf("%q", id), "team/app:prod"}}.check(t, diagnostics)
	}
	_, diagnostics := p.importBy("acr_tag", "", values{"registry": "other.azurecr.io", "repository": "app", "tag": "prod"})
	wanted{summary: "Invalid value", says: []string{"identity: ", "other.azurecr.io", registry.Host()}}.check(t, diagnostics)
	_, diagnostics = p.importBy("acr_tag", "", values{"registry": registry.Host(), "repository": "app", "tag": someDigest})
	wanted{summary: "Invalid value", says: []string{"team/app:prod"}}.check(t, diagnostics)
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// Bad values are refused at validation, on their attribute, and nothing is sent.
func TestTagArgumentsAreChecked(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	for name, test := range map[string]struct {
		over values
		want wanted
	}{
		"a digest that is none":       {values{"digest": "sha256:123"}, wanted{attribute: "digest", says: []string{`"sha256:123"`}}},
		"a digest that is a tag":      {values{"digest": "v1"}, wanted{attribute: "digest", says: []string{`"v1"`}}},
		"a digest with its image":     {values{"digest": "app@" + someDigest}, wanted{attribute: "digest"}},
		"an unknown algorithm":        {values{"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"}, wanted{attribute: "digest"}},
		"a tag that is a digest":      {values{"tag": someDigest}, wanted{attribute: "tag", says: []string{"is not a tag"}}},
		"a tag with its repository":   {values{"tag": "app:prod"}, wanted{attribute: "tag"}},
		"a repository with a tag":     {values{"repository": "app:prod"}, wanted{attribute: "repository"}},
		"a repository with a digest":  {values{"repository": "app@" + someDigest}, wanted{attribute: "repository"}},
		"a repository that climbs":    {values{"repository": "../app"}, wanted{attribute: "repository"}},
		"a repository with no letter": {values{"repository": ""}, wanted{attribute: "repository"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := p.plan("acr_tag", managed{}, prodTag(someDigest).plus(test.over))
			test.want.summary = "Invalid value"
			test.want.check(t, diagnostics)
		})
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// For a tag that exists and names another manifest, the error has both digests and the import block to copy.
func TestTagThatPointsElsewhereIsNotTouched(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, two := twoImages(registry)
	registry.Tag("app", "prod", one)
	p := configuredFor(t, defaultUser(registry))
	_, diagnostics := p.apply("acr_tag", managed{}, prodTag(two))
	wanted{
		attribute: "tag", summary: "Tag exists and names another manifest",
		says: []string{one.String(), two.String(), "add a `moved` block", "import {\n    to = acr_tag.NAME\n    id = \"app:prod\"\n  }"},
	}.check(t, diagnostics)
	wantProd(t, registry, one)
	if got := writes(registry); got != nil {
		t.Errorf("writes = %v, want none", got)
	}
}

func TestTagThatIsThereAlreadyIsAdopted(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "prod", acrtest.Image{})
	configuredFor(t, defaultUser(registry)).mustApply("acr_tag", managed{}, prodTag(d))
	if got := writes(registry); got != nil {
		t.Errorf("writes = %v, want none", got)
	}
}

// Two writers plan the same move; the second one gets an error after the first one's write.
func TestTagThatMovedSinceThePlanIsNotTouched(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, two := twoImages(registry)
	three := registry.PutImage("app", "", acrtest.Image{Author: "3"})
	first, second := configuredFor(t, defaultUser(registry)), configuredFor(t, defaultUser(registry))
	m := first.mustApply("acr_tag", managed{}, prodTag(one))
	first.mustApply("acr_tag", m, prodTag(two))
	_, diagnostics := second.apply("acr_tag", m, prodTag(three))
	wanted{attribute: "tag", summary: "Tag has moved since the plan", says: []string{one.String(), two.String(), three.String(), "Plan again"}}.check(t, diagnostics)
	wantProd(t, registry, two)

	registry.Untag("app", "prod")
	_, diagnostics = second.apply("acr_tag", m, prodTag(three))
	wanted{attribute: "tag", summary: "Tag has moved since the plan", says: []string{one.String(), "is gone"}}.check(t, diagnostics)
}

func TestTagOfADigestThatIsElsewhere(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	other := registry.PutImage("other", "v", acrtest.Image{Author: "other"})
	p := configuredFor(t, defaultUser(registry))
	_, diagnostics := p.apply("acr_tag", managed{}, prodTag(other))
	wanted{attribute: "digest", summary: "Digest not in the repository", says: []string{other.String(), "404", "acr_image_copy"}}.check(t, diagnostics)
	_, diagnostics = p.apply("acr_tag", managed{}, prodTag(other).plus(values{"repository": "absent"}))
	wanted{attribute: "repository", summary: "Repository not found", says: []string{"NAME_UNKNOWN"}}.check(t, diagnostics)
}

func TestTagErrorsSayWhoCanHelp(t *testing.T) {
	locked := acrtest.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true}
	for name, test := range map[string]struct {
		options acrtest.Options
		arrange func(*acrtest.Registry)
		want    wanted
	}{
		"locked repository": {
			arrange: func(r *acrtest.Registry) { r.SetRepositoryAttributes("app", locked) },
			want:    wanted{summary: "Locked, or the registry is full", says: []string{"405", "REGISTRY_DISALLOWED_OPERATION", "Each of the three", "acr_lock"}},
		},
		"locked tag": {
			arrange: func(r *acrtest.Registry) { r.SetTagAttributes("app", "prod", locked) },
			want:    wanted{summary: "Locked, or the registry is full", says: []string{"az acr repository show"}},
		},
		"full storage": {
			options: acrtest.Options{WritesDisallowed: true},
			want:    wanted{summary: "Locked, or the registry is full", says: []string{"az acr show-usage"}},
		},
		"no push": {
			options: acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}},
			want:    wanted{summary: "Permission to push missing", says: []string{"repository:app:pull,push", "AcrPush", "content/write", "Check the repository's name"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, test.options)
			one, two := twoImages(registry)
			registry.Tag("app", "prod", one)
			p := configuredFor(t, defaultUser(registry))
			m, diagnostics := p.importBy("acr_tag", "app:prod", nil)
			if len(diagnostics) > 0 {
				t.Fatal(describe(diagnostics))
			}
			if test.arrange != nil {
				test.arrange(registry)
			}
			_, diagnostics = p.apply("acr_tag", m, prodTag(two))
			test.want.check(t, diagnostics)
			wantProd(t, registry, one)
		})
	}
}

func TestTagWithoutPermissionToDeleteStays(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull,push"}}})
	one, _ := twoImages(registry)
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_tag", managed{}, prodTag(one))
	p = configuredFor(t, defaultUser(registry)) // of another run
	_, diagnostics := p.apply("acr_tag", m, nil)
	wanted{summary: "Permission to delete missing", says: []string{"repository:app:delete", "AcrDelete", "`removed` block"}}.check(t, diagnostics)
	wantProd(t, registry, one)
}

func TestTagCannotBeDestroyedWithoutACRsAPI(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true})
	one, _ := twoImages(registry)
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_tag", managed{}, prodTag(one))
	p = configuredFor(t, defaultUser(registry)) // of another run
	_, diagnostics := p.apply("acr_tag", m, nil)
	wanted{summary: "Tag cannot be removed here", says: []string{"/app:prod", "`removed` block", "destroy = false"}}.check(t, diagnostics)
	for _, write := range writes(registry) {
		if strings.HasPrefix(write, http.MethodDelete) {
			t.Errorf("%s was sent", write)
		}
	}
	wantProd(t, registry, one)
}

// Destroying what is already gone succeeds, and a plan writes nothing.
func TestTagThatIsGoneIsDestroyed(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, _ := twoImages(registry)
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_tag", managed{}, prodTag(one))
	p = configuredFor(t, defaultUser(registry)) // of another run
	registry.Untag("app", "prod")
	p.mustApply("acr_tag", m, nil)

	gone, diagnostics := p.refresh("acr_tag", m)
	if len(diagnostics) > 0 || len(p.attributesOf("acr_tag", gone)) > 0 {
		t.Errorf("a tag that is gone is still there: %v %s", p.attributesOf("acr_tag", gone), describe(diagnostics))
	}
}

// A tag that somebody has moved after the last refresh is not removed.
func TestTagThatMovedSinceThePlanIsNotDestroyed(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, two := twoImages(registry)
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_tag", managed{}, prodTag(one))
	p = configuredFor(t, defaultUser(registry)) // of another run
	registry.Tag("app", "prod", two)
	_, diagnostics := p.apply("acr_tag", m, nil)
	wanted{attribute: "tag", summary: "Tag has moved since the plan", says: []string{"/app:prod", one.String(), two.String(), "Plan again", "`removed` block"}}.check(t, diagnostics)
	wantProd(t, registry, two)
}

// With create_before_destroy Terraform removes the old resource after it has made the new one, and in any order if a block
// gets another name: what the new one has put stays.
func TestNewResourceKeepsWhatTheOldOneGivesUp(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "v", acrtest.Image{})
	config := func(name string) string {
		const newFirst = "  lifecycle {\n    create_before_destroy = true\n  }\n}\n"
		return providerBlock(registry) +
			fmt.Sprintf("resource \"acr_tag\" %q {\n  repository = \"app\"\n  tag = \"prod\"\n  digest = %q\n", name, d) + newFirst +
			fmt.Sprintf("resource \"acr_image_copy\" %q {\n  repository = \"mirror/app\"\n  tag = \"prod\"\n  source = \"%s/app@%s\"\n", name, registry.Host(), d) + newFirst +
			fmt.Sprintf("resource \"acr_lock\" %q {\n  repository = \"app\"\n  tag = \"v\"\n  write_enabled = false\n", name) + newFirst
	}
	kept := func(*tfstate.State) error {
		for _, repository := range []string{"app", "mirror/app"} {
			if got := registry.Digest(repository, "prod"); got != d {
				return fmt.Errorf("%s:prod names %q, want %s", repository, got, d)
			}
		}
		return nil
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{ // the plan after each step finds the lock as it should be
			{Config: config("one"), Check: kept},
			{Config: config("one"), Taint: []string{"acr_tag.one", "acr_image_copy.one", "acr_lock.one"}, Check: kept},
			{Config: config("two"), Check: kept},
		},
	})
}

// If a read fails with anything but a 404, the resource stays in the state.
func TestTagReadKeepsTheStateOnErrors(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, _ := twoImages(registry)
	p := configuredFor(t, defaultUser(registry).plus(values{"max_retries": 0}))
	m := p.mustApply("acr_tag", managed{}, prodTag(one))
	for status, summary := range map[int]string{403: "Access denied", 500: "Registry failed", 404: "Not a container registry"} {
		remove := registry.Inject(acrtest.Fault{Handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
		}})
		fresh := configuredFor(t, defaultUser(registry).plus(values{"max_retries": 0}))
		_, diagnostics := fresh.refresh("acr_tag", m)
		wanted{summary: summary}.check(t, diagnostics)
		remove()
	}
}

// If the provider block names another registry, nothing of the old one is found there, and nothing is destroyed.
func TestTagOfAnotherRegistryIsNotThisOnes(t *testing.T) {
	old, other := acrtest.StartT(t, acrtest.Options{}), acrtest.StartT(t, acrtest.Options{})
	one, _ := twoImages(old)
	twoImages(other)
	other.Tag("app", "prod", one)
	m := configuredFor(t, defaultUser(old)).mustApply("acr_tag", managed{}, prodTag(one))
	p := configuredFor(t, defaultUser(other))
	there, diagnostics := p.refresh("acr_tag", m)
	if len(diagnostics) > 0 || len(p.attributesOf("acr_tag", there)) > 0 {
		t.Errorf("read %v from another registry %s", p.attributesOf("acr_tag", there), describe(diagnostics))
	}
	if n := other.Count(""); n != 0 {
		t.Errorf("%d requests reached it", n)
	}
}

func TestPlansOfATagWriteNothing(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	one, two := twoImages(registry)
	registry.Tag("app", "prod", one)
	p := configuredFor(t, defaultUser(registry))
	m, diagnostics := p.importBy("acr_tag", "app:prod", nil)
	if len(diagnostics) > 0 {
		t.Fatal(describe(diagnostics))
	}
	for _, arguments := range []values{prodTag(two), nil} {
		if _, diagnostics := p.plan("acr_tag", m, arguments); len(diagnostics) > 0 {
			t.Fatal(describe(diagnostics))
		}
	}
	if got := writes(registry); got != nil {
		t.Errorf("writes = %v, want none", got)
	}
}

// A replica that lags behind does not show as drift.
func TestTagThatAReplicaDoesNotKnowYetIsNoDrift(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{ReplicaLag: 2})
	one, two := twoImages(registry)
	p := configuredFor(t, defaultUser(registry))
	m := p.mustApply("acr_tag", managed{}, prodTag(one))
	for _, d := range []digest.Digest{one, two} {
		m = p.mustApply("acr_tag", m, prodTag(d))
		read, diagnostics := p.refresh("acr_tag", m)
		if len(diagnostics) > 0 {
			t.Fatal(describe(diagnostics))
		}
		if got := text(p.attributesOf("acr_tag", read)["digest"]); got != d.String() {
			t.Errorf("digest = %s, want %s, which was just written", got, d)
		}
	}
}

// With a provider block that is known only after apply, a plan shows what it can and sends nothing.
func TestTagIsPlannedWithAnUnknownProvider(t *testing.T) {
	p := configuredFor(t, values{"registry": unknownString})
	planned, diagnostics := p.plan("acr_tag", managed{}, prodTag(someDigest))
	if len(diagnostics) > 0 {
		t.Fatal(describe(diagnostics))
	}
	state := p.decode(p.schemas.ResourceSchemas["acr_tag"], planned.PlannedState)
	if state["image"].IsKnown() {
		t.Errorf("image = %v, want unknown", state["image"])
	}
}

// A hundred tags in a real run at Terraform's own parallelism: three requests each, one challenge, one token; reading them
// all costs one each.
func TestHundredTagsCostThreeRequestsEach(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	var digests []string
	for i := range 100 {
		digests = append(digests, fmt.Sprintf("%q", registry.PutImage("app", "", acrtest.Image{Author: fmt.Sprint(i)})))
	}
	config := providerBlock(registry) + fmt.Sprintf(`
		resource "acr_tag" "all" {
		  count      = 100
		  repository = "app"
		  tag        = "v${count.index}"
		  digest     = [%s][count.index]
		}`, strings.Join(digests, ", "))
	requests := func(challenges, tokens, resources int) resource.TestCheckFunc {
		return func(*tfstate.State) error {
			for kind, want := range map[acrtest.Kind]int{acrtest.KindChallenge: challenges, acrtest.KindToken: tokens, acrtest.KindResource: resources} {
				if got := registry.Count(kind); got != want {
					return fmt.Errorf("%d requests of kind %s, want %d", got, kind, want)
				}
			}
			return nil
		}
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config, Check: requests(1, 1, 300)},
			{PreConfig: registry.ResetLog, RefreshState: true, Check: requests(1, 1, 100)},
		},
	})
}
