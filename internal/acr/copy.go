package acr

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// CopyRequest names what to copy, and where to.
type CopyRequest struct {
	Source           *Client // reads at the source: the client itself if that is its own registry
	SourceRepository string
	Digest           string // of an image, an index or any other artifact in SourceRepository
	Repository       string // of this client's registry
	Tag              string // to name the copy by; empty for none
	Was              string // digest that Tag names so far; empty if there is no such tag
	Referrers        bool   // copy signatures, SBOMs and the like as well
}

func (r CopyRequest) validate() error {
	for _, repository := range []string{r.SourceRepository, r.Repository} {
		if err := oci.ValidateRepository(repository); err != nil {
			return err
		}
	}
	if r.Tag != "" {
		if err := oci.ValidateTag(r.Tag); err != nil {
			return err
		}
	}
	return oci.ValidateDigest(r.Digest)
}

// OfSource returns a client of another registry to copy from, with a credential of its own and otherwise as this client is.
// But certificates are checked there in any case, and http is for a registry on this machine alone. It sends nothing.
// Errors are *fault.Error.
func (c *Client) OfSource(registry string, credential auth.Credential) (*Client, error) {
	config := c.config
	config.Registry, config.Credential = registry, credential
	config.InsecureSkipVerify = false
	config.PlainHTTP = config.PlainHTTP && transport.HostOrigin("http", registry).IsLoopback()
	return NewClient(config)
}

// CopyImage copies a manifest with all that it names, byte for byte, and returns it. Within one registry blobs are
// mounted; from another they are streamed, hashed on the way and never stored here. What the target has is not sent.
// Parts come before what names them, then referrers, then the manifest itself, by its tag if there is one: so a copy
// that ends early leaves no tag on half an image. Errors are *fault.Error; those about the source have the Argument
// "source".
func (c *Client) CopyImage(ctx context.Context, req CopyRequest) (manifest *oci.Manifest, err error) {
	defer c.finish(&err, fmt.Sprintf("copying %s to %s/%s", req.Source.Pin(req.SourceRepository, digest.Digest(req.Digest)), c.config.Registry, req.Repository))
	if err := req.validate(); err != nil {
		return nil, err
	}
	return newCopying(c, req).run(ctx)
}

// copying is one CopyImage.
type copying struct {
	CopyRequest
	target      *Client
	sourceToken *sharedToken
	targetToken *sharedToken

	named int // how many referrers the source has named so far, in lists and by cosign's tags

	mu        sync.Mutex
	manifests int64 // bytes of those that were read
}

func newCopying(c *Client, req CopyRequest) *copying {
	cp := &copying{
		CopyRequest: req,
		target:      c,
		sourceToken: newSharedToken([]string{req.SourceRepository}),
		targetToken: newPushToken(req.Repository),
	}
	if cp.mounts() {
		both := &sharedToken{scopes: append(slices.Clone(cp.sourceToken.scopes), cp.targetToken.scopes...)}
		cp.sourceToken, cp.targetToken = both, both
	}
	return cp
}

// mounts reports whether blobs can be mounted: they are in the same registry, and not in the same repository.
func (cp *copying) mounts() bool {
	return cp.Source == cp.target && cp.SourceRepository != cp.Repository
}

func (cp *copying) run(ctx context.Context) (*oci.Manifest, error) {
	if cp.Tag != "" {
		if _, err := cp.tagWrite().before(ctx); err != nil { // better now than after a long copy
			return nil, err
		}
	}
	root, err := cp.manifest(ctx, digest.Digest(cp.Digest), "")
	if err != nil {
		return nil, err
	}
	if err := cp.parts(ctx, root); err != nil {
		return nil, err
	}
	if cp.Referrers {
		if err := cp.referrers(ctx, root); err != nil {
			return nil, err
		}
	}
	if cp.Tag == "" {
		return root, cp.put(ctx, root)
	}
	return cp.tagWrite().run(ctx, func(context.Context) (*oci.Manifest, error) { return root, nil })
}

func (cp *copying) tagWrite() tagWrite {
	return tagWrite{TagRequest{cp.Repository, cp.Tag, cp.Digest, cp.Was}, cp.target, cp.targetToken}
}

