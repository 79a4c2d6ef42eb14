package acr

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// ReadsAtATime is how many images are read at the same time: as many as Terraform reads data sources by default.
const ReadsAtATime = 10

// ImagesRequest names the images to read.
type ImagesRequest struct {
	References map[string]string // from the caller's keys to references in this registry, as oci.ParseReference accepts them
	Platform   string            // for all of them, as in ManifestRequest
}

// ImageResult is the result for one key.
type ImageResult struct {
	Image  string        // pinned: registry/repository@digest
	Digest digest.Digest // of the manifest's bytes
	Err    error         // *fault.Error; the rest is empty then
}

// Images reads many manifests, each as Manifest does: ten at a time, with one token for up to 20 repositories. It tries
// every reference, and reads once what two keys name. The error is a *fault.Error that concerns all of them: the caller
// gave up, nobody can sign in, the credential is wrong, or the registry cannot be reached.
func (c *Client) Images(ctx context.Context, req ImagesRequest) (map[string]ImageResult, error) {
	results := make(map[string]ImageResult, len(req.References))
	reads := map[string]*imageRead{}
	for key, reference := range req.References {
		request, err := c.manifestRequest(reference)
		if err != nil {
			results[key] = ImageResult{Err: err}
			continue
		}
		request.Platform = req.Platform
		name := c.reading("manifest", request)
		if reads[name] == nil {
			reads[name] = &imageRead{request: request}
		}
		reads[name].keys = append(reads[name].keys, key)
	}

	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(ReadsAtATime)
	for _, read := range inTurn(slices.Collect(maps.Values(reads))) {
		group.Go(func() error {
			result := ImageResult{}
			manifest, err := c.Manifest(ctx, read.request)
			switch {
			case err == nil:
				result.Image, result.Digest = c.Pin(read.request.Repository, manifest.Digest), manifest.Digest
			case c.endsAll(err):
				return err
			default:
				result.Err = err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, key := range read.keys {
				results[key] = result
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return results, nil
}

// imageRead is one read, for all keys that name the same manifest.
type imageRead struct {
	request ManifestRequest
	keys    []string
}

// manifestRequest returns the request for a reference. A registry in the reference must be the client's own.
func (c *Client) manifestRequest(reference string) (ManifestRequest, error) {
	image, err := oci.ParseReference(reference)
	if err != nil {
		return ManifestRequest{}, err
	}
	if image.Registry != "" && !strings.EqualFold(image.Registry, c.config.Registry) {
		return ManifestRequest{}, fault.Invalid("reference", "%q is an image of %s, and this provider reads from %s", secret.Excerpt(reference), image.Registry, c.config.Registry)
	}
	return ManifestRequest{Repository: image.Repository, Tag: image.Tag, Digest: image.Digest}, nil
}

// inTurn lets the reads share tokens, and orders them so that each token is requested as early as possible: one read of
// each token in turn. The tokens are then fetched at the same time, not one after another.
func inTurn(reads []*imageRead) []*imageRead {
	repositories := map[string]*sharedToken{}
	for _, read := range reads {
		repositories[read.request.Repository] = nil
	}
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(repositories)), RepositoriesPerToken) {
		if len(batch) == 1 {
			continue // it needs no more than its own token
		}
		shared := newSharedToken(scopePull, batch...)
		for _, repository := range batch {
			repositories[repository] = shared
		}
	}
	slices.SortFunc(reads, func(a, b *imageRead) int {
		return cmp.Or(strings.Compare(a.request.Repository, b.request.Repository), strings.Compare(a.request.reference(), b.request.reference()))
	})
	turns, next := map[*imageRead]int{}, map[*sharedToken]int{}
	for _, read := range reads {
		read.request.shared = repositories[read.request.Repository]
		turns[read] = next[read.request.shared]
		next[read.request.shared]++
	}
	slices.SortStableFunc(reads, func(a, b *imageRead) int { return turns[a] - turns[b] })
	return reads
}

// endsAll reports whether a read failed for a reason that all others would meet: the caller gave up, nobody can sign in,
// the credential is wrong, or the registry cannot be reached and never could.
func (c *Client) endsAll(err error) bool {
	failed, ok := fault.As(err)
	switch {
	case !ok:
		return false
	case failed.Reason == fault.Canceled, failed.Reason == fault.WrongCredentials, fault.IsOfSignIn(err):
		return true
	}
	return c.whatIsKnown().request == "" && concernsAll(err)
}
