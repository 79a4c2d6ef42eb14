package acr

import (
	"sync"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// written is what this client has done to tags. The registry's answer to a write is trusted for as long as the client
// lives, which is one run of the provider. Replicas of a registry receive a write at different times, so a read that
// finds what was there before comes from a replica that lags behind (Microsoft, "Geo-replication in Azure Container
// Registry"). Anything else that a read finds is believed.
type written struct {
	mu   sync.Mutex
	tags map[string]*writtenTag
}

type writtenTag struct {
	writing turns  // one write of a tag at a time: the second finds what the first did
	kept    bool   // whether this client has put the tag, or found it as wanted; guarded by writing
	listing turns  // likewise for a list of referrers, while a referrer is put under a tag, perhaps this very one
	was, is string // digests before and after the last change; empty for no tag, both empty before a change
}

func (w *written) tag(repository, tag string) *writtenTag {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tags == nil {
		w.tags = map[string]*writtenTag{}
	}
	name := repository + ":" + tag
	if w.tags[name] == nil {
		w.tags[name] = &writtenTag{writing: make(turns, 1), listing: make(turns, 1)}
	}
	return w.tags[name]
}

// note remembers a write, unless it has changed nothing.
func (w *written) note(repository, tag, was, is string) {
	t := w.tag(repository, tag)
	w.mu.Lock()
	defer w.mu.Unlock()
	if was != is {
		t.was, t.is = was, is
	}
}

// overtakes reports whether a read of a tag found what it named before this client's write, and returns what it names
// now.
func (w *written) overtakes(repository, tag string, found *oci.Manifest, err error) (is string, stale bool) {
	if err != nil && !fault.IsMissing(err) {
		return "", false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tags[repository+":"+tag]
	if t == nil || t.was == t.is || digestOf(found) != t.was {
		return "", false
	}
	return t.is, true
}
