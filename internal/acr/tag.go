package acr

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// TagRequest says which manifest a tag should name.
type TagRequest struct {
	Repository string
	Tag        string
	Digest     string // of a manifest that is in the repository
	Was        string // digest that the tag names so far; empty if there is no such tag
}

func (r TagRequest) validate() error {
	if err := oci.ValidateRepository(r.Repository); err != nil {
		return err
	}
	if err := oci.ValidateTag(r.Tag); err != nil {
		return err
	}
	return oci.ValidateDigest(r.Digest)
}

// PutTag puts a manifest of the repository under a tag, byte for byte, and returns it. It leaves a tag that already
// names the manifest alone. Errors are *fault.Error, with the reason TagElsewhere or TagMoved for a tag that names
// another manifest than Was: registries have no conditional write, so the second of two writers learns of the first
// here.
func (c *Client) PutTag(ctx context.Context, req TagRequest) (manifest *oci.Manifest, err error) {
	defer c.finish(&err, fmt.Sprintf("putting the tag %s/%s:%s on %s", c.config.Registry, req.Repository, req.Tag, req.Digest))
	if err := req.validate(); err != nil {
		return nil, err
	}
	put := tagWrite{req, c, newSharedToken(scopePush, req.Repository)}
	return put.run(ctx, put.wanted)
}

// tagWrite puts one tag on a manifest, or removes it. Its requests share one token.
type tagWrite struct {
	TagRequest
	client *Client
	token  *sharedToken
}

// run puts the manifest that get returns under the tag, unless the tag names it already.
func (t tagWrite) run(ctx context.Context, get func(context.Context) (*oci.Manifest, error)) (*oci.Manifest, error) {
	written := t.client.written.tag(t.Repository, t.Tag)
	leave, err := written.writing.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	manifest, err := t.put(ctx, get)
	written.kept = written.kept || err == nil
	return manifest, err
}

// put is run in its turn. A referrer is listed before it is tagged: a tag that is right is not written again, so a list
// that failed after it would stay incomplete.
func (t tagWrite) put(ctx context.Context, get func(context.Context) (*oci.Manifest, error)) (*oci.Manifest, error) {
	before, err := t.before(ctx)
	if err != nil || before.Is(digest.Digest(t.Digest)) {
		return before, err
	}
	manifest, err := get(ctx)
	if err != nil {
		return nil, err
	}
	if manifest.Subject != nil {
		if err := t.client.putManifest(ctx, t.Repository, manifest, t.token); err != nil {
			return nil, err
		}
	}
	if err := t.write(ctx, manifest); err != nil {
		return nil, err
	}
	t.client.written.note(t.Repository, t.Tag, digestOf(before), t.Digest)
	return manifest, nil
}

// before reads the manifest that the tag names before a PUT, nil for no tag. Unless that is what the tag named at
// plan, or the wanted manifest already, it returns an error.
func (t tagWrite) before(ctx context.Context) (*oci.Manifest, error) {
	before, err := t.current(ctx)
	if err == nil && !before.Is(digest.Digest(t.Digest)) && !t.expects(before) {
		return nil, t.conflict(before)
	}
	return before, err
}

// current reads the manifest that the tag names; nil if there is no such tag.
func (t tagWrite) current(ctx context.Context) (*oci.Manifest, error) {
	r := t.client.request(getManifest, t.Repository, t.Tag, nil)
	r.shared = t.token
	r.Step = "reading what the tag names"
	manifest, err := t.client.taggedManifest(ctx, r, t.Repository, t.Tag)
	if fault.IsMissing(err) {
		return nil, nil
	}
	return manifest, err
}

// expects reports whether a tag still names what it named when the write was planned; nil for no tag.
func (t tagWrite) expects(now *oci.Manifest) bool {
	return t.Was == "" && now == nil || now.Is(digest.Digest(t.Was))
}

// wanted reads the manifest that the tag should name.
func (t tagWrite) wanted(ctx context.Context) (*oci.Manifest, error) {
	r := t.client.request(getManifest, t.Repository, t.Digest, nil)
	r.shared = t.token
	r.Step = "reading the manifest"
	manifest, err := t.client.manifest(ctx, r, t.Digest)
	if failed, ok := fault.As(err); ok && failed.Reason == fault.ManifestNotFound {
		failed.Reason = fault.NotInRepository
	}
	return manifest, err
}

