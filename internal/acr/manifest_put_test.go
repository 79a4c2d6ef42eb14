package acr_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// lateReplica refuses manifests as a replica does that a part has not reached: so many times, 0 for always.
func lateReplica(status int, code string, part digest.Digest, times int) acrtest.Fault {
	return acrtest.Fault{
		Kind: acrtest.KindResource, Method: http.MethodPut, Path: "/manifests/", Times: times, Status: status,
		Body: fmt.Sprintf(`{"errors":[{"code":%q,"message":"unknown to registry","detail":{"digest":%q}}]}`, code, part),
	}
}

// manifestPuts lists the paths that a registry was sent a PUT for, without those of uploads.
func manifestPuts(registry *acrtest.Registry) []string {
	var paths []string
	for _, request := range registry.Requests() {
		if request.Method == http.MethodPut && strings.Contains(request.Path, "/manifests/") {
			paths = append(paths, request.Path)
		}
	}
	return paths
}

// The parts are there, on another replica: the manifest alone is sent again until they have arrived.
func TestManifestIsPutAgainUntilItsPartsHaveArrived(t *testing.T) {
	part := digest.FromString("a layer")
	for code, status := range map[string]int{
		"MANIFEST_BLOB_UNKNOWN": http.StatusBadRequest, "BLOB_UNKNOWN": http.StatusNotFound, "MANIFEST_UNKNOWN": http.StatusNotFound,
	} {
		t.Run("by its tag, "+code, func(t *testing.T) {
			source, target, from, to := two(t, acrtest.Options{})
			d := oneImage(source, "app", 1000)
			target.Inject(lateReplica(status, code, part, 2))
			if _, err := to.CopyImage(t.Context(), copyRequest(from, d)); err != nil {
				t.Fatal(err)
			}
			wantSent(t, target, "GET manifests: 5", "GET token: 1", "HEAD blobs: 2", "POST uploads: 2", "PUT manifests: 3", "PUT uploads: 2")
			wantWhole(t, to, d)
		})
		t.Run("by its digest, "+code, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			d := oneImage(registry, "app", 1000)
			registry.Inject(lateReplica(status, code, part, 2))
			client := newClient(t, registry).WithoutBackOff()
			request := copyRequest(client, d)
			request.Tag = ""
			if _, err := client.CopyImage(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if got, want := manifestPuts(registry), slices.Repeat([]string{"/v2/mirror/app/manifests/" + d.String()}, 3); !slices.Equal(got, want) {
				t.Errorf("PUTs = %v, want %v", got, want)
			}
		})
	}
}

func TestPartThatNeverArrivesIsNamed(t *testing.T) {
	blob := digest.FromString("a layer")
	registry := acrtest.StartT(t, acrtest.Options{})
	d := registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, func(config *acr.Config) { config.MaxRetries = 2 }).WithoutBackOff()
	registry.Inject(lateReplica(http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", blob, 0))
	_, err := putTag(t, client, "prod", d, "")
	faulttest.Want(t, err, fault.PartUnknown, "400", "MANIFEST_BLOB_UNKNOWN", "the registry lacks "+blob.String(), "after 3 attempts")
	if n := len(manifestPuts(registry)); n != 3 {
		t.Errorf("%d PUTs, want 3", n)
	}
	tagNames(t, registry, "app", "prod", "")
}
