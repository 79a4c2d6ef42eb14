package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// demo is a run of the built demo, confined to a folder for temporary files.
type demo struct {
	command   *exec.Cmd
	temporary string
	output    bytes.Buffer
}

func newDemo(t *testing.T, configuration string) *demo {
	t.Helper()
	folder := t.TempDir()
	provider, err := terraform.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	cli, err := terraform.CLI()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, output)
	}
	temporary, err := os.MkdirTemp("", "demo") //nolint:usetesting // short: sockets lie below it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	d := &demo{temporary: temporary, command: exec.CommandContext(t.Context(), program, "-provider", provider, "-configuration", configuration)}
	d.command.Env = append(os.Environ(), "TMPDIR="+temporary, "TF_ACC_TERRAFORM_PATH="+cli)
	d.command.Stdout, d.command.Stderr = &d.output, &d.output
	return d
}

// wantNothingLeft checks that no file and no process remains of the run.
func (d *demo) wantNothingLeft(t *testing.T) {
	t.Helper()
	files, err := os.ReadDir(d.temporary)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Errorf("%s was left behind", file.Name())
	}
	environments, err := filepath.Glob("/proc/[0-9]*/environ") // only Linux has it
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range environments {
		if environment, _ := os.ReadFile(path); bytes.Contains(environment, []byte("TMPDIR="+d.temporary)) {
			program, _ := os.Readlink(filepath.Join(filepath.Dir(path), "exe"))
			t.Errorf("the process %s was left behind", program)
		}
	}
}

var example = filepath.Join("..", "..", "..", "examples", "demo")

func TestDemo(t *testing.T) {
	d := newDemo(t, example)
	if err := d.command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, d.output.String())
	}
	for _, want := range []string{
		`(?m)^(Terraform|OpenTofu) v\d+\.\d+\.\d+ applies `,
		`repository:shop/web:pull +expires \d{4}-\d\d-\d\d \d\d:\d\d UTC\n`,
		`\n  127\.0\.0\.1:\d+/shop/web@sha256:[0-9a-f]{64} +OCI index: linux/amd64, linux/arm64/v8\n`,
		`\n  127\.0\.0\.1:\d+/shop/worker@sha256:[0-9a-f]{64} +Docker image\n`,
		`\n  127\.0\.0\.1:\d+/shop/chart@sha256:[0-9a-f]{64} +artifact, application/vnd\.cncf\.helm\.config\.v1\+json\n`,
		`only with an ephemeral token\n  127\.0\.0\.1:\d+/shop/web@sha256:[0-9a-f]{64}\n|token\.tf is left out: .* has no ephemeral resources`,
		`asked the registry \d+ times`,
		`make registry`,
	} {
		if !regexp.MustCompile(want).MatchString(d.output.String()) {
			t.Errorf("the report does not match %s:\n%s", want, d.output.String())
		}
	}
	if strings.Contains(d.output.String(), "eyJ") {
		t.Errorf("the report shows a token:\n%s", d.output.String())
	}
	d.wantNothingLeft(t)
}

func TestDemoFails(t *testing.T) {
	configuration := t.TempDir()
	if err := os.WriteFile(filepath.Join(configuration, "main.tf"), []byte("output \"x\" {\n  value = data.acr_manifest.missing.digest\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDemo(t, configuration)
	wantExit(t, d.command.Run(), 1)
	if !strings.Contains(d.output.String(), "Reference to undeclared resource") {
		t.Errorf("the output does not say what failed:\n%s", d.output.String())
	}
	d.wantNothingLeft(t)
}

func TestDemoInterrupted(t *testing.T) {
	d := newDemo(t, example)
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	waitForProvider(t, d.temporary)
	interrupted := time.Now()
	if err := d.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantExit(t, d.command.Wait(), 1)
	t.Logf("ended %v after the interrupt", time.Since(interrupted).Round(time.Millisecond))
	if !strings.Contains(d.output.String(), "interrupted") {
		t.Errorf("the output does not say that it was interrupted:\n%s", d.output.String())
	}
	d.wantNothingLeft(t)
}

// waitForProvider returns once the CLI has started a provider, whose socket is then below the folder.
func waitForProvider(t *testing.T, temporary string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if sockets, _ := filepath.Glob(filepath.Join(temporary, "acr*", "tmp", "plugin*")); len(sockets) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("no provider was started")
		}
	}
}

func wantExit(t *testing.T, err error, code int) {
	t.Helper()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != code {
		t.Errorf("the demo ended with %v, want exit status %d", err, code)
	}
}
