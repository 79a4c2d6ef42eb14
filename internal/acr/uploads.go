package acr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// maxUploads is how many blobs are uploaded at the same time. Each may also be downloaded from this registry, if it
// does not mount blobs. With two of the transport's ten connections each, some stay free, so no upload waits forever.
const maxUploads = 4

// mountBlob puts a blob of another repository of the registry into this one, without sending it. If the registry does
// not mount it, location is where to upload it, nil if no upload was begun. Source: OCI distribution spec 1.1,
// "Mounting a blob from another repository".
func (c *Client) mountBlob(ctx context.Context, repository, from string, d digest.Digest, token *sharedToken) (mounted bool, location *url.URL, err error) {
	r := c.request(startUpload, repository, "", url.Values{"mount": {d.String()}, "from": {from}})
	r.scopes = token.scopes
	r.shared = token
	r.accepted = []int{http.StatusCreated, http.StatusAccepted}
	r.Step = "mounting the blob " + c.Pin(from, d) + " in " + repository
	answer, err := c.do(ctx, r)
	switch {
	case isMountRefused(err):
		return false, nil, nil
	case err != nil:
		return false, nil, err
	case answer.Status == http.StatusCreated:
		return true, nil, nil
	}
	location, err = uploadLocation(r, answer)
	return false, location, err
}

// isMountRefused reports whether an upload may succeed although the mount failed. A registry may answer 401 to a mount
// from a repository that it does not know (https://github.com/google/go-containerregistry/issues/1393).
func isMountRefused(err error) bool {
	failed, ok := fault.As(err)
	if !ok || failed.Reason == fault.WriteDisallowed || failed.Reason == fault.RateLimited {
		return false
	}
	return failed.Status >= 400 && failed.Status < 500 || failed.Status == http.StatusNotImplemented
}

// beginUpload asks where to send a blob.
func (c *Client) beginUpload(ctx context.Context, repository string, token *sharedToken) (*url.URL, error) {
	r := c.request(startUpload, repository, "", nil)
	r.shared = token
	r.Step = "beginning an upload to " + repository
	answer, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return uploadLocation(r, answer)
}

// uploadLocation returns where an upload continues. It must be on the registry's origin, since the blob and a token
// that may push are sent there (https://github.com/oras-project/oras-go/security/advisories/GHSA-jxpm-75mh-9fp7).
func uploadLocation(r request, answer *answer) (*url.URL, error) {
	location, err := r.URL.Parse(answer.Header.Get("Location"))
	if err != nil || answer.Header.Get("Location") == "" {
		return nil, badAnswer(r, answer.Response, errors.New("it names no Location to upload to"))
	}
	from, to := transport.OriginOf(r.URL), transport.OriginOf(location)
	if from != to || location.User != nil {
		return nil, badAnswer(r, answer.Response, &fault.Error{
			Reason: fault.BadRedirect, Detail: fmt.Sprintf("the upload's Location leads from %s to %s, where no blob is sent", from, to),
		})
	}
	return location, nil
}

// finishUpload sends a whole blob to the location of an upload, in one request. It keeps the Location's query verbatim:
// ACR's _state is signed.
func (c *Client) finishUpload(ctx context.Context, repository string, d oci.Descriptor, location *url.URL, content *blobReader, token *sharedToken) error {
	r := c.request(putBlob, repository, "", nil)
	target := *location
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += url.Values{"digest": {d.Digest.String()}}.Encode()
	r.URL = &target
	r.shared = token
	r.ContentType = "application/octet-stream"
	r.Content, r.Size = content, d.Size
	r.Step = "uploading the blob " + c.Pin(repository, d.Digest)
	_, err := c.do(ctx, r)
	return err
}
