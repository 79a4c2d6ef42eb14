package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const copyAddress = "acr_image_copy.app"

// copySetup is a source that asks for another credential than the target.
type copySetup struct {
	source, target *acrtest.Registry
	first, second  digest.Digest // images of the source's repository app
}

const (
	sourceUser     = "reader"
	sourcePassword = "acrtest-source-password"
)

func newCopySetup(t *testing.T, options acrtest.Options) copySetup {
	s := copySetup{
		source: acrtest.StartT(t, acrtest.Options{Users: map[string]string{sourceUser: sourcePassword}}),
		target: acrtest.StartT(t, options),
	}
	s.first = s.source.PutIndex("app", "1.0", acrtest.Index{Images: []acrtest.Image{{}, {Architecture: "arm64"}}})
	s.second = s.source.PutImage("app", "2.0", acrtest.Image{Author: "second"})
	return s
}

// config copies an image of the source to mirror/app; more holds further arguments.
func (s copySetup) config(d digest.Digest, more string) string {
	return fmt.Sprintf("provider \"acr\" {\n  registry = %q\n  username = %q\n  password = %q\n  ca_cert_pem = %q\n}\n",
		s.target.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, s.target.CAPEM()+s.source.CAPEM()) +
		fmt.Sprintf("resource \"acr_image_copy\" \"app\" {\n  source = \"%s/app@%s\"\n  repository = \"mirror/app\"\n  source_username = %q\n  source_password_wo = %q\n%s\n}\n",
			s.source.Host(), d, sourceUser, sourcePassword, more)
}

func (s copySetup) pin(d digest.Digest) string { return s.target.Host() + "/mirror/app@" + d.String() }

// tagNames expects the target's tag to name a digest; none for "".
func (s copySetup) tagNames(t *testing.T, tag string, want digest.Digest) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		if got := s.target.Digest("mirror/app", tag); got != want {
			return fmt.Errorf("the tag %s names %q, want %q", tag, got, want)
		}
		return nil
	}
}

func TestImageCopyThroughItsLife(t *testing.T) {
	s := newCopySetup(t, acrtest.Options{})
	planned := func(action plancheck.ResourceActionType, d digest.Digest) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(copyAddress, action),
			plancheck.ExpectKnownValue(copyAddress, tfjsonpath.New("digest"), str(d.String())),
			plancheck.ExpectKnownValue(copyAddress, tfjsonpath.New("image"), str(s.pin(d))),
		}}
	}
	state := func(d digest.Digest, tag knownvalue.Check) []statecheck.StateCheck {
		return attributes(copyAddress, object{
			"digest": str(d.String()), "image": str(s.pin(d)), "tag": tag, "referrers": boolean(true),
			"media_type": knownvalue.NotNull(), "source_password_wo": null(),
		})
	}
	tagged := `tag = "1.0"`
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		CheckDestroy: func(*terraform.State) error {
			if s.target.Digest("mirror/app", "1.0") != "" {
				return fmt.Errorf("the tag is still there")
			}
			if s.target.Digest("mirror/app", s.first.String()) == "" {
				return fmt.Errorf("the content is gone")
			}
			return nil
		},
		Steps: []resource.TestStep{
			{ // a plan copies nothing
				Config: s.config(s.first, tagged), PlanOnly: true, ExpectNonEmptyPlan: true,
			},
			{
				PreConfig: func() {
					if sent := writes(s.target); len(sent) != 0 || s.source.Count("") != 0 {
						t.Errorf("a plan sent %q to the target, and %d requests to the source", sent, s.source.Count(""))
					}
				},
				Config: s.config(s.first, tagged), ConfigPlanChecks: planned(plancheck.ResourceActionCreate, s.first),
				ConfigStateChecks: state(s.first, str("1.0")), Check: s.tagNames(t, "1.0", s.first),
			},
			{ // a second plan is empty
				Config:           s.config(s.first, tagged),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
			{ // another source in place
				Config: s.config(s.second, tagged), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate, s.second),
				ConfigStateChecks: state(s.second, str("1.0")), Check: s.tagNames(t, "1.0", s.second),
			},
			{ // a tag that somebody has moved is put back
				PreConfig: func() { s.target.Tag("mirror/app", "1.0", s.first) },
				Config:    s.config(s.second, tagged), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate, s.second), Check: s.tagNames(t, "1.0", s.second),
			},
			{ // and so is one that somebody has removed
				PreConfig: func() { s.target.Untag("mirror/app", "1.0") },
				Config:    s.config(s.second, tagged), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate, s.second), Check: s.tagNames(t, "1.0", s.second),
			},
			{ // a copy that is gone is made again
				PreConfig: func() { s.target.Delete("mirror/app", s.second.String()) },
				Config:    s.config(s.second, tagged), ConfigPlanChecks: planned(plancheck.ResourceActionCreate, s.second), Check: s.tagNames(t, "1.0", s.second),
			},
			{ // another tag
				Config: s.config(s.first, `tag = "stable"`), ConfigPlanChecks: planned(plancheck.ResourceActionReplace, s.first),
				Check: resource.ComposeTestCheckFunc(s.tagNames(t, "stable", s.first), s.tagNames(t, "1.0", "")),
			},
			{ // no tag
				Config: s.config(s.first, ""), ConfigPlanChecks: planned(plancheck.ResourceActionReplace, s.first),
				ConfigStateChecks: state(s.first, null()), Check: s.tagNames(t, "stable", ""),
			},
			{
				Config: s.config(s.first, tagged), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate, s.first), Check: s.tagNames(t, "1.0", s.first),
			},
			{
				Config: s.config(s.first, tagged), ResourceName: copyAddress, ImportState: true, ImportStateId: "mirror/app@" + s.first.String(),
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "digest",
				ImportStateVerifyIgnore: []string{"source", "tag", "source_username", "source_password_wo"},
			},
		},
	})
}

