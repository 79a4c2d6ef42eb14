package provider_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// Short names for what the checks of a state are made of.
var (
	str     = knownvalue.StringExact
	number  = knownvalue.Int64Exact
	boolean = knownvalue.Bool
	null    = knownvalue.Null
)

type object = map[string]knownvalue.Check

// list expects just these strings in this order.
func list(elements ...string) knownvalue.Check {
	checks := []knownvalue.Check{}
	for _, element := range elements {
		checks = append(checks, str(element))
	}
	return knownvalue.ListExact(checks)
}

// attributes expects each of a data source's attributes to be exactly so.
func attributes(address string, want object) []statecheck.StateCheck {
	var checks []statecheck.StateCheck
	for name, check := range want {
		checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(name), check))
	}
	return checks
}

// applyTwice applies a configuration, checks the state, and expects a second plan to be empty.
func applyTwice(t *testing.T, config string, checks ...[]statecheck.StateCheck) {
	t.Helper()
	var all []statecheck.StateCheck
	for _, some := range checks {
		all = append(all, some...)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config, ConfigStateChecks: all},
			{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}},
		},
	})
}

func TestManifest(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("team/app", "1.0", acrtest.Image{Annotations: map[string]string{"org.example.note": "one"}})
	docker := registry.PutImage("team/app", "docker", acrtest.Image{Docker: true})
	arm := acrtest.Image{Architecture: "arm", Variant: "v7"}
	index := registry.PutIndex("team/app", "multi", acrtest.Index{Images: []acrtest.Image{{}, arm}, Attestation: true})
	amd64 := registry.PutImage("team/app", "", acrtest.Image{})
	armv7 := registry.PutImage("team/app", "", arm)
	subject := registry.Descriptor("team/app", image)
	sbom := registry.PutArtifact("team/app", "sbom", acrtest.Artifact{
		ArtifactType: "application/spdx+json", Subject: &subject, Body: []byte("{}"), LayerMediaType: "application/spdx+json",
	})
	pin := func(digest fmt.Stringer) string { return registry.Host() + "/team/app@" + digest.String() }
	descriptor := func(d ocispec.Descriptor) object {
		return object{"media_type": str(d.MediaType), "digest": str(d.Digest.String()), "size": number(d.Size)}
	}
	anyDescriptor := object{
		"media_type": knownvalue.StringRegexp(regexp.MustCompile(`^application/vnd\.oci\.image\.`)),
		"digest":     knownvalue.StringRegexp(regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)),
		"size":       knownvalue.NotNull(),
	}

	applyTwice(t, providerBlock(registry)+`
		data "acr_manifest" "image" {
		  repository = "team/app"
		  tag        = "1.0"
		}
		data "acr_manifest" "docker" {
		  repository = "team/app"
		  digest     = "`+docker.String()+`"
		}
		data "acr_manifest" "index" {
		  repository = "team/app"
		  tag        = "multi"
		}
		data "acr_manifest" "child" {
		  repository = "team/app"
		  digest     = "`+index.String()+`"
		  platform   = "linux/arm/v7"
		}
		data "acr_manifest" "artifact" {
		  repository = "team/app"
		  tag        = "sbom"
		}
		data "acr_manifest" "missing" {
		  repository    = "team/app"
		  tag           = "2.0"
		  allow_missing = true
		}
		data "acr_bearer_token" "own" {
		  repository = "team/app"
		}
		data "acr_manifest" "own_token" {
		  repository   = "team/app"
		  tag          = "1.0"
		  access_token = data.acr_bearer_token.own.access_token
		}`,
		attributes("data.acr_manifest.image", object{
			"exists":         boolean(true),
			"digest":         str(image.String()),
			"image":          str(pin(image)),
			"media_type":     str(ocispec.MediaTypeImageManifest),
			"artifact_type":  null(),
			"schema_version": number(2),
			"size":           number(subject.Size),
			"body":           knownvalue.StringRegexp(regexp.MustCompile(`^\{"schemaVersion":2,`)),
			"annotations":    knownvalue.MapExact(object{"org.example.note": str("one")}),
			"config":         knownvalue.ObjectExact(anyDescriptor),
			"subject":        null(),
			"layers": knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(object{
				"media_type": str(ocispec.MediaTypeImageLayerGzip), "digest": anyDescriptor["digest"], "size": knownvalue.NotNull(), "annotations": null(),
			})}),
			"manifests": null(),
			"images":    null(),
		}),
		attributes("data.acr_manifest.docker", object{
			"digest":     str(docker.String()),
			"image":      str(pin(docker)),
			"media_type": str(acrtest.MediaTypeDockerManifest),
			"tag":        null(),
		}),
		attributes("data.acr_manifest.index", object{
			"digest":     str(index.String()),
			"media_type": str(ocispec.MediaTypeImageIndex),
			"config":     null(),
			"layers":     null(),
			"images":     knownvalue.MapExact(object{"linux/amd64": str(pin(amd64)), "linux/arm/v7": str(pin(armv7))}),
			"manifests": knownvalue.ListPartial(map[int]knownvalue.Check{
				1: knownvalue.ObjectExact(object{
					"media_type": str(ocispec.MediaTypeImageManifest), "digest": str(armv7.String()), "size": knownvalue.NotNull(),
					"artifact_type": null(), "annotations": null(),
					"platform": knownvalue.ObjectExact(object{"os": str("linux"), "architecture": str("arm"), "variant": str("v7"), "os_version": null()}),
				}),
				2: knownvalue.ObjectPartial(object{"platform": knownvalue.ObjectPartial(object{"os": str("unknown")})}),
			}),
		}),
		attributes("data.acr_manifest.child", object{
			"digest": str(armv7.String()),
			"image":  str(pin(armv7)),
			"images": null(),
		}),
		attributes("data.acr_manifest.artifact", object{
			"digest":        str(sbom.String()),
			"artifact_type": str("application/spdx+json"),
			"subject":       knownvalue.ObjectExact(descriptor(subject)),
		}),
		attributes("data.acr_manifest.missing", object{
			"exists": boolean(false),
			"digest": null(), "image": null(), "media_type": null(), "artifact_type": null(), "schema_version": null(), "size": null(), "body": null(),
			"annotations": null(), "config": null(), "subject": null(), "layers": null(), "manifests": null(), "images": null(),
		}),
		attributes("data.acr_manifest.own_token", object{"digest": str(image.String())}),
	)
}

