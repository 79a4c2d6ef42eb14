package e2e

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
)

// releaseVariable lets TestRelease run: `make release-test` sets it.
const releaseVariable = "ACR_TEST_RELEASE"

// releaseVersion is the version that TestRelease gives its releases.
const releaseVersion = "9.8.7"

// A release, for this platform and neither signed nor published, has what the Terraform Registry accepts and Terraform
// installs, and is the same wherever it is built.
func TestRelease(t *testing.T) {
	if os.Getenv(releaseVariable) == "" {
		t.Skip("no release is built here, since building GoReleaser takes minutes: make release-test does it")
	}
	goreleaser, err := realregistry.Tool("goreleaser")
	if err != nil {
		t.Fatal(err)
	}
	runProgram(t, root(t), nil, goreleaser, "check")
	first, second := buildRelease(t, goreleaser), buildRelease(t, goreleaser)
	name := fmt.Sprintf("terraform-provider-acr_%s_%s_%s.zip", releaseVersion, runtime.GOOS, runtime.GOARCH)
	archive := filepath.Join(first, name)

	t.Run("archive", func(t *testing.T) { wantArchive(t, archive) })
	t.Run("checksums", func(t *testing.T) { wantChecksums(t, first, name) })
	t.Run("the same again", func(t *testing.T) {
		for _, file := range []string{name, checksumsName} {
			if !bytes.Equal(readFile(t, filepath.Join(first, file)), readFile(t, filepath.Join(second, file))) {
				t.Errorf("%s differs between two builds of one commit", file)
			}
		}
	})
	t.Run("installed", func(t *testing.T) {
		wanted := "terraform-provider-acr/" + releaseVersion + " "
		for _, request := range installFromMirror(t, archive) {
			if agent := request.Header.Get("User-Agent"); !strings.HasPrefix(agent, wanted) {
				t.Errorf("the provider calls itself %q, want %q", agent, wanted)
			}
		}
	})
}

const checksumsName = "terraform-provider-acr_" + releaseVersion + "_SHA256SUMS"

// wantArchive wants the program and the licence in an archive, and nothing else.
func wantArchive(t *testing.T, path string) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	got := map[string]fs.FileMode{}
	for _, file := range archive.File {
		got[file.Name] = file.Mode()
	}
	want := map[string]fs.FileMode{"LICENSE": 0o644, "terraform-provider-acr_v" + releaseVersion: 0o755}
	if !maps.Equal(got, want) {
		t.Errorf("the archive holds %v, want %v", got, want)
	}
}

// wantChecksums wants the checksums of the archive and of the registry's manifest, but not of the SBOM: the Terraform
// Registry refuses checksums of files that it does not know.
func wantChecksums(t *testing.T, dist, archive string) {
	if len(readFile(t, filepath.Join(dist, archive+".sbom.json"))) == 0 {
		t.Error("the SBOM is empty")
	}
	sum := func(path string) string {
		sum := sha256.Sum256(readFile(t, path))
		return hex.EncodeToString(sum[:])
	}
	want := []string{
		sum(filepath.Join(dist, archive)) + "  " + archive,
		sum(filepath.Join(root(t), "terraform-registry-manifest.json")) + "  terraform-provider-acr_" + releaseVersion + "_manifest.json",
	}
	got := strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(dist, checksumsName)))), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the checksums are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// buildRelease copies the project, commits and tags the copy and releases that, except for signing and publishing. It
// returns the folder with the result.
func buildRelease(t *testing.T, goreleaser string) string {
	t.Helper()
	folder := t.TempDir()
	copyProject(t, folder)
	forThisPlatform(t, filepath.Join(folder, ".goreleaser.yml"))

	identity := []string{"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_SYSTEM=" + os.DevNull}
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		identity = append(identity, "GIT_"+role+"_NAME=test", "GIT_"+role+"_EMAIL=test@example.com", "GIT_"+role+"_DATE=2026-01-01T00:00:00Z")
	}
	for _, arguments := range [][]string{
		{"init", "--quiet"},
		{"remote", "add", "origin", "https://github.com/acrkit/terraform-provider-acr"}, // asked for, never called
		{"add", "--all"},
		{"commit", "--quiet", "--message", "Release"},
		{"tag", "v" + releaseVersion},
	} {
		runProgram(t, folder, identity, "git", arguments...)
	}
	runProgram(t, folder, []string{syftPath(t)}, goreleaser, "release", "--clean", "--skip=sign,publish,announce")
	return filepath.Join(folder, "dist")
}

// copyProject copies the files that git has or would add.
func copyProject(t *testing.T, folder string) {
	t.Helper()
	listed := runProgram(t, root(t), nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		from, to := filepath.Join(root(t), name), filepath.Join(folder, name)
		info, err := os.Stat(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o700)
		}
		if err == nil {
			err = os.WriteFile(to, readFile(t, from), info.Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// forThisPlatform removes the other platforms from GoReleaser's configuration.
func forThisPlatform(t *testing.T, path string) {
	t.Helper()
	configuration := readFile(t, path)
	for key, only := range map[string]string{"goos": runtime.GOOS, "goarch": runtime.GOARCH} {
		list := regexp.MustCompile(`(?m)^    ` + key + `: \[.*'?\b` + only + `\b.*\]$`)
		if found := list.FindAll(configuration, -1); len(found) != 1 {
			t.Fatalf("%s holds %d lists of %s with %s, want 1", filepath.Base(path), len(found), key, only)
		}
		configuration = list.ReplaceAll(configuration, []byte("    "+key+": ['"+only+"']"))
	}
	if err := os.WriteFile(path, configuration, 0o600); err != nil {
		t.Fatal(err)
	}
}

// syftPath returns a PATH with syft, which makes the SBOMs: the real one, or else a script that writes its name to the
// file that GoReleaser names.
func syftPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PATH")
	if _, err := exec.LookPath("syft"); err == nil {
		return "PATH=" + path
	}
	t.Log("syft is not on PATH: a script stands in for it")
	folder := t.TempDir()
	const script = "#!/bin/sh\n# syft ARCHIVE --output FORMAT=FILE ...\necho '{\"spdxVersion\": \"stand-in\"}' >\"${3#*=}\"\n"
	if err := os.WriteFile(filepath.Join(folder, "syft"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + folder + string(os.PathListSeparator) + path
}

// runProgram runs a program in a folder, which must succeed, and returns its standard output.
func runProgram(t *testing.T, folder string, environment []string, program string, arguments ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Dir, command.Env = folder, append(os.Environ(), environment...)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(arguments, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}

// root returns the project's folder.
func root(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