// The password is sent only to the source, and written to nothing that Terraform keeps.
func TestImageCopyKeepsTheSourcesPasswordToItself(t *testing.T) {
	s := newCopySetup(t, acrtest.Options{})
	s.target.ResetLog()
	ran := unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: s.config(s.second, ""),
			Check: func(state *terraform.State) error {
				if strings.Contains(state.String(), sourcePassword) {
					return fmt.Errorf("the state holds the password")
				}
				return nil
			},
		}},
	})
	if ran && s.source.Count(acrtest.KindToken) == 0 {
		t.Error("the source was asked for no token")
	}
}

// Somebody else's tag is not taken over unless it is imported.
func TestImageCopyTakesOverATagByImportAlone(t *testing.T) {
	s := newCopySetup(t, acrtest.Options{})
	other := s.target.PutImage("mirror/app", "1.0", acrtest.Image{Author: "another"})
	config := s.config(s.first, `tag = "1.0"`)
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config, ExpectError: inWrapped(`id = "mirror/app@` + other.String() + `"`)},
			{
				Config: config + fmt.Sprintf("import {\n  to = acr_image_copy.app\n  id = \"mirror/app@%s\"\n}\n", other),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(copyAddress, plancheck.ResourceActionUpdate),
				}},
				Check: s.tagNames(t, "1.0", s.first),
			},
		},
	})
}

// On a registry that cannot remove only a tag, destroying sends nothing.
func TestImageCopyIsNotDestroyedWhereATagCannotBeRemoved(t *testing.T) {
	s := newCopySetup(t, acrtest.Options{WithoutACRAPI: true})
	config := s.config(s.first, `tag = "1.0"`)
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config, Check: s.tagNames(t, "1.0", s.first)},
			{Config: config, Destroy: true, ExpectError: inWrapped("Tag cannot be removed here")},
			{
				Config: strings.Split(config, "resource")[0] + "removed {\n  from = acr_image_copy.app\n  lifecycle {\n    destroy = false\n  }\n}\n",
				Check:  s.tagNames(t, "1.0", s.first),
			},
		},
	})
	for _, request := range s.target.Requests() {
		if request.Method == http.MethodDelete {
			t.Errorf("%s %s was sent", request.Method, request.Path)
		}
	}
}

