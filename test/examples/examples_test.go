package examples

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// snippets are the kinds of examples that are applied one file at a time, under the documented provider block. Files of
// any other kind are applied as a whole folder.
var snippets = []string{"data-sources", "ephemeral-resources", "functions", "resources"}

// example is one configuration to apply.
type example struct {
	name  string   // its path below the examples folder
	files []string // paths
}

func (e example) kind() string {
	kind, _, _ := strings.Cut(e.name, "/")
	return kind
}

// findExamples finds all examples except the demo, which `make demo` applies.
func findExamples(t *testing.T) []example {
	t.Helper()
	root := filepath.Join("..", "..", "examples")
	var found []example
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		e := example{name: filepath.ToSlash(name), files: []string{path}}
		if slices.Contains(snippets, e.kind()) {
			e.files = append(e.files, filepath.Join(root, "provider", "provider.tf"))
		}
		if e.kind() == "resources" && filepath.Base(path) != "resource.tf" {
			e.files = append(e.files, filepath.Join(filepath.Dir(path), "resource.tf"))
		}
		if e.kind() != "demo" {
			found = append(found, e)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// write puts the example into the workspace and returns all of it.
func (e example) write(t *testing.T, workspace *terraform.Workspace) (configuration string) {
	t.Helper()
	for i, file := range e.files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := workspace.Write([]string{"main.tf", "provider.tf", "resource.tf"}[i], string(content)); err != nil {
			t.Fatal(err)
		}
		configuration += string(content)
	}
	return configuration
}

// apply applies what is in the workspace and returns its outputs and the state file.
func apply(t *testing.T, workspace *terraform.Workspace) (outputs map[string]any, state []byte) {
	t.Helper()
	if _, err := workspace.Run(t.Context(), "apply", "-auto-approve", "-no-color"); err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(workspace.Folder, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Outputs map[string]struct{ Value any }
	}
	if err := json.Unmarshal(state, &content); err != nil {
		t.Fatal(err)
	}
	outputs = map[string]any{}
	for name, output := range content.Outputs {
		outputs[name] = output.Value
	}
	return outputs, state
}

// wantRefused checks the error of a CLI that lacks what the example uses.
func wantRefused(t *testing.T, workspace *terraform.Workspace, lacking terraform.Feature) {
	t.Helper()
	if _, err := workspace.Run(t.Context(), "plan", "-no-color"); err == nil || !lacking.Refusal.MatchString(err.Error()) {
		t.Errorf("planning: %v, want an error that matches %s", err, lacking.Refusal)
	}
}

func TestExamples(t *testing.T) {
	example, staging := acrtest.StartT(t, acrtest.Options{Entra: identityBehind}), acrtest.StartT(t, acrtest.Options{})
	pushed := push(example)
	pushed.released = "example.azurecr.io/released/app@" + staging.PutImage("team/app", "1.4.2", acrtest.Image{Author: "staging"}).String()
	world := network{"example.azurecr.io": example, "staging.azurecr.io": staging}
	login := entratest.New(t, entraToken)
	environment := map[string]string{
		"HTTPS_PROXY":             world.startProxy(t),
		"GODEBUG":                 "x509usefallbackroots=1",
		authoritiesVariable:       world.writeAuthorities(t, login.CAPEM),
		"TF_VAR_environment_id":   "environment",
		"TF_VAR_plan_id":          "plan",
		"TF_VAR_puller_id":        "puller",
		"TF_VAR_staging_username": acrtest.DefaultUser,
		"TF_VAR_staging_password": acrtest.DefaultPassword,
	}
	cli, err := terraform.CLIVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	programs := providers(t)
	outputs := pushed.outputs()
	t.Run("applied", func(t *testing.T) {
		for _, e := range findExamples(t) {
			want, listed := outputs[e.name]
			delete(outputs, e.name)
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				if !listed {
					t.Fatal("the test does not say what this example outputs")
				}
				workspace, err := terraform.NewWorkspace(programs)
				if err != nil {
					t.Fatal(err)
				}
				defer workspace.Close()
				for _, variables := range []map[string]string{environment, e.credential(t, login)} {
					for name, value := range variables {
						workspace.Set(name, value)
					}
				}
				if lacking, lacks := cli.Lacks(e.write(t, workspace)); lacks {
					t.Logf("%s has no %s", cli, lacking)
					wantRefused(t, workspace, lacking)
					return
				}
				got, state := apply(t, workspace)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("want the outputs %v, got %v", want, got)
				}
				if image := pushed.deployed()[e.name]; !bytes.Contains(state, []byte(image)) {
					t.Errorf("no resource has %s", image)
				}
				// Every JSON Web Token begins so.
				if keepsToken := bytes.Contains(state, []byte("eyJ")); keepsToken != slices.Contains(tokenInState, e.name) {
					t.Errorf("a token in the state: %v", keepsToken)
				}
			})
		}
	})
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		t.Errorf("there is no example %s", name)
	}
}

