package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// The printed configuration works unchanged, and the end leaves nothing behind.
func TestInstructionsWork(t *testing.T) {
	provider, err := terraform.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": filepath.Dir(provider)})
	if err != nil {
		t.Fatal(err)
	}
	defer workspace.Close()
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)

	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, writer) }()
	printed := readUntil(t, reader, "next run of make registry.\n")

	for _, export := range regexp.MustCompile(`export (\w+)=(.+)`).FindAllStringSubmatch(printed, -1) {
		workspace.Set(export[1], export[2])
	}
	_, configuration, _ := strings.Cut(printed, "write main.tf:\n")
	configuration, _, _ = strings.Cut(configuration, "\n4. ")
	if err := workspace.Write("main.tf", configuration); err != nil {
		t.Fatal(err)
	}
	if _, err := workspace.Run(t.Context(), "apply", "-auto-approve", "-no-color"); err != nil {
		t.Fatal(err)
	}
	image, err := workspace.Run(t.Context(), "output", "-json")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`"127\.0\.0\.1:\d+/shop/web@sha256:[0-9a-f]{64}"`).MatchString(image) {
		t.Errorf("the output is %s, want a pinned reference", image)
	}

	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("%v was left behind, %v", left, err)
	}
}

// readUntil reads until the text ends with the given one.
func readUntil(t *testing.T, r io.Reader, end string) string {
	t.Helper()
	var text strings.Builder
	part := make([]byte, 1024)
	for !strings.HasSuffix(text.String(), end) {
		n, err := r.Read(part)
		text.Write(part[:n])
		if err != nil {
			t.Fatalf("%v after:\n%s", err, text.String())
		}
	}
	return text.String()
}
