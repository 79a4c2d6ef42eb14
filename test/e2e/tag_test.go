package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
)

// The life of a tag on the CNCF Distribution registry, checked by crane and regctl: created, moved, moved by crane and
// put back, imported. The registry cannot untag, so Terraform forgets the tag, which stays.
func TestTagOnARealRegistry(t *testing.T) {
	registry := startDistribution(t, realregistry.Options{TLS: true})
	image, index := registry.Reference(realregistry.OCIImage), registry.Reference(realregistry.OCIIndex)
	provider := fmt.Sprintf("provider \"acr\" {\n  registry = %q\n  username = %q\n  password = %q\n  ca_cert_pem = %q\n}\n",
		registry.Host(), realregistry.Username, realregistry.Password, registry.CAPEM())
	repository := realregistry.OCIIndex.Repository
	child := said(t)(registry.Crane(t.Context(), "digest", "--platform", "linux/arm64", index))
	whole := said(t)(registry.Crane(t.Context(), "digest", index))
	elsewhere := said(t)(registry.Crane(t.Context(), "digest", image))
	reference := registry.Host() + "/" + repository + ":prod"
	tag := func(digest string) string {
		return requiredProviders() + provider + fmt.Sprintf("resource \"acr_tag\" \"prod\" {\n  repository = %q\n  tag = \"prod\"\n  digest = %q\n}\n", repository, digest)
	}
	manifest := func(reference string) string {
		body, err := registry.Crane(t.Context(), "manifest", reference)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	wantNamed := func(digest string) {
		t.Helper()
		if got := said(t)(registry.Crane(t.Context(), "digest", reference)); got != digest {
			t.Errorf("crane says that the tag names %s, want %s", got, digest)
		}
		if got := said(t)(registry.Regctl(t.Context(), "manifest", "head", reference)); got != digest {
			t.Errorf("regctl says that the tag names %s, want %s", got, digest)
		}
		if manifest(reference) != manifest(registry.Host()+"/"+repository+"@"+digest) {
			t.Error("the tag names other bytes than the digest")
		}
	}
	workspace := newWorkspace(t, "")
	applyTag := func(digest string) {
		t.Helper()
		if err := workspace.Write("main.tf", tag(digest)); err != nil {
			t.Fatal(err)
		}
		apply(t, workspace)
		wantNamed(digest)
		wantEmptyPlan(t, workspace)
	}

	applyTag(child)
	applyTag(whole) // an index, where an image was

	said(t)(registry.Crane(t.Context(), "tag", registry.Host()+"/"+repository+"@"+child, "prod"))
	printed := terraformRun(t, workspace, "plan", "-no-color")
	if !strings.Contains(printed, child) || !strings.Contains(printed, whole) || !strings.Contains(printed, "updated in-place") {
		t.Errorf("the plan does not show the digests that move:\n%s", printed)
	}
	applyTag(whole)

	if err := workspace.Write("main.tf", tag(elsewhere)); err != nil {
		t.Fatal(err)
	}
	if _, err := workspace.Run(t.Context(), "apply", "-auto-approve", "-no-color"); err == nil || !strings.Contains(err.Error(), "Digest not in the repository") {
		t.Errorf("applying the digest of another repository: %v", err)
	}
	wantNamed(whole)

	other := newWorkspace(t, strings.TrimPrefix(tag(whole), requiredProviders()))
	terraformRun(t, other, "import", "-no-color", "acr_tag.prod", repository+":prod")
	wantEmptyPlan(t, other)

	registry.ResetLog()
	if _, err := other.Run(t.Context(), "destroy", "-auto-approve", "-no-color"); err == nil || !strings.Contains(err.Error(), "Tag cannot be removed here") {
		t.Errorf("destroying: %v, want the advice of a removed block", err)
	}
	if slices.ContainsFunc(registry.Requests(), func(r realregistry.Request) bool { return r.Method == "DELETE" }) {
		t.Error("a DELETE was sent")
	}
	wantNamed(whole)
}
