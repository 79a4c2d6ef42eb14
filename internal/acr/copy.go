package acr

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

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

// OfSource returns a client of another registry to copy from, with another credential and otherwise the same settings.
// It always checks certificates, and uses http only for a registry on this machine. It sends nothing. Errors are
// *fault.Error.
func (c *Client) OfSource(registry string, credential auth.Credential) (*Client, error) {
	config := c.config
	config.Registry, config.Credential = registry, credential
	config.InsecureSkipVerify = false
	config.PlainHTTP = config.PlainHTTP && transport.HostOrigin("http", registry).IsLoopback()
	return NewClient(config)
}

// CopyImage copies a manifest with all that it names, byte for byte, and returns it. Within one registry blobs are
// mounted; from another they are streamed, hashed on the way and never stored here. What the target has is not sent.
// Parts are stored before the manifest that names them, then referrers, then the manifest itself, by its tag if there
// is one. So a copy that ends early leaves no tag on an incomplete image. Errors are *fault.Error; those about the
// source have the Argument "source".
func (c *Client) CopyImage(ctx context.Context, req CopyRequest) (manifest *oci.Manifest, err error) {
	to := c.config.Registry + "/" + req.Repository
	if req.Tag != "" {
		to += ":" + req.Tag
	}
	defer c.finish(&err, fmt.Sprintf("copying %s to %s", req.Source.Pin(req.SourceRepository, digest.Digest(req.Digest)), to))
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
		sourceToken: newSharedToken(scopePull, req.SourceRepository),
		targetToken: newSharedToken(scopePush, req.Repository),
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
	return cp.target.putManifest(ctx, cp.Repository, manifest, cp.targetToken)
}

// MaxCopiedManifests bounds the manifests of one copy, in bytes: they are kept in memory until it ends. The longest
// index has 4,000 children, seldom over 2 KiB each.
const MaxCopiedManifests = 16 << 20

// manifest reads a manifest at the source; part says what names it, if it is a part of something.
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
	leave, err := cp.target.uploads.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	begun := false
	return cp.target.repeat(ctx, func() (broke bool, err error) {
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