// put stores a manifest at the target by its digest.
func (cp *copying) put(ctx context.Context, manifest *oci.Manifest) error {
	r := cp.target.manifestPut(cp.Repository, manifest.Digest.String(), manifest, cp.targetToken)
	r.Step = "storing the manifest " + cp.target.Pin(cp.Repository, manifest.Digest)
	return cp.target.putManifest(ctx, r, cp.Repository, manifest)
}

// MaxCopiedManifests bounds the manifests of one copy, in bytes: they are kept in memory until it ends. An index of the
// greatest length has 4,000 children, which are seldom over 2 KiB.
const MaxCopiedManifests = 16 << 20

// manifest reads a manifest at the source; part says what names it, where it is a part of something.
func (cp *copying) manifest(ctx context.Context, d digest.Digest, part string) (manifest *oci.Manifest, err error) {
	defer cp.ofSource(&err, "reading the manifest "+cp.Source.Pin(cp.SourceRepository, d))
	if err := checkDigest(d); err != nil {
		return nil, err
	}
	r := cp.Source.request(getManifest, cp.SourceRepository, d.String(), nil)
	r.shared = cp.sourceToken
	r.part = part
	if manifest, err = cp.Source.manifest(ctx, r, d.String()); err != nil {
		return nil, err
	}
	cp.mu.Lock()
	defer cp.mu.Unlock()
	if cp.manifests += manifest.Size; cp.manifests > MaxCopiedManifests {
		return nil, &fault.Error{Reason: fault.TooLarge, Detail: fmt.Sprintf("the manifests of the image are over %d MiB together", MaxCopiedManifests>>20)}
	}
	return manifest, nil
}

// ofSource ends an operation at the source: its error is the source's.
func (cp *copying) ofSource(err *error, operation string) {
	cp.Source.finish(err, operation)
	if failed, ok := fault.As(*err); ok && failed.Reason != fault.Canceled {
		failed.Argument = "source"
	}
}

// atATime is how many parts of an image are copied at the same time.
const atATime = 5

