package acrtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The media types of Docker's image manifest, version 2, schema 2, and its list.
const (
	MediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaTypeDockerConfig   = "application/vnd.docker.container.image.v1+json"
	mediaTypeDockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// Image describes an image that PutImage builds: its configuration, one layer
// without files and the manifest. Equal images have equal digests.
type Image struct {
	Docker       bool   // Docker's media types; otherwise OCI's
	OS           string // default "linux"
	Architecture string // default "amd64"
	Variant      string
	OSVersion    string

	Created      time.Time // left out if zero
	Author       string
	Labels       map[string]string
	Env          []string // "NAME=value"
	Entrypoint   []string
	Cmd          []string
	User         string
	WorkingDir   string
	ExposedPorts []string // "8080/tcp"
	Volumes      []string

	Layers       []ocispec.Descriptor // of PutLayer, instead of the one layer
	Annotations  map[string]string    // of the manifest
	Subject      *ocispec.Descriptor
	ArtifactType string
}

// Index describes an index that PutIndex builds: each image, untagged, and the index over them.
type Index struct {
	Docker       bool // a Docker manifest list of Docker images; otherwise OCI's
	Images       []Image
	Attestation  bool // adds a child for the platform unknown/unknown, as BuildKit does
	Annotations  map[string]string
	Subject      *ocispec.Descriptor
	ArtifactType string
}

// Artifact describes an OCI artifact that PutArtifact builds: an image manifest
// with artifactType, the empty configuration and one layer.
type Artifact struct {
	ArtifactType   string
	Subject        *ocispec.Descriptor // makes it a referrer
	Annotations    map[string]string
	LayerMediaType string // default "application/octet-stream"
	Body           []byte // the layer
}

// PutImage stores an image under its digest, and under a tag unless that is "".
func (r *Registry) PutImage(repository, tag string, image Image) digest.Digest {
	config := encode(image.config())
	layers := slices.Clone(image.Layers)
	if layers == nil {
		empty, _ := emptyLayer()
		r.PutBlob(repository, empty)
		layers = []ocispec.Descriptor{describe(ocispec.MediaTypeImageLayerGzip, empty)}
	}
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: image.ArtifactType,
		Config:       describe(ocispec.MediaTypeImageConfig, config),
		Layers:       layers,
		Subject:      image.Subject,
		Annotations:  image.Annotations,
	}
	if image.Docker {
		m.MediaType = MediaTypeDockerManifest
		m.Config.MediaType = mediaTypeDockerConfig
		for i := range m.Layers {
			m.Layers[i].MediaType = mediaTypeDockerLayer
		}
	}
	r.PutBlob(repository, config)
	return r.PutManifest(repository, tag, m.MediaType, encode(m))
}

func (image Image) config() ocispec.Image {
	_, diffID := emptyLayer()
	config := ocispec.Image{
		Author: image.Author,
		Platform: ocispec.Platform{
			OS:           cmp.Or(image.OS, "linux"),
			Architecture: cmp.Or(image.Architecture, "amd64"),
			Variant:      image.Variant,
			OSVersion:    image.OSVersion,
		},
		Config: ocispec.ImageConfig{
			User:         image.User,
			ExposedPorts: set(image.ExposedPorts),
			Env:          image.Env,
			Entrypoint:   image.Entrypoint,
			Cmd:          image.Cmd,
			Volumes:      set(image.Volumes),
			WorkingDir:   image.WorkingDir,
			Labels:       image.Labels,
		},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diffID}},
	}
	if !image.Created.IsZero() {
		config.Created = &image.Created
	}
	return config
}

// PutIndex stores an index and its images. Its children are in the order of Images, with the attestation last.
func (r *Registry) PutIndex(repository, tag string, index Index) digest.Digest {
	var children []ocispec.Descriptor
	for _, image := range index.Images {
		image.Docker = index.Docker
		child := r.Descriptor(repository, r.PutImage(repository, "", image))
		platform := image.config().Platform
		child.Platform = &platform
		children = append(children, child)
	}
	if index.Attestation {
		children = append(children, r.putAttestation(repository, index.Docker, children))
	}
	body := ocispec.Index{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageIndex,
		ArtifactType: index.ArtifactType,
		Manifests:    children,
		Subject:      index.Subject,
		Annotations:  index.Annotations,
	}
	if index.Docker {
		body.MediaType = MediaTypeDockerList
	}
	return r.PutManifest(repository, tag, body.MediaType, encode(body))
}

// putAttestation stores the provenance that BuildKit attaches to the first
// child, and returns its descriptor for the index.
func (r *Registry) putAttestation(repository string, docker bool, children []ocispec.Descriptor) ocispec.Descriptor {
	d := r.PutImage(repository, "", Image{Docker: docker, OS: "unknown", Architecture: "unknown"})
	attestation := r.Descriptor(repository, d)
	attestation.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	attestation.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
	if len(children) > 0 {
		attestation.Annotations["vnd.docker.reference.digest"] = children[0].Digest.String()
	}
	return attestation
}

// PutArtifact stores an artifact under its digest, and under a tag unless that
// is "". With a subject it is listed among that manifest's referrers.
func (r *Registry) PutArtifact(repository, tag string, artifact Artifact) digest.Digest {
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: artifact.ArtifactType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       []ocispec.Descriptor{describe(cmp.Or(artifact.LayerMediaType, "application/octet-stream"), artifact.Body)},
		Subject:      artifact.Subject,
		Annotations:  artifact.Annotations,
	}
	r.PutBlob(repository, []byte("{}"))
	r.PutBlob(repository, artifact.Body)
	return r.PutManifest(repository, tag, m.MediaType, encode(m))
}

// emptyLayer returns a gzipped archive without files, and the digest of the archive.
func emptyLayer() (layer []byte, diffID digest.Digest) {
	archive := make([]byte, 1024)
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, _ = w.Write(archive)
	_ = w.Close()
	return buffer.Bytes(), digest.FromBytes(archive)
}

func describe(mediaType string, body []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}
}

func set(names []string) map[string]struct{} {
	if names == nil {
		return nil
	}
	m := map[string]struct{}{}
	for _, name := range names {
		m[name] = struct{}{}
	}
	return m
}

func encode(value any) []byte {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("acrtest: encoding %T: %v", value, err))
	}
	return body
}
