package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// startReal runs a registry of another project, filled by crane and oras, until the test ends.
func startReal(t *testing.T, start func() (*realregistry.Registry, error)) *realregistry.Registry {
	t.Helper()
	registry := startEmpty(t, start)
	if err := registry.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return registry
}

// startEmpty runs one without content until the test ends.
func startEmpty(t *testing.T, start func() (*realregistry.Registry, error)) *realregistry.Registry {
	t.Helper()
	registry, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry
}

func startDistribution(t *testing.T, options realregistry.Options) *realregistry.Registry {
	t.Helper()
	return startReal(t, func() (*realregistry.Registry, error) { return realregistry.Start(options) })
}

// said returns a function that returns what another client printed, without the line end, or ends the test.
func said(t *testing.T) func(string, error) string {
	return func(output string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(output, "\n")
	}
}

// readings is HCL that reads what was seeded, with one output for each comparison.
var readings = fmt.Sprintf(`
locals {
  images = {
%s  }
}

data "acr_manifest" "image" {
  for_each   = local.images
  repository = each.key
  tag        = each.value
}

data "acr_manifest" "arm64" {
  for_each   = toset([%[2]q, %[3]q])
  repository = each.value
  tag        = local.images[each.value]
  platform   = "linux/arm64"
}

data "acr_image_config" "image" {
  for_each   = toset([%[4]q, %[5]q])
  repository = each.value
  tag        = local.images[each.value]
}

data "acr_image_config" "arm64" {
  repository = %[2]q
  tag        = local.images[%[2]q]
  platform   = "linux/arm64"
}

data "acr_referrers" "image" {
  repository = %[5]q
  digest     = data.acr_manifest.image[%[5]q].digest
}

data "acr_referrers" "sbom" {
  repository    = %[5]q
  digest        = data.acr_manifest.image[%[5]q].digest
  artifact_type = %[6]q
}

output "digests" {
  value = { for name, manifest in data.acr_manifest.image : name => manifest.digest }
}

output "bodies" {
  value = { for name, manifest in data.acr_manifest.image : name => manifest.body }
}

output "media_types" {
  value = { for name, manifest in data.acr_manifest.image : name => manifest.media_type }
}

output "arm64" {
  value = { for name, manifest in data.acr_manifest.arm64 : name => manifest.digest }
}

output "platforms" {
  value = data.acr_manifest.image[%[2]q].images
}

output "configurations" {
  value = { for name, config in data.acr_image_config.image : name => config.body }
}

output "arm64_configuration" {
  value = data.acr_image_config.arm64
}

output "referrers" {
  value = { for referrer in data.acr_referrers.image.referrers : referrer.digest => referrer.artifact_type }
}

output "sboms" {
  value = data.acr_referrers.sbom.referrers[*].artifact_type
}
`, imageTags(), realregistry.OCIIndex.Repository, realregistry.DockerList.Repository,
	realregistry.DockerImage.Repository, realregistry.OCIImage.Repository, realregistry.SBOMType)

// listings is HCL that lists tags and repositories.
var listings = fmt.Sprintf(`
data "acr_tags" "index" {
  repository = %q
}

data "acr_repositories" "all" {}

output "tags" {
  value = data.acr_tags.index.names
}

output "repositories" {
  value = data.acr_repositories.all.names
}
`, realregistry.OCIIndex.Repository)

// imageTags returns HCL that maps each seeded repository to its tag.
func imageTags() string {
	var lines strings.Builder
	for _, image := range realregistry.Images {
		fmt.Fprintf(&lines, "    %q = %q\n", image.Repository, image.Tag)
	}
	return lines.String()
}

// The provider reads the same from the CNCF Distribution registry as crane, oras and regctl, byte for byte.
func TestAgreesWithOtherClients(t *testing.T) {
	registry := startDistribution(t, realregistry.Options{TLS: true})
	workspace := newWorkspace(t, fmt.Sprintf(`
provider "acr" {
  registry    = %q
  username    = %q
  password    = %q
  ca_cert_pem = %q
}
`, registry.Host(), realregistry.Username, realregistry.Password, registry.CAPEM())+readings+listings)

	apply(t, workspace)

	t.Run("manifests", func(t *testing.T) { compareManifests(t, registry, workspace) })
	t.Run("platforms", func(t *testing.T) { comparePlatforms(t, registry, workspace) })
	t.Run("image configurations", func(t *testing.T) { compareConfigurations(t, registry, workspace) })
	t.Run("lists", func(t *testing.T) { compareLists(t, registry, workspace) })
	t.Run("referrers", func(t *testing.T) { compareReferrers(t, registry, workspace) })
	t.Run("a second plan is empty", func(t *testing.T) { wantEmptyPlan(t, workspace) })
}