// parts copies everything below a manifest, and not the manifest itself. CopyGraph puts it in order, each part once and
// several at a time; what travels is this client's.
func (cp *copying) parts(ctx context.Context, root *oci.Manifest) error {
	of := descriptorOf(root)
	err := oras.CopyGraph(ctx, copySource{cp, root}, copyTarget{cp, root}, of, oras.CopyGraphOptions{
		Concurrency:      atATime,
		MaxMetadataBytes: oci.MaxManifest,
		FindSuccessors:   cp.successors,
		PreCopy: func(ctx context.Context, d oci.Descriptor) error {
			switch {
			case content.Equal(d, of):
				return oras.SkipNode
			case isManifest(d):
				return nil
			}
			if err := cp.blob(ctx, d); err != nil {
				return err
			}
			return oras.SkipNode
		},
	})
	failed, ok := fault.As(err)
	switch {
	case err == nil:
		return nil
	case ok:
		return failed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &fault.Error{Reason: fault.BadAnswer, Detail: "the parts that the manifest names contradict each other"}
}

func descriptorOf(m *oci.Manifest) oci.Descriptor {
	return oci.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
}

// isManifest reports whether a descriptor's media type is that of a manifest, and not of a blob.
func isManifest(d oci.Descriptor) bool {
	return d.MediaType == ocispec.MediaTypeImageManifest || d.MediaType == ocispec.MediaTypeImageIndex ||
		d.MediaType == oci.MediaTypeArtifactManifest || strings.HasPrefix(d.MediaType, "application/vnd.docker.distribution.manifest.")
}

// successors lists what a manifest needs. Its subject is not among them: whoever copies a signature does not ask for the
// image. A part whose digest cannot be verified is an error.
func (cp *copying) successors(ctx context.Context, fetcher content.Fetcher, d oci.Descriptor) (parts []oci.Descriptor, err error) {
	if !isManifest(d) {
		return nil, nil
	}
	defer cp.ofSource(&err, "reading the manifest "+cp.Source.Pin(cp.SourceRepository, d.Digest))
	body, err := content.FetchAll(ctx, fetcher, d)
	if err != nil {
		return nil, err
	}
	manifest, err := oci.ParseManifest(oci.Received{ContentType: d.MediaType, Body: body}, d.Digest.String())
	if err != nil {
		return nil, err
	}
	parts = manifest.Parts()
	for _, part := range parts {
		if err := checkDigest(part.Digest); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// copySource is the source as CopyGraph sees it: manifests alone, since blobs do not go by it.
type copySource struct {
	*copying
	root *oci.Manifest
}

// Fetch implements content.Fetcher.
func (s copySource) Fetch(ctx context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	manifest := s.root
	if d.Digest != s.root.Digest {
		var err error
		if manifest, err = s.part(ctx, d); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(manifest.Body)), nil
}

// part reads a child and holds it to its descriptor.
func (s copySource) part(ctx context.Context, d oci.Descriptor) (*oci.Manifest, error) {
	manifest, err := s.manifest(ctx, d.Digest, "an index names this manifest")
	if err == nil && (manifest.Size != d.Size || manifest.MediaType != d.MediaType) {
		err = &fault.Error{Reason: fault.BadAnswer, Detail: fmt.Sprintf(
			"it is %d bytes of %s, while the index says %d bytes of another type or size", manifest.Size, manifest.MediaType, d.Size)}
		s.ofSource(&err, "reading the manifest "+s.Source.Pin(s.SourceRepository, d.Digest))
	}
	return manifest, err
}

// Exists implements content.ReadOnlyStorage. CopyGraph does not ask a source.
func (s copySource) Exists(context.Context, oci.Descriptor) (bool, error) { return true, nil }

// copyTarget is the target as CopyGraph sees it.
type copyTarget struct {
	*copying
	root *oci.Manifest
}

// Exists implements content.ReadOnlyStorage. A manifest that is there has all its parts: a registry takes no other. The
// root's parts are looked at all the same, since it is put in any case. A blob that can be mounted is not looked for:
// mounting it costs as much.
func (t copyTarget) Exists(ctx context.Context, d oci.Descriptor) (bool, error) {
	switch {
	case d.Digest == t.root.Digest:
		return false, nil
	case isManifest(d):
		return t.target.hasManifest(ctx, t.Repository, d.Digest, t.targetToken)
	case t.mounts():
		return false, nil
	}
	return t.target.hasBlob(ctx, t.Repository, d.Digest, t.targetToken)
}

// Push implements content.Pusher for manifests.
func (t copyTarget) Push(ctx context.Context, d oci.Descriptor, from io.Reader) error {
	body, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	manifest, err := oci.ParseManifest(oci.Received{ContentType: d.MediaType, Body: body}, d.Digest.String())
	if err != nil {
		return err
	}
	return t.put(ctx, manifest)
}

// Fetch implements content.Fetcher. CopyGraph does not read at a target.
func (t copyTarget) Fetch(context.Context, oci.Descriptor) (io.ReadCloser, error) {
	return nil, &fault.Error{Reason: fault.BadAnswer, Detail: "nothing is read at the target of a copy"}
}

// blob mounts or uploads a blob. An upload that breaks starts again, with a new read of the source.
func (cp *copying) blob(ctx context.Context, d oci.Descriptor) error {
	var location *url.URL
	if cp.mounts() {
		mounted, at, err := cp.target.mountBlob(ctx, cp.Repository, cp.SourceRepository, d.Digest, cp.targetToken)
		if err != nil || mounted {
			return err
		}
		location = at
	}
	leave, err := cp.target.enterUpload(ctx)
	if err != nil {
		return err
	}
	defer leave()
	begun := false
	return cp.target.transport.Repeat(ctx, func() (broke bool, err error) {
		if begun { // the registry may have taken the blob, and its answer was lost
			if there, err := cp.target.hasBlob(ctx, cp.Repository, d.Digest, cp.targetToken); err != nil || there {
				return false, err
			}
		}
		begun = true
		broke, err = cp.upload(ctx, d, location)
		location = nil
		return broke, err
	})
}

// upload reads a blob at the source and sends it to the target. Without a location it asks for one. broke reports
// whether the source or the target went away in the middle.
func (cp *copying) upload(ctx context.Context, d oci.Descriptor, location *url.URL) (broke bool, err error) {
	from, err := cp.Source.openBlob(ctx, cp.SourceRepository, d, cp.sourceToken)
	if err != nil {
		cp.ofSource(&err, "")
		return false, err
	}
	defer func() { _ = from.Close() }()
	if location == nil {
		if location, err = cp.target.beginUpload(ctx, cp.Repository, cp.targetToken); err != nil {
			return false, err
		}
	}
	err = cp.target.finishUpload(ctx, cp.Repository, d, location, from, cp.targetToken)
	if from.failed != nil {
		err = from.failed
		cp.ofSource(&err, "")
	}
	return true, err
}
