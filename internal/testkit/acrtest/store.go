package acrtest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	digest "github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Attributes are the locks of a repository, a manifest or a tag.
type Attributes struct {
	DeleteEnabled bool `json:"deleteEnabled"`
	WriteEnabled  bool `json:"writeEnabled"`
	ReadEnabled   bool `json:"readEnabled"`
	ListEnabled   bool `json:"listEnabled"`
}

// unlocked is what everything starts with.
var unlocked = Attributes{DeleteEnabled: true, WriteEnabled: true, ReadEnabled: true, ListEnabled: true}

// store is the content of a registry. Its own methods expect the lock to be held.
type store struct {
	mu           sync.RWMutex
	repositories map[string]*repository
	ticks        int64
}

type repository struct {
	created, updated time.Time
	attributes       Attributes
	manifests        map[digest.Digest]*manifest
	tags             map[string]*tag
	tagNames         []string // the keys of tags, sorted
	blobs            map[digest.Digest][]byte
}

type manifest struct {
	mediaType        string
	body             []byte
	parsed           parsedManifest
	created, updated time.Time
	attributes       manifestAttributes
}

type tag struct {
	digest           digest.Digest
	created, updated time.Time
	attributes       Attributes
}

// parsedManifest is what the registry itself looks at in any manifest.
type parsedManifest struct {
	ArtifactType string            `json:"artifactType"`
	Config       *v1.Descriptor    `json:"config"`
	Layers       []v1.Descriptor   `json:"layers"`
	Manifests    []v1.Descriptor   `json:"manifests"`
	Subject      *v1.Descriptor    `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

// tick is the registry's own time for created and updated: it grows by a
// second and a hundred nanoseconds with each change, so that all are distinct,
// reproducible, and use the seven fractional digits of the real registry.
func (s *store) tick() time.Time {
	s.ticks++
	start := time.Date(2024, time.January, 24, 6, 16, 1, 767626700, time.UTC)
	return start.Add(time.Duration(s.ticks) * (time.Second + 100*time.Nanosecond))
}

// repository gives the repository of a name, made on first use.
func (s *store) repository(name string) *repository {
	repo := s.repositories[name]
	if repo == nil {
		if s.repositories == nil {
			s.repositories = map[string]*repository{}
		}
		now := s.tick()
		repo = &repository{
			created:    now,
			updated:    now,
			attributes: unlocked,
			manifests:  map[digest.Digest]*manifest{},
			tags:       map[string]*tag{},
			blobs:      map[digest.Digest][]byte{},
		}
		s.repositories[name] = repo
	}
	return repo
}

// known is the repository of a name that must exist.
func (s *store) known(name string) *repository {
	repo := s.repositories[name]
	if repo == nil {
		panic(fmt.Sprintf("acrtest: there is no repository %q", name))
	}
	return repo
}

// names are the repositories, sorted.
func (s *store) names() []string { return slices.Sorted(maps.Keys(s.repositories)) }

// resolve finds the manifest that a tag or a digest names.
func (repo *repository) resolve(t target) (digest.Digest, *manifest) {
	d, isDigest := t.digest()
	if !isDigest {
		tag := repo.tags[t.reference]
		if tag == nil {
			return "", nil
		}
		d = tag.digest
	}
	return d, repo.manifests[d]
}

// setTag points a tag at a digest; created stays that of the first time.
func (repo *repository) setTag(name string, d digest.Digest, now time.Time) {
	if existing := repo.tags[name]; existing != nil {
		existing.digest, existing.updated = d, now
		return
	}
	repo.tags[name] = &tag{digest: d, created: now, updated: now, attributes: unlocked}
	at, _ := slices.BinarySearch(repo.tagNames, name)
	repo.tagNames = slices.Insert(repo.tagNames, at, name)
}

func (repo *repository) removeTag(name string) {
	delete(repo.tags, name)
	if at, found := slices.BinarySearch(repo.tagNames, name); found {
		repo.tagNames = slices.Delete(repo.tagNames, at, at+1)
	}
}

// tagsOf are the tags that point at a digest, sorted.
func (repo *repository) tagsOf(d digest.Digest) []string {
	var names []string
	for _, name := range repo.tagNames {
		if repo.tags[name].digest == d {
			names = append(names, name)
		}
	}
	return names
}
