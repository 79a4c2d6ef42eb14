package acr

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// manifestPut returns the request that stores a manifest, by a tag or by its digest.
func (c *Client) manifestPut(repository, reference string, manifest *oci.Manifest, token *sharedToken) request {
	r := c.request(putManifest, repository, reference, nil)
	r.shared = token
	r.ContentType = manifest.MediaType
	r.Body = secret.New(string(manifest.Body))
	r.Once = true // the caller tries again, and may have to read first
	return r
}

// putManifest stores a manifest by its digest. A manifest with a subject is added to the subject's referrers, by the
// registry or here. A part that was just put may not have reached the replica that answers: the manifest, and nothing
// else, is then sent again.
func (c *Client) putManifest(ctx context.Context, repository string, manifest *oci.Manifest, token *sharedToken) error {
	r := c.manifestPut(repository, manifest.Digest.String(), manifest, token)
	r.Step = "storing the manifest " + c.Pin(repository, manifest.Digest)
	var answer *answer
	err := c.repeat(ctx, func() (broke bool, err error) {
		answer, err = c.storeManifest(ctx, r, manifest)
		return true, err
	})
	if err != nil || manifest.Subject == nil || answer.Header.Get(headerSubject) != "" {
		return err
	}
	return c.listReferrer(ctx, repository, manifest, token)
}

// storeManifest sends the request of manifestPut once, and checks the digest in the answer: other bytes must not pass for
// success.
func (c *Client) storeManifest(ctx context.Context, r request, manifest *oci.Manifest) (*answer, error) {
	answer, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, header := range answer.Header.Values(oci.HeaderContentDigest) {
		stored, err := digest.Parse(header)
		if err != nil {
			return nil, badAnswer(r, answer.Response, errors.New("the "+oci.HeaderContentDigest+" header is malformed"))
		}
		if sent := stored.Algorithm().FromBytes(manifest.Body); sent != stored {
			return nil, badAnswer(r, answer.Response, &fault.Error{
				Reason: fault.DigestMismatch, Detail: fmt.Sprintf("%s was sent, while the registry says that it stored %s", sent, stored),
			})
		}
	}
	return answer, nil
}

// headerSubject is a header in the answer of a registry that adds to the list of referrers itself (OCI distribution
// spec 1.1, "Pushing Manifests with Subject").
const headerSubject = "OCI-Subject"