// allow_missing speaks of 404 alone, and of the registry's own.
func TestAllowMissing(t *testing.T) {
	missing := values{"repository": "missing", "tag": "1.0", "allow_missing": true}
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry).plus(values{"max_retries": 0}))

	state := p.mustRead("acr_manifest", missing)
	var exists bool
	if err := state["exists"].As(&exists); err != nil || exists {
		t.Errorf("exists = %v, %v", exists, err)
	}
	for status, summary := range map[int]string{403: "Access denied", 500: "Registry failed"} {
		remove := registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: status})
		_, diagnostics := p.read("acr_manifest", missing)
		wanted{summary: summary}.check(t, diagnostics)
		remove()
	}
	remove := registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
	}})
	_, diagnostics := p.read("acr_manifest", missing)
	wanted{summary: "Not a container registry"}.check(t, diagnostics)
	remove()
	_, diagnostics = configuredFor(t, defaultUser(registry).plus(values{"password": "sesame"})).read("acr_manifest", missing)
	wanted{summary: "Wrong user name or password", hides: []string{"sesame"}}.check(t, diagnostics)
}

// A token differs at each read, which is no difference to a plan until something consumes it.
func TestBearerToken(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull,push", "registry:catalog:*"}}})
	registry.PutImage("app", "1.0", acrtest.Image{})
	realm := registry.URL() + "/oauth2/token"
	timestamp := knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`))
	granted := func(kind, name string, actions ...string) knownvalue.Check {
		return knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(object{
			"type": str(kind), "name": str(name), "actions": list(actions...),
		})})
	}

	applyTwice(t, providerBlock(registry)+`
		data "acr_bearer_token" "discovered" {
		  repository = "app"
		}
		data "acr_bearer_token" "wider" {
		  repository = "app"
		  actions    = ["push", "delete"]
		}
		data "acr_bearer_token" "catalog" {
		  scopes = ["registry:catalog:*"]
		}`,
		attributes("data.acr_bearer_token.discovered", object{
			"access_token": knownvalue.StringRegexp(regexp.MustCompile(`^eyJ`)),
			"realm":        str(realm),
			"service":      str(registry.Host()),
			"scope":        str("repository:app:pull"),
			"granted":      granted("repository", "app", "pull"),
			"issued_at":    timestamp,
			"expires_at":   timestamp,
		}),
		attributes("data.acr_bearer_token.wider", object{
			"scope":   str("repository:app:pull,delete,push"),
			"granted": granted("repository", "app", "pull", "push"),
		}),
		attributes("data.acr_bearer_token.catalog", object{
			"scope":   str("registry:catalog:*"),
			"granted": granted("registry", "catalog", "*"),
		}),
		[]statecheck.StateCheck{statecheck.ExpectSensitiveValue("data.acr_bearer_token.discovered", tfjsonpath.New("access_token"))},
	)
	for _, request := range registry.Requests() {
		if request.Method != "GET" {
			t.Errorf("%s %s: discovery sends only GET", request.Method, request.Path)
		}
	}
}

// A token with fewer permissions is handed out, with a warning that names the missing ones.
func TestBearerTokenWarnsOfMissingActions(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	state, diagnostics := configuredFor(t, defaultUser(registry)).
		read("acr_bearer_token", values{"repository": "app", "actions": []string{"delete", "push"}})
	wanted{summary: "Token with fewer permissions than asked for", says: []string{"Not granted: repository:app:delete, repository:app:push"}}.check(t, diagnostics)
	if severity := diagnostics[0].Severity.String(); severity != "WARNING" {
		t.Errorf("want a warning, got %s", severity)
	}
	if text(state["access_token"]) == "null" {
		t.Error("there is no token")
	}
}

// Of an opaque token nothing is known but what was asked for.
func TestBearerTokenOpaque(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{OpaqueTokens: true})
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_bearer_token", values{"repository": "app"})
	for _, attribute := range []string{"granted", "issued_at", "expires_at"} {
		if !state[attribute].IsNull() {
			t.Errorf("%s is not null", attribute)
		}
	}
	if scope := text(state["scope"]); scope != "repository:app:pull" {
		t.Errorf("scope = %s", scope)
	}
}

func TestLists(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{PageSize: 2})
	start := time.Date(2025, 3, 1, 12, 0, 0, 123456700, time.UTC)
	image := registry.PutImage("team/app", "v1", acrtest.Image{})
	for i, tag := range []string{"v1", "v3", "v2", "latest"} {
		registry.PutImage("team/app", tag, acrtest.Image{})
		registry.SetTagTimes("team/app", tag, start, start.Add(time.Duration(i)*time.Hour))
	}
	registry.SetTagAttributes("team/app", "v1", acrtest.Attributes{ReadEnabled: true, ListEnabled: true})
	registry.PutImage("team/web", "v1", acrtest.Image{})
	registry.PutImage("other", "v1", acrtest.Image{})
	subject := registry.Descriptor("team/app", image)
	sbom := registry.PutArtifact("team/app", "", acrtest.Artifact{
		ArtifactType: "application/spdx+json", Subject: &subject, Annotations: map[string]string{"tool": "syft"},
	})
	registry.PutArtifact("team/app", "", acrtest.Artifact{ArtifactType: "application/vnd.example.signature", Subject: &subject})
	applyTwice(t, providerBlock(registry)+`
		data "acr_tags" "all" {
		  repository = "team/app"
		}
		data "acr_tags" "newest" {
		  repository = "team/app"
		  order_by   = "time_desc"
		  name_regex = "^v"
		  limit      = 2
		}
		data "acr_tags" "oldest" {
		  repository = "team/app"
		  order_by   = "time_asc"
		}
		data "acr_tags" "none" {
		  repository = "team/app"
		  name_regex = "^x"
		}
		data "acr_repositories" "all" {}
		data "acr_repositories" "team" {
		  prefix     = "team/"
		  name_regex = "b$"
		}
		data "acr_repositories" "first" {
		  limit = 1
		}
		data "acr_repository" "app" {
		  name = "team/app"
		}
		data "acr_referrers" "all" {
		  repository = "team/app"
		  digest     = "`+image.String()+`"
		}
		data "acr_referrers" "sbom" {
		  repository    = "team/app"
		  digest        = "`+image.String()+`"
		  artifact_type = "application/spdx+json"
		}
		data "acr_referrers" "none" {
		  repository = "team/app"
		  digest     = "`+sbom.String()+`"
		}`,
		attributes("data.acr_tags.all", object{
			"names": list("latest", "v1", "v2", "v3"),
			"tags": knownvalue.ListPartial(map[int]knownvalue.Check{1: knownvalue.ObjectExact(object{
				"name": str("v1"), "digest": str(image.String()),
				"created_time": str("2025-03-01T12:00:00.1234567Z"), "last_update_time": str("2025-03-01T12:00:00.1234567Z"),
				"delete_enabled": boolean(false), "write_enabled": boolean(false), "read_enabled": boolean(true), "list_enabled": boolean(true),
			})}),
		}),
		attributes("data.acr_tags.newest", object{"names": list("v2", "v3"), "tags": knownvalue.ListSizeExact(2)}),
		attributes("data.acr_tags.oldest", object{"names": list("v1", "v3", "v2", "latest")}),
		attributes("data.acr_tags.none", object{"names": list(), "tags": knownvalue.ListSizeExact(0)}),
		attributes("data.acr_repositories.all", object{"names": list("other", "team/app", "team/web")}),
		attributes("data.acr_repositories.team", object{"names": list("team/web")}),
		attributes("data.acr_repositories.first", object{"names": list("other")}),
		attributes("data.acr_repository.app", object{
			"tag_count": number(4), "manifest_count": number(3),
			"created_time":     knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT.*Z$`)),
			"last_update_time": knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT.*Z$`)),
			"delete_enabled":   boolean(true), "write_enabled": boolean(true), "read_enabled": boolean(true), "list_enabled": boolean(true),
		}),
		attributes("data.acr_referrers.all", object{"referrers": knownvalue.ListSizeExact(2)}),
		attributes("data.acr_referrers.sbom", object{"referrers": knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(object{
			"media_type": str(ocispec.MediaTypeImageManifest), "digest": str(sbom.String()), "size": knownvalue.NotNull(),
			"artifact_type": str("application/spdx+json"), "annotations": knownvalue.MapExact(object{"tool": str("syft")}),
		})})}),
		attributes("data.acr_referrers.none", object{"referrers": knownvalue.ListSizeExact(0)}),
	)
}

// A registry without ACR's own API has names, and null for the rest.
func TestTagsWithoutDetails(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true})
	registry.PutImage("app", "1.0", acrtest.Image{})
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_tags", values{"repository": "app"})
	var tags []tftypes.Value
	var tag map[string]tftypes.Value
	if err := state["tags"].As(&tags); err != nil || len(tags) != 1 {
		t.Fatalf("%d tags, %v", len(tags), err)
	}
	if err := tags[0].As(&tag); err != nil {
		t.Fatal(err)
	}
	for attribute, value := range tag {
		if value.IsNull() == (attribute == "name") {
			t.Errorf("%s = %s", attribute, value)
		}
	}
}

func TestImageConfig(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{BlobRedirect: true})
	full := acrtest.Image{
		Architecture: "arm64", Variant: "v8", Author: "Example", Created: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC),
		Labels: map[string]string{"org.opencontainers.image.revision": "4f1c"}, Env: []string{"PATH=/bin", "MODE=a=b"},
		Entrypoint: []string{"/app"}, Cmd: []string{"serve"}, User: "1000", WorkingDir: "/srv",
		ExposedPorts: []string{"9090/tcp", "8080/tcp"}, Volumes: []string{"/data"},
	}
	registry.PutIndex("app", "multi", acrtest.Index{Images: []acrtest.Image{{}, full}})
	child := registry.PutImage("app", "", full)
	plain := registry.PutImage("app", "plain", acrtest.Image{})
	applyTwice(t, providerBlock(registry)+`
		data "acr_image_config" "full" {
		  repository = "app"
		  tag        = "multi"
		  platform   = "linux/arm64"
		}
		data "acr_image_config" "plain" {
		  repository = "app"
		  digest     = "`+plain.String()+`"
		}`,
		attributes("data.acr_image_config.full", object{
			"digest": str(child.String()), "created": str("2025-03-01T12:00:00Z"), "author": str("Example"),
			"architecture": str("arm64"), "os": str("linux"), "variant": str("v8"),
			"labels":     knownvalue.MapExact(object{"org.opencontainers.image.revision": str("4f1c")}),
			"env":        knownvalue.MapExact(object{"PATH": str("/bin"), "MODE": str("a=b")}),
			"entrypoint": list("/app"), "cmd": list("serve"), "user": str("1000"), "working_dir": str("/srv"),
			"exposed_ports": list("8080/tcp", "9090/tcp"), "volumes": list("/data"),
			"body": knownvalue.StringRegexp(regexp.MustCompile(`"architecture":"arm64"`)),
		}),
		attributes("data.acr_image_config.plain", object{
			"digest": str(plain.String()), "created": null(), "author": null(), "variant": null(), "user": null(), "working_dir": null(),
			"labels": knownvalue.MapSizeExact(0), "env": knownvalue.MapSizeExact(0), "entrypoint": null(), "cmd": null(),
			"exposed_ports": list(), "volumes": list(),
		}),
	)
}

// A cold read takes three requests: challenge, token, manifest. A second one in the same repository takes one.
func TestRequestsOfARead(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	registry.PutImage("app", "2.0", acrtest.Image{Architecture: "arm64"})
	p := configuredFor(t, defaultUser(registry))

	p.mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
	counts := func() [3]int {
		return [3]int{registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindToken), registry.Count(acrtest.KindResource)}
	}
	if got := counts(); got != [3]int{1, 1, 1} {
		t.Errorf("a cold read took %v requests (challenge, token, resource), want 1 each", got)
	}
	registry.ResetLog()
	p.mustRead("acr_manifest", values{"repository": "app", "tag": "2.0"})
	if got := counts(); got != [3]int{0, 0, 1} {
		t.Errorf("a second read took %v requests (challenge, token, resource), want one resource request", got)
	}
}

// A repository that is deleted between plan and apply is a clear "not found".
func TestRepositoryDeletedBetweenReads(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("app", "1.0", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	p.mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
	registry.Delete("app", image.String())
	_, diagnostics := p.read("acr_manifest", values{"repository": "app", "tag": "1.0"})
	wanted{attribute: "repository", summary: "Repository not found", says: []string{"404 Not Found NAME_UNKNOWN"}}.check(t, diagnostics)
}

// An access token of another repository is at fault itself.
func TestAccessTokenOfAnotherRepository(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	p := configuredFor(t, defaultUser(registry))
	token := text(p.mustRead("acr_bearer_token", values{"repository": "other"})["access_token"])

	_, diagnostics := p.read("acr_manifest", values{"repository": "app", "tag": "1.0", "access_token": token})

	wanted{
		attribute: "access_token",
		summary:   "Permission missing",
		says:      []string{"repository:app:pull", "401", "`actions` of `acr_bearer_token`"},
		hides:     []string{token},
	}.check(t, diagnostics)
}

// 200 reads at once use one challenge, one token for each repository, and ten sockets.
func TestManyReadsAtOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: true})
	for i := range 200 {
		registry.PutImage(fmt.Sprintf("app%d", i%20), fmt.Sprintf("v%d", i/20), acrtest.Image{})
	}
	p := configuredFor(t, defaultUser(registry))
	var reads sync.WaitGroup
	for i := range 200 {
		reads.Go(func() {
			_, diagnostics := p.read("acr_manifest", values{"repository": fmt.Sprintf("app%d", i%20), "tag": fmt.Sprintf("v%d", i/20)})
			if len(diagnostics) > 0 {
				t.Error(describe(diagnostics))
			}
		})
	}
	reads.Wait()
	if got := [3]int{registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindToken), registry.Count(acrtest.KindResource)}; got != [3]int{1, 20, 200} {
		t.Errorf("%v requests (challenge, token, resource), want 1, 20, 200", got)
	}
	if n := registry.Connections(); n > 10 {
		t.Errorf("%d connections, want at most 10", n)
	}
}

// A long list is read to its end, a thousand tags with each request.
func TestTenThousandTags(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for i := range 10_000 {
		registry.PutManifest("app", fmt.Sprintf("v%04d", i), "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
	}
	registry.ResetLog()
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_tags", values{"repository": "app"})
	var names, tags []tftypes.Value
	if err := errors.Join(state["names"].As(&names), state["tags"].As(&tags)); err != nil {
		t.Fatal(err)
	}
	if len(names) != 10_000 || len(tags) != 10_000 || text(names[0]) != "v0000" || text(names[9_999]) != "v9999" {
		t.Errorf("there are %d names and %d tags", len(names), len(tags))
	}
	if got := len(registry.Requests()); got != 12 {
		t.Errorf("requests = %d, want a challenge, a token and 10 pages", got)
	}
}
