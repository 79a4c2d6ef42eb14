package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// report is what the demo prints at its end.
type report struct {
	outcome  outcome
	registry *acrtest.Registry
	took     time.Duration
}

func (r report) print(w io.Writer) error {
	tokens, err := tokenRows(r.registry)
	if err != nil {
		return err
	}
	section(w, "Tokens of "+r.registry.URL()+"/oauth2/token, none of them in the state", tokens)

	var images [][]string
	for _, name := range slices.Sorted(maps.Keys(r.outcome.Images.Value)) {
		image := r.outcome.Images.Value[name]
		images = append(images, []string{image.Pinned, image.kind()})
	}
	section(w, "Images, pinned", images)

	if image := r.outcome.WithToken.Value; image != "" {
		section(w, "Read by a second provider block, signed in only with an ephemeral token", [][]string{{image}})
	}
	fmt.Fprintf(w, "The apply took %.1f s and asked the registry %d times: challenges %d, tokens %d, manifests %d; connections %d.\n\n",
		r.took.Seconds(), r.registry.Count(""), r.registry.Count(acrtest.KindChallenge), r.registry.Count(acrtest.KindToken),
		r.registry.Count(acrtest.KindResource), r.registry.Connections())
	section(w, "Next", [][]string{
		{"make registry", "the same registry, for a configuration that you write"},
		{"make install", "lets terraform init find the provider; README.md has a first configuration"},
		{"docs/index.md", "the documentation, with examples"},
	})
	return nil
}

// section prints a heading and rows in aligned columns.
func section(w io.Writer, heading string, rows [][]string) {
	fmt.Fprintln(w, heading)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, "  "+strings.Join(row, "\t"))
	}
	table.Flush()
	fmt.Fprintln(w)
}

// kind says in a few words what a manifest is.
func (i image) kind() string {
	names := map[string]string{
		ocispec.MediaTypeImageIndex:     "OCI index",
		ocispec.MediaTypeImageManifest:  "OCI image",
		acrtest.MediaTypeDockerList:     "Docker manifest list",
		acrtest.MediaTypeDockerManifest: "Docker image",
	}
	kind := cmp.Or(names[i.MediaType], i.MediaType)
	switch {
	case i.ArtifactType != "":
		return "artifact, " + i.ArtifactType
	case len(i.Platforms) > 0:
		return kind + ": " + strings.Join(i.Platforms, ", ")
	}
	return kind
}