func TestImageCopyIsValidatedBeforeAnythingIsSent(t *testing.T) {
	realCLI(t)
	registry := acrtest.StartT(t, acrtest.Options{})
	digest := "sha256:" + strings.Repeat("a", 64)
	for name, test := range map[string]struct{ arguments, words string }{
		"no digest":                {`source = "other.azurecr.io/app:1.0"`, "has no digest"},
		"Docker Hub":               {`source = "docker.io/library/alpine@` + digest + `"`, "whose registry is registry-1.docker.io"},
		"no registry":              {`source = "app@` + digest + `"`, "names no registry"},
		"half a digest":            {`source = "other.azurecr.io/app@sha256:abc"`, "is not an image reference"},
		"a tag with a slash":       {"source = \"other.azurecr.io/app@" + digest + "\"\n tag = \"a/b\"", "is not a tag"},
		"a password alone":         {"source = \"other.azurecr.io/app@" + digest + "\"\n source_password_wo = \"x\"", `"source_username" must be specified`},
		"a user name alone":        {"source = \"other.azurecr.io/app@" + digest + "\"\n source_username = \"x\"", `"source_password_wo" must be specified`},
		"a password of two lines":  {"source = \"other.azurecr.io/app@" + digest + "\"\n source_username = \"x\"\n source_password_wo = \"x\\ny\"", "line break"},
		"a registry with a scheme": {`source = "https://other.azurecr.io/app@` + digest + `"`, "is not an image reference"},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories,
				Steps: []resource.TestStep{{
					Config:      providerBlock(registry) + "resource \"acr_image_copy\" \"app\" {\n repository = \"mirror/app\"\n" + test.arguments + "\n}\n",
					ExpectError: inWrapped(test.words),
				}},
			})
		})
	}
	if registry.Count("") != 0 {
		t.Errorf("%d requests were sent", registry.Count(""))
	}
}

// An error of the source is on `source`, one of the target is not.
func TestImageCopyBlamesTheRightRegistry(t *testing.T) {
	s := newCopySetup(t, acrtest.Options{})
	missing := digest.FromString("missing")
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: s.config(missing, ""), ExpectError: inWrapped("Source: Tag or digest not found")},
			{Config: s.config(missing, ""), ExpectError: inWrapped("`source_username` and `source_password_wo` take the place of `username` and `password`")},
			{
				Config:      strings.Replace(s.config(s.first, ""), sourcePassword, "acrtest-wrong-password", 1),
				ExpectError: inWrapped("Source: Wrong user name or password"),
			},
			{
				Config:      regexp.MustCompile(`(?m)^  source_.*$`).ReplaceAllString(s.config(s.first, ""), ""),
				ExpectError: inWrapped("Error: Credential needed for the source"),
			},
			{
				PreConfig: func() {
					s.target.Inject(acrtest.Fault{Kind: acrtest.KindResource, Method: http.MethodPost, Status: http.StatusForbidden, Times: 1})
				},
				Config: s.config(s.first, ""), ExpectError: regexp.MustCompile(`Error: Access denied`),
			},
		},
	})
	for _, request := range s.source.Requests() {
		if request.AuthScheme == "Basic" && strings.Contains(request.Header.Get("Authorization"), "YWRtaW4") { // "admin"
			t.Error("the source was shown the provider's user")
		}
	}
}

// Within a registry, the provider's own credential is used, and it is to blame: source_username is refused there.
func TestImageCopyWithinItsRegistryBlamesTheProvidersCredential(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("team/app", "1.0", acrtest.Image{})
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: fmt.Sprintf("provider \"acr\" {\n  registry = %q\n  ca_cert_pem = %q\n}\n", registry.Host(), registry.CAPEM()) +
				fmt.Sprintf("resource \"acr_image_copy\" \"prod\" {\n  source = \"%s/team/app@%s\"\n  repository = \"prod/app\"\n}\n", registry.Host(), d),
			ExpectError: inWrapped("Error: Source: Credential needed\n"),
		}},
	})
}

// Within a registry, the provider's own credential is used, and no blob is transferred.
func TestImageCopyWithinItsRegistry(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("team/app", "1.0", acrtest.Image{})
	applyTwice(t, providerBlock(registry)+`
		data "acr_manifest" "app" {
		  repository = "team/app"
		  tag        = "1.0"
		}
		resource "acr_image_copy" "prod" {
		  source     = data.acr_manifest.app.image
		  repository = "prod/app"
		  tag        = "1.0"
		}`,
		attributes("acr_image_copy.prod", object{"digest": str(d.String()), "image": str(registry.Host() + "/prod/app@" + d.String())}))
	for _, request := range registry.Requests() {
		if request.Method != http.MethodPut && request.Received > 0 || strings.Contains(request.Path, "/blobs/sha256:") {
			t.Errorf("%s %s: %d bytes", request.Method, request.Path, request.Received)
		}
	}
}

