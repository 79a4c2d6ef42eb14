package acrtest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Attributes are the locks of a repository, a manifest or a tag.
type Attributes struct {
	DeleteEnabled bool `json:"deleteEnabled"`
	WriteEnabled  bool `json:"writeEnabled"`
	ReadEnabled   bool `json:"readEnabled"`
	ListEnabled   bool `json:"listEnabled"`
}

// unlocked are the locks that everything starts with.
var unlocked = Attributes{DeleteEnabled: true, WriteEnabled: true, ReadEnabled: true, ListEnabled: true}

// store is the content of a registry. Its own methods expect the lock to be held.
type store struct {
	mu           sync.RWMutex
	repositories map[string]*repository
	blobs        map[digest.Digest]blob // all that were ever stored: repositories share their content
	uploads      map[string]*upload     // those under way, by uuid
	ticks        int64
}

type repository struct {
	created, updated time.Time
	attributes       Attributes
	manifests        map[digest.Digest]*manifest
	tags             map[string]*tag
	tagNames         []string // the keys of tags, sorted
	blobs            map[digest.Digest]blob
	lagging          map[string]*lagging // what reads by tag return for a while after a write
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

// parsedManifest is what the registry itself reads in any manifest.
type parsedManifest struct {
	ArtifactType string               `json:"artifactType"`
	Config       *ocispec.Descriptor  `json:"config"`
	Layers       []ocispec.Descriptor `json:"layers"`
	Manifests    []ocispec.Descriptor `json:"manifests"`
	Subject      *ocispec.Descriptor  `json:"subject"`
	Annotations  map[string]string    `json:"annotations"`
}

// tick returns the registry's own time for created and updated. It advances by a second and a hundred nanoseconds with
// each change, so that all times are distinct and reproducible, and use the seven fractional digits of the real
// registry.
func (s *store) tick() time.Time {
	s.ticks++
	start := time.Date(2024, time.January, 24, 6, 16, 1, 767626700, time.UTC)
	return start.Add(time.Duration(s.ticks) * (time.Second + 100*time.Nanosecond))
}

// repository returns the repository of a name. It makes it at first use.
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
			blobs:      map[digest.Digest]blob{},
			lagging:    map[string]*lagging{},
		}
		s.repositories[name] = repo
	}
	return repo
}

// shown returns the repository of a name, nil if it has no manifest: the registry does not show a repository that only
// has blobs.
func (s *store) shown(name string) *repository {
	repo := s.repositories[name]
	if repo == nil || len(repo.manifests) == 0 {
		return nil
	}
	return repo
}

// known returns the repository of a name that must exist.
func (s *store) known(name string) *repository {
	repo := s.repositories[name]
	if repo == nil {
		panic(fmt.Sprintf("acrtest: there is no repository %q", name))
	}
	return repo
}

// names returns the repositories that a catalog lists, sorted.
func (s *store) names() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.repositories)) {
		if repo := s.shown(name); repo != nil && repo.attributes.ListEnabled {
			names = append(names, name)
		}
	}
	return names
}

// putBlob stores a blob. Content that the store already has is not kept twice.
func (s *store) putBlob(repository string, d digest.Digest, content blob) {
	if s.blobs == nil {
		s.blobs = map[digest.Digest]blob{}
	}
	if known := s.blobs[d]; known != nil {
		content = known
	}
	s.blobs[d] = content
	s.repository(repository).blobs[d] = content
}

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

// setTag points a tag at a digest; the time of creation stays.
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

// tagsOf returns the tags that point at a digest, sorted.
func (repo *repository) tagsOf(d digest.Digest) []string {
	var names []string
	for _, name := range repo.tagNames {
		if repo.tags[name].digest == d {
			names = append(names, name)
		}
	}
	return names
}
