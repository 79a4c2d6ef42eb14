package e2e

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// The provider is installed by its address and version from a filesystem mirror, pinned by a lock file, and works; a
// mirror whose archive has changed is refused. TestRelease does the same with a release's archive.
func TestInstallFromMirror(t *testing.T) {
	installFromMirror(t, archiveOfBuilt(t))
}

// installFromMirror installs an archive, terraform-provider-acr_VERSION_OS_ARCH.zip, and reads with it. It returns the
// requests that the registry received.
func installFromMirror(t *testing.T, archive string) []acrtest.Request {
	t.Helper()
	registry := acrtest.StartT(t, acrtest.Options{})
	digest := registry.PutImage("app", "1.0", acrtest.Image{})
	version := strings.Split(filepath.Base(archive), "_")[1]
	workspace := workspaceWith(t, nil, fmt.Sprintf(`
terraform {
  required_providers {
    acr = {
      source  = "acrkit/acr"
      version = %q
    }
  }
}

provider "acr" {
  registry    = %q
  username    = %q
  password    = %q
  ca_cert_pem = %q
}

data "acr_manifest" "app" {
  repository = "app"
  tag        = "1.0"
}

output "digest" {
  value = data.acr_manifest.app.digest
}
`, version, registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM()))
	mirror := mirrorOf(t, archive)
	if err := workspace.Configure(fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)); err != nil {
		t.Fatal(err)
	}

	terraformRun(t, workspace, "init", "-no-color")
	lock, err := os.ReadFile(filepath.Join(workspace.Folder, ".terraform.lock.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	hash, err := dirhash.HashZip(archive, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	locked := regexp.MustCompile(`(?s)provider "registry\.(terraform\.io|opentofu\.org)/acrkit/acr" \{.*version *= "` +
		regexp.QuoteMeta(version) + `".*hashes *= \[\s*"` + regexp.QuoteMeta(hash) + `"`)
	if !locked.Match(lock) {
		t.Errorf("the lock file does not pin version %s by %s:\n%s", version, hash, lock)
	}

	terraformRun(t, workspace, "init", "-no-color", "-lockfile=readonly")
	apply(t, workspace)
	var read string
	output(t, workspace, "digest", &read)
	if read != digest.String() {
		t.Errorf("read %s, the image is %s", read, digest)
	}
	wantEmptyPlan(t, workspace)

	t.Run("changed archive", func(t *testing.T) { refuseChanged(t, workspace, mirror) })
	return registry.Requests()
}

func refuseChanged(t *testing.T, workspace *terraform.Workspace, mirror string) {
	archives, err := filepath.Glob(filepath.Join(mirror, "*", "acrkit", "acr", "*.zip"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archive in the mirror: %v", err)
	}
	for _, archive := range archives {
		writeArchive(t, archive, "terraform-provider-acr", strings.NewReader("another program"))
	}
	if err := os.RemoveAll(filepath.Join(workspace.Folder, ".terraform")); err != nil {
		t.Fatal(err)
	}
	if _, err := workspace.Run(t.Context(), "init", "-no-color"); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("init with another archive than the locked one: %v, want an error about the checksum", err)
	}
}

// archiveOfBuilt returns an archive of the provider that the tests built.
func archiveOfBuilt(t *testing.T) string {
	t.Helper()
	program, err := os.Open(provider)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	archive := filepath.Join(t.TempDir(), fmt.Sprintf("terraform-provider-acr_0.1.0_%s_%s.zip", runtime.GOOS, runtime.GOARCH))
	writeArchive(t, archive, "terraform-provider-acr_v0.1.0", program)
	return archive
}

// mirrorOf lays an archive out as `terraform providers mirror` does, for Terraform and OpenTofu.
func mirrorOf(t *testing.T, archive string) string {
	t.Helper()
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	mirror := t.TempDir()
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, host, "acrkit", "acr")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(archive)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return mirror
}

// writeArchive makes a zip file that holds one program.
func writeArchive(t *testing.T, path, name string, program io.Reader) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(0o755)
	entry, err := archive.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(entry, program); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}
