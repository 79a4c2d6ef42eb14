package oci

import (
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// HeaderContentDigest is the header with a manifest's digest.
const HeaderContentDigest = "Docker-Content-Digest"

// Received is a manifest as it came in an answer.
type Received struct {
	ContentType string   // the header's value; empty for none
	Digests     []string // each Docker-Content-Digest header
	Body        []byte
}

// ParseManifest checks the digest and then parses the manifest. Only schema 1 is recognised first, since its digest is
// that of other bytes. wanted is the requested digest, empty for none. Errors are *fault.Error with Reason and Detail,
// which quotes nothing but the content type.
func ParseManifest(received Received, wanted string) (*Manifest, error) {
	contentType, err := manifestContentType(received.ContentType)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(contentType, mediaTypeDockerSchema1) {
		return nil, errSchema1
	}
	verified, err := received.verifiedDigest(wanted)
	if failed, ok := fault.As(err); ok && failed.Reason == fault.DigestMismatch && saysSchema1(received.Body) {
		return nil, errSchema1
	}
	if err != nil {
		return nil, err
	}
	manifest, err := decodeManifest(received.Body, contentType)
	if errors.Is(err, errSchema1) {
		return nil, err
	}
	switch {
	case err == nil:
		manifest.Digest = verified
		return manifest, nil
	case wanted == "" && len(received.Digests) == 0:
		return nil, malformed(fault.BadAnswer, "the body, sent as %s, is not a manifest: %w", orNothing(contentType), err)
	default: // the bytes are those that were pushed
		return nil, malformed(fault.MalformedImage, "the body, sent as %s, is not a manifest: %w", orNothing(contentType), err)
	}
}

func manifestContentType(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	contentType, _, err := mime.ParseMediaType(header)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "", malformed(fault.BadAnswer, "the content type %q is malformed", secret.Excerpt(header))
	}
	if !isGeneric(contentType) && !strings.HasSuffix(contentType, "+json") && !strings.HasSuffix(contentType, "+prettyjws") {
		return "", malformed(fault.BadAnswer, "the content type %q is not a manifest's", secret.Excerpt(contentType))
	}
	return contentType, nil
}

// isGeneric reports whether a content type does not say what kind of manifest the body is: it is absent, or what servers
// and their storage send for any file. The body's own mediaType then counts.
func isGeneric(contentType string) bool {
	switch contentType {
	case "", "application/json", "text/plain", "application/octet-stream", "binary/octet-stream":
		return true
	}
	return false
}

// verifiedDigest computes the digest of the bytes, as the OCI distribution spec requires of clients ("Pulling
// manifests"), and compares it with the requested one and with the header. The header may be missing.
func (r Received) verifiedDigest(wanted string) (digest.Digest, error) {
	computed := digest.FromBytes(r.Body)
	for _, header := range r.Digests {
		claimed, err := digest.Parse(header)
		if err != nil {
			return "", malformed(fault.BadAnswer, "the bytes have the digest %s, while the %s header %q is malformed", computed, HeaderContentDigest, secret.Excerpt(header))
		}
		actual := claimed.Algorithm().FromBytes(r.Body)
		if actual != claimed {
			return "", mismatch("the bytes have the digest %s, while the %s header says %s", actual, HeaderContentDigest, claimed)
		}
		computed = actual
	}
	if wanted == "" {
		return computed, nil
	}
	asked := digest.Digest(wanted)
	if actual := asked.Algorithm().FromBytes(r.Body); actual != asked {
		return "", mismatch("the bytes have the digest %s, while %s was asked for", actual, asked)
	}
	return asked, nil
}

func mismatch(format string, values ...any) *fault.Error {
	return &fault.Error{Reason: fault.DigestMismatch, Detail: fmt.Sprintf(format, values...)}
}

func orNothing(contentType string) string {
	if contentType == "" {
		return "no content type"
	}
	return contentType
}

// saysSchema1 reports whether bytes that do not match their digest are a schema 1 manifest under another type.
func saysSchema1(body []byte) bool {
	var raw struct {
		SchemaVersion int64 `json:"schemaVersion"`
	}
	return wire.Unmarshal(body, maxManifestValues, &raw) == nil && raw.SchemaVersion == 1
}