// write puts the manifest under the tag. A try that failed may have been acted on, and somebody else may have moved the tag
// while this waited for the next one: each further try reads the tag first, so that it does not overwrite their work.
func (t tagWrite) write(ctx context.Context, manifest *oci.Manifest) error {
	r := t.client.manifestPut(t.Repository, t.Tag, manifest, t.token)
	tried := false
	return t.client.repeat(ctx, func() (broke bool, err error) {
		if tried {
			now, err := t.before(ctx)
			if err != nil || now.Is(digest.Digest(t.Digest)) {
				return false, err
			}
		}
		tried = true
		_, err = t.client.storeManifest(ctx, r, manifest)
		return true, err
	})
}

// conflict returns the error for a tag that no longer names what it did; nil for no tag.
func (t tagWrite) conflict(now *oci.Manifest) error {
	switch {
	case t.Was == "":
		return &fault.Error{Reason: fault.TagElsewhere, Detail: "the tag is there already, and names " + digestOf(now)}
	case now == nil:
		return &fault.Error{Reason: fault.TagMoved, Detail: "the tag named " + t.Was + ", and is gone"}
	}
	return &fault.Error{Reason: fault.TagMoved, Detail: "the tag named " + t.Was + ", and now names " + digestOf(now)}
}

// digestOf returns the digest of a manifest, empty for nil.
func digestOf(manifest *oci.Manifest) string {
	if manifest == nil {
		return ""
	}
	return manifest.Digest.String()
}

// Untag removes a tag that names this digest, and keeps the manifest. A tag that is already gone counts as removed. One
// that names another manifest stays: the error's reason is TagMoved. One that this client has put stays as well, without an
// error: whoever asked for that still wants it. Only ACR's own API can remove a tag: elsewhere,
// deleting by tag deletes the manifest or is unknown. Other registries are sent no DELETE; the error's reason is
// CannotUntag. Errors are *fault.Error.
func (c *Client) Untag(ctx context.Context, repository, tag, named string) (err error) {
	defer c.finish(&err, fmt.Sprintf("removing the tag %s/%s:%s from %s", c.config.Registry, repository, tag, named))
	if err := (TagRequest{Repository: repository, Tag: tag, Digest: named}).validate(); err != nil {
		return err
	}
	written := c.written.tag(repository, tag)
	leave, err := written.writing.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if written.kept {
		return nil
	}
	if err := c.requireOwnAPI(ctx, repository, tag); err != nil {
		return cannotUntag(err)
	}
	return tagWrite{TagRequest{Repository: repository, Tag: tag, Was: named}, c, newSharedToken(scopeUntag, repository)}.remove(ctx)
}

// remove deletes the tag if it still names what it did at plan. Like write, each further try reads the tag first.
func (t tagWrite) remove(ctx context.Context) error {
	r := t.client.request(deleteTag, t.Repository, t.Tag, nil)
	r.shared = t.token
	r.Once = true
	was := "" // what the tag named before a DELETE; empty if it was gone already
	return t.client.repeat(ctx, func() (broke bool, err error) {
		now, err := t.current(ctx)
		switch {
		case err != nil:
			return false, err
		case now != nil && !t.expects(now):
			return false, t.conflict(now)
		case now != nil:
			was = digestOf(now)
			if _, err := t.client.do(ctx, r); err != nil && (!fault.IsMissing(err) || lacksAPI(err)) {
				return true, cannotUntag(err)
			}
		}
		t.client.written.note(t.Repository, t.Tag, was, "")
		return false, nil
	})
}

// requireOwnAPI checks, once per client and without credentials, that the registry has ACR's own API.
func (c *Client) requireOwnAPI(ctx context.Context, repository, tag string) error {
	if c.hasOwnAPI.Load() {
		return nil
	}
	_, _, err := c.probes.Do(ctx, "", func(ctx context.Context) (struct{}, error) {
		r := c.request(getTag, repository, tag, nil)
		found, err := c.discover(ctx, r)
		if err == nil && found.challenge == nil {
			_, err = c.accept(r, found.answer, nil, nil)
		}
		if err == nil || fault.IsMissing(err) && !lacksAPI(err) {
			c.hasOwnAPI.Store(true)
			return struct{}{}, nil
		}
		return struct{}{}, err
	})
	return err
}

// cannotUntag returns the error for a registry without ACR's own API. It returns any other error unchanged.
func cannotUntag(err error) error {
	failed, ok := fault.As(err)
	if !ok || !lacksAPI(err) {
		return err
	}
	mine := *failed
	mine.Reason = fault.CannotUntag
	return &mine
}