func compareManifests(t *testing.T, registry *realregistry.Registry, workspace *terraform.Workspace) {
	var digests, bodies, mediaTypes map[string]string
	output(t, workspace, "digests", &digests)
	output(t, workspace, "bodies", &bodies)
	output(t, workspace, "media_types", &mediaTypes)
	for _, image := range realregistry.Images {
		reference := registry.Reference(image)
		if want := said(t)(registry.Crane(t.Context(), "digest", reference)); digests[image.Repository] != want {
			t.Errorf("%s: digest %q, crane says %q", reference, digests[image.Repository], want)
		}
		want, err := registry.Crane(t.Context(), "manifest", reference)
		if err != nil {
			t.Fatal(err)
		}
		if bodies[image.Repository] != want {
			t.Errorf("%s: body %q, crane says %q", reference, bodies[image.Repository], want)
		}
		if want := said(t)(registry.Regctl(t.Context(), "manifest", "head", reference)); digests[image.Repository] != want {
			t.Errorf("%s: digest %q, regctl says %q", reference, digests[image.Repository], want)
		}
		if mediaTypes[image.Repository] != image.MediaType {
			t.Errorf("%s: media type %q, pushed as %q", reference, mediaTypes[image.Repository], image.MediaType)
		}
	}
}

func comparePlatforms(t *testing.T, registry *realregistry.Registry, workspace *terraform.Workspace) {
	var children, images map[string]string
	output(t, workspace, "arm64", &children)
	output(t, workspace, "platforms", &images)
	for _, index := range []realregistry.Image{realregistry.OCIIndex, realregistry.DockerList} {
		want := said(t)(registry.Crane(t.Context(), "digest", "--platform", "linux/arm64", registry.Reference(index)))
		if children[index.Repository] != want {
			t.Errorf("%s for linux/arm64: %q, crane says %q", index.Repository, children[index.Repository], want)
		}
	}
	if got := slices.Sorted(maps.Keys(images)); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms %q, want linux/amd64 and linux/arm64", got)
	}
	for platform, image := range images {
		want := said(t)(registry.Regctl(t.Context(), "image", "digest", "--platform", platform, registry.Reference(realregistry.OCIIndex)))
		if pinned := registry.Host() + "/" + realregistry.OCIIndex.Repository + "@" + want; image != pinned {
			t.Errorf("%s: pinned to %q, regctl says %q", platform, image, pinned)
		}
	}
}

func compareConfigurations(t *testing.T, registry *realregistry.Registry, workspace *terraform.Workspace) {
	var bodies map[string]string
	output(t, workspace, "configurations", &bodies)
	for _, image := range []realregistry.Image{realregistry.DockerImage, realregistry.OCIImage} {
		want, err := registry.Crane(t.Context(), "config", registry.Reference(image))
		if err != nil {
			t.Fatal(err)
		}
		if bodies[image.Repository] != want {
			t.Errorf("%s: configuration %q, crane says %q", image.Repository, bodies[image.Repository], want)
		}
	}

	var read struct {
		Architecture, OS, User string
		Labels, Env            map[string]string
		Entrypoint, Cmd        []string
		WorkingDir             string   `json:"working_dir"`
		ExposedPorts           []string `json:"exposed_ports"`
	}
	output(t, workspace, "arm64_configuration", &read)
	var theirs struct {
		Architecture, OS string
		Config           struct {
			User, WorkingDir     string
			Labels               map[string]string
			Env, Entrypoint, Cmd []string
			ExposedPorts         map[string]struct{}
		}
	}
	printed := said(t)(registry.Regctl(t.Context(), "image", "config", "--platform", "linux/arm64", "--format", "{{jsonPretty .}}",
		registry.Reference(realregistry.OCIIndex)))
	if err := json.Unmarshal([]byte(printed), &theirs); err != nil {
		t.Fatal(err)
	}
	env := []string{}
	for name, value := range read.Env {
		env = append(env, name+"="+value)
	}
	for _, c := range []struct {
		field        string
		ours, theirs any
	}{
		{"architecture", read.Architecture, theirs.Architecture},
		{"os", read.OS, theirs.OS},
		{"user", read.User, theirs.Config.User},
		{"working_dir", read.WorkingDir, theirs.Config.WorkingDir},
		{"labels", read.Labels, theirs.Config.Labels},
		{"env", env, theirs.Config.Env},
		{"entrypoint", read.Entrypoint, theirs.Config.Entrypoint},
		{"cmd", read.Cmd, theirs.Config.Cmd},
		{"exposed_ports", read.ExposedPorts, slices.Sorted(maps.Keys(theirs.Config.ExposedPorts))},
	} {
		if ours, theirs := fmt.Sprint(c.ours), fmt.Sprint(c.theirs); ours != theirs || ours == "" || ours == "[]" || ours == "map[]" {
			t.Errorf("%s: %s, regctl says %s", c.field, ours, theirs)
		}
	}
}

