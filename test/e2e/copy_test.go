package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
)

// copyAll returns HCL that copies everything that was seeded, and reads the referrers of one image at the target. source and
// target are login servers; connection holds further arguments of the provider block, more those of the resource.
func copyAll(source, target, connection, more string) string {
	return fmt.Sprintf(`
provider "acr" {
  registry = %[2]q
  username = %[3]q
  password = %[4]q
  %[5]s
}

locals {
  digests = jsondecode(file("digests.json"))
}

resource "acr_image_copy" "image" {
  for_each   = local.digests
  source     = "%[1]s/${each.key}@${each.value}"
  repository = "mirror/${each.key}"
  tag        = "1.0"
%[6]s
}

data "acr_referrers" "image" {
  repository = acr_image_copy.image[%[7]q].repository
  digest     = acr_image_copy.image[%[7]q].digest
}

output "referrers" {
  value = data.acr_referrers.image.referrers[*].artifact_type
}
`, source, target, realregistry.Username, realregistry.Password, connection, more, realregistry.OCIImage.Repository)
}

// sourceAccount is HCL for the source's own credential.
var sourceAccount = fmt.Sprintf("  source_username    = %q\n  source_password_wo = %q\n", realregistry.ReaderUsername, realregistry.ReaderPassword)

// seededDigests asks crane for the digest of each seeded image.
func seededDigests(t *testing.T, registry *realregistry.Registry) map[string]string {
	t.Helper()
	digests := map[string]string{}
	for _, image := range realregistry.Images {
		digests[image.Repository] = said(t)(registry.Crane(t.Context(), "digest", registry.Reference(image)))
	}
	return digests
}

// signWithTag stores an artifact where cosign keeps signatures that are not referrers, and returns its tag.
func signWithTag(t *testing.T, registry *realregistry.Registry, image realregistry.Image, digest string) string {
	t.Helper()
	tag := strings.Replace(digest, ":", "-", 1) + ".sig"
	reference := registry.Host() + "/" + image.Repository + ":" + tag
	if _, err := registry.Crane(t.Context(), "copy", registry.Reference(realregistry.OCIArtifact), reference); err != nil {
		t.Fatal(err)
	}
	return tag
}

// crane, oras and regctl find the copy from one CNCF Distribution registry to another, and within one, complete to the
// last byte of the last blob.
func TestCopyIsWhatOtherClientsRead(t *testing.T) {
	source := startDistribution(t, realregistry.Options{TLS: true})
	digests := seededDigests(t, source)
	signature := signWithTag(t, source, realregistry.OCIImage, digests[realregistry.OCIImage.Repository])

	t.Run("between registries", func(t *testing.T) {
		target := startEmpty(t, func() (*realregistry.Registry, error) { return realregistry.Start(realregistry.Options{TLS: true}) })
		copyAndCompare(t, source, target, sourceAccount, digests, signature)
	})
	t.Run("within a registry", func(t *testing.T) {
		source.ResetLog()
		copyAndCompare(t, source, source, "", digests, signature)
		mounted := 0
		for _, request := range source.Requests() {
			if strings.Contains(request.Query, "mount=") && request.Status == http.StatusCreated {
				mounted++
			}
		}
		if mounted < 10 {
			t.Errorf("%d blobs were mounted", mounted)
		}
	})
}

// The CNCF registry does not list referrers itself; these two do.
func TestCopyBringsReferrersToARegistryThatListsThem(t *testing.T) {
	source := startReal(t, realregistry.StartReferrers)
	target := startEmpty(t, realregistry.StartReferrers)
	digests := seededDigests(t, source)
	signature := signWithTag(t, source, realregistry.OCIImage, digests[realregistry.OCIImage.Repository])
	copyAndCompare(t, source, target, "", digests, signature)
}

func copyAndCompare(t *testing.T, source, target *realregistry.Registry, more string, digests map[string]string, signature string) {
	t.Helper()
	digestsFile, err := json.Marshal(digests)
	if err != nil {
		t.Fatal(err)
	}
	connection := "plain_http = true"
	if source.CAPEM() != "" {
		connection = fmt.Sprintf("ca_cert_pem = %q", target.CAPEM()+source.CAPEM())
	}
	workspace := newWorkspace(t, copyAll(source.Host(), target.Host(), connection, more))
	if err := workspace.Write("digests.json", string(digestsFile)); err != nil {
		t.Fatal(err)
	}
	if refuses(t, workspace) {
		return
	}
	apply(t, workspace)
	if source == target { // before the other clients read
		for _, request := range target.Requests() {
			if strings.Contains(request.Path, "/blobs/uploads/") && request.Method == http.MethodPut || strings.Contains(request.Path, "/blobs/sha256:") && request.Method == http.MethodGet {
				t.Errorf("a blob travelled: %s %s", request.Method, request.Path)
			}
		}
	}
	wantEmptyPlan(t, workspace)

	for repository, digest := range digests {
		tagged := target.Host() + "/mirror/" + repository + ":1.0"
		if got := said(t)(target.Crane(t.Context(), "digest", tagged)); got != digest {
			t.Errorf("%s is %s, want %s", tagged, got, digest)
		}
		compareCopy(t, source, target, repository, digest)
	}
	var referrers []string
	output(t, workspace, "referrers", &referrers)
	slices.Sort(referrers)
	if want := []string{realregistry.SBOMType, realregistry.SignatureType}; !slices.Equal(referrers, want) {
		t.Errorf("referrers at the target: %q, want %q", referrers, want)
	}
	mirrored := "/mirror/" + realregistry.OCIImage.Repository
	if want, got := said(t)(source.Crane(t.Context(), "digest", source.Host()+"/"+realregistry.OCIImage.Repository+":"+signature)),
		said(t)(target.Crane(t.Context(), "digest", target.Host()+mirrored+":"+signature)); got != want {
		t.Errorf("the signature under %s is %s at the target, %s at the source", signature, got, want)
	}
}

// compareCopy reads one image with each client, blob by blob.
func compareCopy(t *testing.T, source, target *realregistry.Registry, repository, digest string) {
	t.Helper()
	from, to := source.Host()+"/"+repository, target.Host()+"/mirror/"+repository
	want := said(t)(source.Crane(t.Context(), "manifest", from+"@"+digest))
	if got := said(t)(target.Oras(t.Context(), "manifest", "fetch", to+"@"+digest)); got != want {
		t.Errorf("oras reads %s, crane read %s at the source", got, want)
	}
	if got := said(t)(target.Regctl(t.Context(), "manifest", "get", "--format", "raw-body", to+"@"+digest)); got != want {
		t.Errorf("regctl reads %s, crane read %s at the source", got, want)
	}
	type descriptor struct{ Digest string }
	var manifest struct {
		Config            descriptor
		Layers, Manifests []descriptor
	}
	if err := json.Unmarshal([]byte(want), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, child := range manifest.Manifests {
		compareCopy(t, source, target, repository, child.Digest)
	}
	if manifest.Config.Digest == "" {
		return
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		for client, read := range map[string]func() (string, error){
			"crane": func() (string, error) { return target.Crane(t.Context(), "blob", to+"@"+blob.Digest) },
			"oras": func() (string, error) {
				return target.Oras(t.Context(), "blob", "fetch", "--output", "-", to+"@"+blob.Digest)
			},
			"regctl": func() (string, error) { return target.Regctl(t.Context(), "blob", "get", to, blob.Digest) },
		} {
			content, err := read()
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))); got != blob.Digest {
				t.Errorf("%s reads %s of %s as %s", client, blob.Digest, to, got)
			}
		}
	}
}