// tokenInState are the examples that use the data source, which puts its token there. No other does.
var tokenInState = []string{
	"data-sources/acr_bearer_token/data-source.tf",
	"data-sources/acr_bearer_token/data-source_scopes.tf",
	"functions/token_claims/function.tf",
	"tokens/http/main.tf",
}

// pushed are references to what the registry holds.
type pushed struct {
	app, amd64, arm64, newest, last, worker string // pinned
	api, web, released                      string // pinned
	sbom, document                          string // digests
	untagged                                string // digest
}

// push stores what the examples read in the registry.
func push(registry *acrtest.Registry) pushed {
	amd64 := acrtest.Image{
		Created: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC),
		Labels:  map[string]string{"org.opencontainers.image.revision": "4f1c2d9"},
	}
	arm64 := acrtest.Image{Architecture: "arm64", Variant: "v8"}
	image := func(name string) acrtest.Image { return acrtest.Image{Author: name} }
	pin := func(repository, digest string) string { return "example.azurecr.io/" + repository + "@" + digest }

	registry.PutImage("team/app", "3.0.0", image("beyond the constraint"))
	newest := registry.PutImage("team/app", "1.10.1", image("newest"))
	app := registry.PutIndex("team/app", "1.4.2", acrtest.Index{Images: []acrtest.Image{amd64, arm64}, Attestation: true})
	last := registry.PutImage("team/app", "1.9.0", image("last pushed"))
	registry.PutImage("team/app", "nightly", image("nightly"))
	worker := registry.PutImage("team/worker", "0.9.0", acrtest.Image{Docker: true})
	registry.PutImage("other/app", "1.0.0", image("other"))
	registry.PutArtifact("charts/app", "0.3.0", acrtest.Artifact{Body: []byte("chart")})

	api, web := registry.PutImage("shop/api", "staging", image("api")), registry.PutImage("shop/web", "staging", image("web"))
	registry.Tag("shop/web", "production", web)
	registry.PutImage("production/web", "", image("web"))
	for _, release := range []string{"1.0.0", "1.1.0"} {
		registry.PutImage("shop/checkout", release, image(release))
	}
	untagged := registry.PutImage("shop/reports", "", image("untagged"))
	registry.PutImage("shop/reports", "tagged", image("tagged"))

	subject := registry.Descriptor("team/app", app)
	sbom := registry.PutArtifact("team/app", "", acrtest.Artifact{ArtifactType: "application/spdx+json", Subject: &subject, Body: []byte("{}\n")})
	registry.PutArtifact("team/app", "", acrtest.Artifact{ArtifactType: "application/vnd.cncf.notary.signature", Subject: &subject, Body: []byte("signed")})

	return pushed{
		app:      pin("team/app", app.String()),
		amd64:    pin("team/app", registry.PutImage("team/app", "", amd64).String()),
		arm64:    pin("team/app", registry.PutImage("team/app", "", arm64).String()),
		newest:   pin("team/app", newest.String()),
		last:     pin("team/app", last.String()),
		worker:   pin("team/worker", worker.String()),
		api:      pin("shop/api", api.String()),
		web:      pin("shop/web", web.String()),
		sbom:     sbom.String(),
		untagged: untagged.String(),
		// The digest of the three bytes "{}\n".
		document: "sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356",
	}
}

// deployed are the values that the examples with a deployment pass to it.
func (p pushed) deployed() map[string]string {
	repository, digest, _ := strings.Cut(p.amd64, "@")
	return map[string]string{
		"jobs/only-if-it-exists/main.tf": p.app,
		"pinning/aks/main.tf":            p.app,
		"pinning/app-service/main.tf":    strings.TrimPrefix(repository, "example.azurecr.io/") + "@" + digest,
		"pinning/container-apps/main.tf": p.app,
		"tokens/docker/main.tf":          p.app,
		"login/docker/main.tf":           p.app,
	}
}