func compareLists(t *testing.T, registry *realregistry.Registry, workspace *terraform.Workspace) {
	var tags, repositories []string
	output(t, workspace, "tags", &tags)
	output(t, workspace, "repositories", &repositories)
	index := registry.Host() + "/" + realregistry.OCIIndex.Repository
	if want := strings.Fields(said(t)(registry.Crane(t.Context(), "ls", index))); !slices.Equal(tags, slices.Sorted(slices.Values(want))) {
		t.Errorf("tags %q, crane says %q", tags, want)
	}
	if want := strings.Fields(said(t)(registry.Oras(t.Context(), "repo", "tags", index))); !slices.Equal(tags, want) {
		t.Errorf("tags %q, oras says %q", tags, want)
	}
	if want := strings.Fields(said(t)(registry.Crane(t.Context(), "catalog", registry.Host()))); !slices.Equal(repositories, want) || len(want) != 5 {
		t.Errorf("repositories %q, crane says %q, want five", repositories, want)
	}
}

// compareReferrers also holds for a registry without the referrers API, where the referrers tag schema replaces it.
func compareReferrers(t *testing.T, registry *realregistry.Registry, workspace *terraform.Workspace) {
	var referrers map[string]string
	output(t, workspace, "referrers", &referrers)
	var theirs struct {
		Manifests, Referrers []struct {
			Digest       string
			ArtifactType string
		}
	}
	printed := said(t)(registry.Oras(t.Context(), "discover", "--format", "json", registry.Reference(realregistry.OCIImage)))
	if err := json.Unmarshal([]byte(printed), &theirs); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, referrer := range append(theirs.Manifests, theirs.Referrers...) {
		want[referrer.Digest] = referrer.ArtifactType
	}
	if !maps.Equal(referrers, want) || len(want) != 2 {
		t.Errorf("referrers %v, oras says %v, want two", referrers, want)
	}
	var sboms []string
	output(t, workspace, "sboms", &sboms)
	if !slices.Equal(sboms, []string{realregistry.SBOMType}) {
		t.Errorf("filtered referrers are of %q, want one of %s", sboms, realregistry.SBOMType)
	}
}

// A registry of another project with the referrers API, without any authentication.
func TestReferrersAPIAgreesWithOras(t *testing.T) {
	registry := startReal(t, realregistry.StartReferrers)
	workspace := newWorkspace(t, fmt.Sprintf("provider \"acr\" {\n  registry = %q\n  plain_http = true\n}\n", registry.Host())+readings)

	apply(t, workspace)

	compareManifests(t, registry, workspace)
	compareReferrers(t, registry, workspace)
	if !slices.ContainsFunc(registry.Requests(), func(r realregistry.Request) bool {
		return strings.Contains(r.Path, "/referrers/sha256:") && r.Status == 200
	}) {
		t.Error("the referrers API was not used")
	}
}

// wantEmptyPlan checks that a plan finds nothing to change.
func wantEmptyPlan(t *testing.T, workspace *terraform.Workspace) {
	t.Helper()
	// With -detailed-exitcode the CLI ends with 2 when there are changes.
	if printed, err := workspace.Run(t.Context(), "plan", "-detailed-exitcode", "-no-color"); err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
}
