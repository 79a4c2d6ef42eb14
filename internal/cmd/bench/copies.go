package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// copiedLayer is the size of the layer of the image that is copied, in bytes.
const copiedLayer = 1 << 30

// copier copies image, by its digest, from one registry to another. program is what is measured: the meter stands in for
// it, in meter.folder.
type copier struct {
	name    string
	program func() (string, error)
	copy    func(ctx context.Context, m meter, image string, target *acrtest.Registry) error
}

// copyRow is a copier and its measurements.
type copyRow struct {
	copier
	measured []measurement
}

func copyRows(provider string) []*copyRow {
	tool := func(name string, arguments ...string) *copyRow {
		return &copyRow{copier: copier{
			name:    name + " " + arguments[0],
			program: func() (string, error) { return realregistry.Tool(name) },
			copy: func(ctx context.Context, m meter, image string, target *acrtest.Registry) error {
				return runMetered(ctx, m, append(arguments, image, target.Host()+"/mirror/app:1.0")...)
			},
		}}
	}
	ours := copier{"acr_image_copy", func() (string, error) { return provider, nil }, copyByTerraform}
	return []*copyRow{{copier: ours}, tool("crane", "copy"), tool("oras", "cp", "--from-plain-http", "--to-plain-http")}
}

// measureCopies lets each copier copy one image, between its own registries, before any of them copies again.
func measureCopies(ctx context.Context, rows []*copyRow, runs int) error {
	for range runs {
		for _, row := range rows {
			m, err := row.measure(ctx)
			if err != nil {
				return fmt.Errorf("copying by %s: %w", row.name, err)
			}
			fmt.Printf("  1 GiB copied by %s: %s\n", row.name, milliseconds(m.wall))
			row.measured = append(row.measured, m)
		}
	}
	return nil
}

func (c copier) measure(ctx context.Context) (one measurement, err error) {
	options := acrtest.Options{PlainHTTP: true, NoAuth: true}
	source, err := acrtest.Start(options)
	if err != nil {
		return measurement{}, err
	}
	defer source.Close()
	target, err := acrtest.Start(options)
	if err != nil {
		return measurement{}, err
	}
	defer target.Close()
	digest := source.PutImage("app", "1.0", acrtest.Image{Layers: []ocispec.Descriptor{source.PutLayer("app", copiedLayer)}})

	program, err := c.program()
	if err != nil {
		return measurement{}, err
	}
	m, err := newMeter(program)
	if err != nil {
		return measurement{}, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	started := time.Now()
	if err := c.copy(ctx, m, source.Host()+"/app@"+digest.String(), target); err != nil {
		return measurement{}, err
	}
	one.wall = time.Since(started)
	if target.Digest("mirror/app", "1.0") != digest {
		return measurement{}, errors.New("the target has no copy")
	}
	one.usage, err = m.usage()
	return one, err
}

// runMetered runs a program through the meter.
func runMetered(ctx context.Context, m meter, arguments ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(m.folder, "terraform-provider-acr"), arguments...)
	command.Env = append(os.Environ(), "HOME="+m.folder, "DOCKER_CONFIG="+m.folder)
	for name, value := range m.environment() {
		command.Env = append(command.Env, name+"="+value)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

func copyByTerraform(ctx context.Context, m meter, image string, target *acrtest.Registry) (err error) {
	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": m.folder})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workspace.Close()) }()
	for name, value := range m.environment() {
		workspace.Set(name, value)
	}
	if err := workspace.Write("main.tf", fmt.Sprintf(`
terraform {
  required_providers {
    acr = { source = "acrkit/acr" }
  }
}

provider "acr" {
  registry   = %q
  plain_http = true
}

resource "acr_image_copy" "app" {
  source     = %q
  repository = "mirror/app"
  tag        = "1.0"
}
`, target.Host(), image)); err != nil {
		return err
	}
	_, err = workspace.Run(ctx, "apply", "-auto-approve", "-no-color")
	return err
}

const copySection = `
## A copy of 1 GiB

One image with a layer of 1 GiB, from one registry in memory to another, over plain http on loopback and without tokens. The registries generate
and hash the bytes on the same machine. ` + "`acr_image_copy`" + ` hashes them as well, and its wall time includes Terraform's. Peak memory is that of the
process of the provider, crane or oras.

`

func copyTable(rows []*copyRow) string {
	var out strings.Builder
	out.WriteString(copySection)
	line := func(cells ...string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	line("by", "wall", "CPU, user", "CPU, system", "peak memory")
	line("---", "--:", "--:", "--:", "--:")
	for _, row := range rows {
		line(row.name,
			spread(row.measured, func(m measurement) time.Duration { return m.wall }),
			spread(row.measured, func(m measurement) time.Duration { return m.User }),
			spread(row.measured, func(m measurement) time.Duration { return m.System }),
			memorySpread(row.measured))
	}
	return out.String()
}