// outputs are the outputs of each example.
func (p pushed) outputs() map[string]map[string]any {
	type values = map[string]any
	type list = []any
	production := strings.Replace(p.web, "shop/", "production/", 1)
	return map[string]values{
		"provider/provider.tf":                                       {},
		"data-sources/acr_manifest/data-source.tf":                   {"image": p.app},
		"data-sources/acr_manifest/data-source_platform.tf":          {"arm_image": p.arm64},
		"data-sources/acr_manifest/data-source_missing.tf":           {"next_is_there": false},
		"data-sources/acr_images/data-source.tf":                     {"app_image": p.app},
		"data-sources/acr_images/data-source_missing.tf":             {"not_pushed_yet": list{"worker"}},
		"data-sources/acr_image_config/data-source.tf":               {"revision": "4f1c2d9"},
		"data-sources/acr_manifests/data-source.tf":                  {"untagged_bytes": 32.0},
		"data-sources/acr_tags/data-source.tf":                       {"last_pushed": "1.9.0"},
		"data-sources/acr_repositories/data-source.tf":               {"repositories": list{"team/app", "team/worker"}},
		"data-sources/acr_repository/data-source.tf":                 {"open_for_pushes": true},
		"data-sources/acr_referrers/data-source.tf":                  {"sboms": list{p.sbom}},
		"data-sources/acr_bearer_token/data-source.tf":               {"scope": "repository:team/app:pull,metadata_read"},
		"data-sources/acr_bearer_token/data-source_scopes.tf":        {"catalog_granted": list{values{"type": "registry", "name": "catalog", "actions": list{"*"}}}},
		"ephemeral-resources/acr_bearer_token/ephemeral-resource.tf": {},
		"ephemeral-resources/acr_login/ephemeral-resource.tf":        {},
		"sign-in/github-actions/main.tf":                             {"image": p.app},
		"sign-in/azure-devops/main.tf":                               {"image": p.app},
		"sign-in/hcp-terraform/main.tf":                              {"image": p.app},
		"sign-in/hcp-terraform-aliases/main.tf":                      {"image": p.app},
		"sign-in/aks/main.tf":                                        {"image": p.app},
		"sign-in/virtual-machine/main.tf":                            {"image": p.app},
		"sign-in/laptop/main.tf":                                     {"image": p.app},
		"login/helm/main.tf":                                         {},
		"login/docker/main.tf":                                       {},
		"login/kubernetes/main.tf":                                   {},
		"functions/parse_image/function.tf":                          {"pinned": p.app},
		"functions/token_claims/function.tf":                         {"subject": acrtest.DefaultUser},
		"resources/acr_tag/resource.tf":                              {"image": p.web},
		"resources/acr_tag/import-by-string-id.tf":                   {"image": p.web},
		"resources/acr_tag/identity.tf":                              {"image": p.web},
		"resources/acr_image_copy/resource.tf":                       {"image": production},
		"resources/acr_image_copy/import-by-string-id.tf":            {"image": production},
		"resources/acr_image_copy/identity.tf":                       {"image": production},
		"promoting/between-registries/main.tf":                       {"image": p.released},
		"resources/acr_lock/resource.tf":                             {},
		"resources/acr_lock/import-by-string-id.tf":                  {},
		"resources/acr_lock/identity.tf":                             {},
		"jobs/promote/main.tf":                                       {"production": values{"shop/api": p.api, "shop/web": p.web}},
		"jobs/lock-releases/main.tf":                                 {"locked": list{"1.0.0", "1.1.0"}},
		"jobs/untagged/main.tf":                                      {"untagged": values{p.untagged: values{"bytes": 32.0, "architecture": "amd64"}}},
		"jobs/newest-by-time/main.tf":                                {"newest": values{"tag": "1.9.0", "image": p.last}},
		"jobs/newest-by-version/main.tf":                             {"newest": values{"tag": "1.10.1", "image": p.newest}},
		"jobs/every-platform/main.tf":                                {"images": values{"linux/amd64": p.amd64, "linux/arm64/v8": p.arm64}, "arm64": p.arm64},
		"jobs/several-images/main.tf":                                {"images": values{"app": p.app, "worker": p.worker}},
		"jobs/only-if-it-exists/main.tf":                             {},
		"jobs/signed/main.tf":                                        {"signed_image": p.app},
		"jobs/sbom/main.tf":                                          {"sbom_documents": list{"example.azurecr.io/team/app@" + p.document}},
		"jobs/revision/main.tf":                                      {"revision": "4f1c2d9", "built": "2026-03-01T12:00:00Z"},
		"jobs/two-registries/main.tf":                                {"promoted": false},
		"pinning/aks/main.tf":                                        {},
		"pinning/app-service/main.tf":                                {},
		"pinning/container-apps/main.tf":                             {},
		"tokens/acr/main.tf":                                         {"image": p.app},
		"tokens/docker/main.tf":                                      {},
		"tokens/helm/main.tf":                                        {},
		"tokens/http/main.tf":                                        {"tags": list{"1.10.1", "1.4.2", "1.9.0", "3.0.0", "nightly"}},
		"tokens/kubernetes/main.tf":                                  {},
	}
}
