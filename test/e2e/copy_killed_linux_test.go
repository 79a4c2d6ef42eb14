package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// killPoints are moments at which the provider is killed while it copies an image of five platforms, ten blobs in all: the
// request to the target that is then under way.
var killPoints = []struct {
	name   string
	during acrtest.Fault
	tagged bool // whether the tag exists then
	blobs  int  // that the next apply sends, at most
	sent   int  // manifests that the next apply sends, at most
}{
	{"at the first blob", acrtest.Fault{Method: http.MethodPut, Path: "/uploads/"}, false, 10, 6},
	{"at the seventh blob", acrtest.Fault{Method: http.MethodPut, Path: "/uploads/", Skip: 6}, false, 7, 6},
	{"at the tag", acrtest.Fault{Method: http.MethodPut, Path: "/manifests/1.0"}, false, 0, 1},
	{"after the tag", acrtest.Fault{Method: http.MethodPut, Path: "/manifests/1.0", ActFirst: true}, true, 0, 0},
}

// A provider that is killed leaves no tag on an incomplete image, and the next apply sends only what is missing.
func TestCopyGoesOnAfterAKill(t *testing.T) {
	for _, point := range killPoints {
		t.Run(point.name, func(t *testing.T) {
			source, target := acrtest.StartT(t, acrtest.Options{PlainHTTP: true}), acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
			index := acrtest.Index{}
			for i, architecture := range []string{"386", "amd64", "arm", "arm64", "s390x"} {
				index.Images = append(index.Images, acrtest.Image{Architecture: architecture, Layers: []ocispec.Descriptor{source.PutLayer("app", int64(1000+i))}})
			}
			digest := source.PutIndex("app", "1.0", index)
			point.during.Kind, point.during.Hang = acrtest.KindResource, true
			remove := target.Inject(point.during)
			workspace := newWorkspace(t, fmt.Sprintf(`
provider "acr" {
  registry   = %q
  username   = %q
  password   = %q
  plain_http = true
}

resource "acr_image_copy" "app" {
  source             = "%s/app@%s"
  repository         = "mirror/app"
  tag                = "1.0"
  source_username    = %[2]q
  source_password_wo = %[3]q
}
`, target.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, source.Host(), digest))
			if refuses(t, workspace) {
				return
			}

			killed := startProvider(t, target)
			workspace.Set("TF_REATTACH_PROVIDERS", killed.reattach)
			ended := make(chan error, 1)
			go func() {
				_, err := workspace.Run(t.Context(), "apply", "-auto-approve", "-no-color")
				ended <- err
			}()
			awaitStruck(t, target, point.during)
			if err := syscall.Kill(killed.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err == nil {
				t.Fatal("the apply of a killed provider succeeded")
			}
			remove()
			if tagged := target.Digest("mirror/app", "1.0") != ""; tagged != point.tagged {
				t.Errorf("after the kill the tag is there: %v, want %v", tagged, point.tagged)
			}

			target.ResetLog()
			workspace.Set("TF_REATTACH_PROVIDERS", "")
			apply(t, workspace)
			if got := target.Digest("mirror/app", "1.0"); got != digest {
				t.Errorf("the tag names %q, want %q", got, digest)
			}
			blobs, manifests := 0, 0
			for _, request := range target.Requests() {
				switch {
				case request.Method != http.MethodPut:
				case strings.Contains(request.Path, "/uploads/"):
					blobs++
				default:
					manifests++
				}
			}
			t.Logf("the next apply sent %d blobs and %d manifests", blobs, manifests)
			if blobs > point.blobs || manifests > point.sent {
				t.Errorf("the next apply sent %d blobs and %d manifests, want at most %d and %d", blobs, manifests, point.blobs, point.sent)
			}
		})
	}
}

// awaitStruck waits until a fault has struck a request.
func awaitStruck(t *testing.T, registry *acrtest.Registry, fault acrtest.Fault) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		matching := 0
		for _, request := range registry.Requests() {
			if request.Kind == fault.Kind && request.Method == fault.Method && strings.Contains(request.Path, fault.Path) {
				matching++
			}
		}
		if matching > fault.Skip {
			return
		}
	}
	t.Fatal("the fault struck nothing")
}
