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

// readsAtATime is how many images are read at the same time: as many as Terraform reads data sources by default.
const readsAtATime = 10

// ImagesRequest names images that are read together.
type ImagesRequest struct {
	References map[string]string // a key of the caller's own to what oci.ParseReference takes, of this registry
	Platform   string            // for all of them, as in ManifestRequest
}

// ImageResult is what became of one key.
type ImageResult struct {
	Image  string        // pinned: registry/repository@digest
	Digest digest.Digest // of the manifest's bytes
	Err    error         // *fault.Error; the rest is empty then
}

// Images reads many manifests, each as Manifest does, but together: ten at a time, with one token for up to 20
// repositories. Every reference is tried; one that two keys name is read once. The error is a *fault.Error that concerns
// all of them: the caller gave up, or the registry cannot be reached.
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
	group.SetLimit(readsAtATime)
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

// manifestRequest returns what a reference asks for. Its registry may only be the client's own.
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

// inTurn lets the reads share tokens, and puts them in an order in which each token is first asked for as early as can
// be: one read of each in turn. So the tokens come at the same time, and not one after the other.
func inTurn(reads []*imageRead) []*imageRead {
	repositories := map[string]*sharedToken{}
	for _, read := range reads {
		repositories[read.request.Repository] = nil
	}
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(repositories)), repositoriesPerToken) {
		if len(batch) == 1 {
			continue // a token of its own is all that it needs
		}
		shared := newSharedToken(batch)
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

// endsAll reports whether a read failed by what all others would meet: the caller gave up, or the registry cannot be
// reached, and never was.
func (c *Client) endsAll(err error) bool {
	failed, ok := fault.As(err)
	return ok && (failed.Reason == fault.Canceled || c.whatIsKnown().of == "" && concernsAll(err))
}
