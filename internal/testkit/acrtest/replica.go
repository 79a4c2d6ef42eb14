package acrtest

import (
	"sync/atomic"

	"github.com/opencontainers/go-digest"
)

// lagging is a tag as it is on a replica that the last write has not reached: replication between regions is eventually
// consistent (Microsoft's container-registry-geo-replication).
type lagging struct {
	was  *tag // nil if there was none
	left atomic.Int64
}

// lag makes so many reads of a tag return what it is now, before a write.
func (repo *repository) lag(name string, reads int) {
	if reads == 0 {
		return
	}
	old := &lagging{}
	old.left.Store(int64(reads))
	if now := repo.tags[name]; now != nil {
		was := *now
		old.was = &was
	}
	repo.lagging[name] = old
}

// asRead returns a tag as a request by its name finds it; nil if it finds none.
func (repo *repository) asRead(name string) *tag {
	if old := repo.lagging[name]; old != nil && old.left.Add(-1) >= 0 {
		return old.was
	}
	return repo.tags[name]
}

// read finds the manifest that a request names by tag or digest.
func (repo *repository) read(t target) (digest.Digest, *manifest) {
	if _, byDigest := t.digest(); byDigest {
		return repo.resolve(t)
	}
	tag := repo.asRead(t.reference)
	if tag == nil {
		return "", nil
	}
	return tag.digest, repo.manifests[tag.digest]
}
