package realregistry

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Image is a manifest that [Registry.Seed] pushes.
type Image struct {
	Repository string
	Tag        string
	MediaType  string
}

// What [Registry.Seed] pushes: one of each kind of manifest. The index and the list have a child for linux/amd64 and one
// for linux/arm64, tagged so in the same repository with a hyphen.
var (
	DockerImage = Image{"seed/docker-image", "1.0", "application/vnd.docker.distribution.manifest.v2+json"}
	DockerList  = Image{"seed/docker-list", "1.0", "application/vnd.docker.distribution.manifest.list.v2+json"}
	OCIImage    = Image{"seed/oci-image", "1.0", "application/vnd.oci.image.manifest.v1+json"}
	OCIIndex    = Image{"seed/oci-index", "1.0", "application/vnd.oci.image.index.v1+json"}
	OCIArtifact = Image{"seed/oci-artifact", "1.0", "application/vnd.oci.image.manifest.v1+json"}
)

// Images lists what [Registry.Seed] pushes.
var Images = []Image{DockerImage, DockerList, OCIImage, OCIIndex, OCIArtifact}

// The artifact types that [Registry.Seed] uses.
const (
	// ArtifactType is that of OCIArtifact.
	ArtifactType = "application/vnd.example.report.v1"
	// SBOMType and SignatureType are those of the two artifacts that are attached to OCIImage.
	SBOMType      = "application/vnd.example.sbom.v1"
	SignatureType = "application/vnd.example.signature.v1"
)

// created makes the digests of oras's manifests the same in every run.
const created = "org.opencontainers.image.created=2026-01-01T00:00:00Z"

var platforms = []string{"linux/amd64", "linux/arm64"}

// Reference returns HOST/REPOSITORY:TAG.
func (r *Registry) Reference(image Image) string {
	return r.host + "/" + image.Repository + ":" + image.Tag
}

// Seed pushes [Images] with crane and oras, and attaches one artifact of [SBOMType] and one of [SignatureType] to [OCIImage].
func (r *Registry) Seed(ctx context.Context) error {
	if err := r.pushImage(ctx, DockerImage, platforms[0], false); err != nil {
		return err
	}
	if err := r.pushImage(ctx, OCIImage, platforms[0], true); err != nil {
		return err
	}
	if err := r.pushIndex(ctx, DockerList, false); err != nil {
		return err
	}
	if err := r.pushIndex(ctx, OCIIndex, true); err != nil {
		return err
	}
	return r.pushArtifacts(ctx)
}

// pushImage pushes an image of one layer whose configuration has something in most fields.
func (r *Registry) pushImage(ctx context.Context, image Image, platform string, oci bool) error {
	reference := r.Reference(image)
	layer := filepath.Join(r.home, "layer.tar")
	if err := writeLayer(layer, "hello from "+image.Repository+" on "+platform+"\n"); err != nil {
		return err
	}
	appending := []string{"append", "--new_layer", layer, "--new_tag", reference}
	if oci {
		appending = append(appending, "--oci-empty-base")
	}
	if _, err := r.Crane(ctx, appending...); err != nil {
		return err
	}
	_, err := r.Crane(ctx, "mutate", reference, "--tag", reference,
		"--set-platform", platform,
		"--annotation", "org.opencontainers.image.title=seed",
		"--label", "org.example.team=registry",
		"--env", "GREETING=hello world=again",
		"--entrypoint", "/bin/serve",
		"--cmd", "--verbose",
		"--user", "1000:1000",
		"--workdir", "/srv",
		"--exposed-ports", "8080/tcp")
	return err
}

// pushIndex pushes one image a platform and an index, or Docker's manifest list, of them.
func (r *Registry) pushIndex(ctx context.Context, index Image, oci bool) error {
	arguments := []string{"index", "append", "--tag", r.Reference(index)}
	if !oci {
		arguments = append(arguments, "--docker-empty-base")
	}
	for _, platform := range platforms {
		child := Image{Repository: index.Repository, Tag: strings.ReplaceAll(platform, "/", "-")}
		if err := r.pushImage(ctx, child, platform, oci); err != nil {
			return err
		}
		arguments = append(arguments, "--manifest", r.Reference(child))
	}
	_, err := r.Crane(ctx, arguments...)
	return err
}

func (r *Registry) pushArtifacts(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(r.home, "report.txt"), []byte("all well\n"), 0o600); err != nil {
		return err
	}
	if _, err := r.Oras(ctx, "push", r.Reference(OCIArtifact), "report.txt:text/plain",
		"--artifact-type", ArtifactType, "--annotation", created); err != nil {
		return err
	}
	for _, artifactType := range []string{SBOMType, SignatureType} {
		if _, err := r.Oras(ctx, "attach", r.Reference(OCIImage), "report.txt:text/plain",
			"--artifact-type", artifactType, "--annotation", created); err != nil {
			return err
		}
	}
	return nil
}

// writeLayer writes a tar file with one small file in it.
func writeLayer(path, content string) error {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "hello.txt", Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	if _, err := w.Write([]byte(content)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, archive.Bytes(), 0o600)
}