// A tag that somebody has moved is not removed, whether or not a refresh has seen the move.
func TestImageCopyLeavesAMovedTagWhenDestroyed(t *testing.T) {
	for name, refresh := range map[string]bool{"seen by a refresh": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			one, two := twoImages(registry)
			p := configuredFor(t, defaultUser(registry))
			m := p.mustApply("acr_image_copy", managed{}, values{
				"source": registry.Host() + "/app@" + one.String(), "repository": "app", "tag": "prod", "referrers": true,
			})
			p = configuredFor(t, defaultUser(registry)) // of another run
			registry.Tag("app", "prod", two)
			if refresh {
				var diagnostics []*tfprotov6.Diagnostic
				if m, diagnostics = p.refresh("acr_image_copy", m); len(diagnostics) > 0 {
					t.Fatal(describe(diagnostics))
				}
			}
			gone, diagnostics := p.apply("acr_image_copy", m, nil)
			wanted{summary: "Tag left on another image", says: []string{"/app:prod", one.String(), two.String(), "az acr repository untag"}}.check(t, diagnostics)
			if state := p.attributesOf("acr_image_copy", gone); diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning || len(state) > 0 {
				t.Errorf("severity %s, state %v, want a warning and none", diagnostics[0].Severity, state)
			}
			wantProd(t, registry, two)
		})
	}
}

// The identity contains the digest, and changes with a new source.
func TestImageCopyIsNamedByItsDigest(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, two := twoImages(registry)
	p := configuredFor(t, defaultUser(registry))
	copyOf := func(d digest.Digest) values {
		return values{"source": registry.Host() + "/app@" + d.String(), "repository": "mirror/app", "tag": "1.0", "referrers": false}
	}
	identity := func(d digest.Digest) string {
		return fmt.Sprint(map[string]string{"registry": registry.Host(), "repository": "mirror/app", "digest": d.String()})
	}
	m := p.mustApply("acr_image_copy", managed{}, copyOf(one))
	if got := fmt.Sprint(p.identityOf("acr_image_copy", m)); got != identity(one) {
		t.Errorf("identity %s, want %s", got, identity(one))
	}
	m = p.mustApply("acr_image_copy", m, copyOf(two))
	if got := fmt.Sprint(p.identityOf("acr_image_copy", m)); got != identity(two) {
		t.Errorf("identity %s, want %s", got, identity(two))
	}

	for name, by := range map[string]struct {
		id       string
		identity values
	}{
		"id":                {id: "mirror/app@" + one.String()},
		"id with registry":  {id: registry.Host() + "/mirror/app@" + one.String()},
		"identity":          {identity: values{"registry": registry.Host(), "repository": "mirror/app", "digest": one.String()}},
		"shortest identity": {identity: values{"repository": "mirror/app", "digest": one.String()}},
	} {
		t.Run(name, func(t *testing.T) {
			imported, diagnostics := p.importBy("acr_image_copy", by.id, by.identity)
			if len(diagnostics) > 0 {
				t.Fatal(describe(diagnostics))
			}
			if got := fmt.Sprint(p.identityOf("acr_image_copy", imported)); got != identity(one) {
				t.Errorf("identity %s, want %s", got, identity(one))
			}
		})
	}
	for _, id := range []string{"mirror/app", "mirror/app:1.0", "mirror/app@sha256:abc", "other.azurecr.io:5000/app@" + one.String()} {
		_, diagnostics := p.importBy("acr_image_copy", id, nil)
		wanted{summary: "Invalid value", says: []string{"id: ", fmt.Sprintf("%q", id), "mirror/app@sha256:…"}}.check(t, diagnostics)
	}
}

// A credential for the provider's own registry is refused: it would be unclear which of the two is used.
func TestImageCopyRefusesASecondCredentialForItsRegistry(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	one, _ := twoImages(registry)
	_, diagnostics := configuredFor(t, defaultUser(registry)).apply("acr_image_copy", managed{}, values{
		"source": registry.Host() + "/app@" + one.String(), "repository": "mirror/app", "source_username": "reader", "source_password_wo": "acrtest-password", "referrers": true,
	})
	wanted{attribute: "source_username", summary: "Settings contradict each other", says: []string{registry.Host()}}.check(t, diagnostics)
}
