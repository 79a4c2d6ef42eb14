package acrtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The answers of ACR's own API, /acr/v1, in the field order of the recorded ones.

// imageName begins every answer.
type imageName struct {
	Registry  string `json:"registry"`
	ImageName string `json:"imageName"`
}

type repositoryAnswer struct {
	imageName
	CreatedTime          string     `json:"createdTime"`
	LastUpdateTime       string     `json:"lastUpdateTime"`
	ManifestCount        int        `json:"manifestCount"`
	TagCount             int        `json:"tagCount"`
	ChangeableAttributes Attributes `json:"changeableAttributes"`
}

type tagAnswer struct {
	imageName
	Tag tagMetadata `json:"tag"`
}

type tagsAnswer struct {
	imageName
	Tags []tagMetadata `json:"tags"` // null on an empty page as of 2021
}

type tagMetadata struct {
	Name                 string        `json:"name"`
	Digest               digest.Digest `json:"digest"`
	CreatedTime          string        `json:"createdTime"`
	LastUpdateTime       string        `json:"lastUpdateTime"`
	Signed               bool          `json:"signed"`
	ChangeableAttributes Attributes    `json:"changeableAttributes"`
}

type manifestAnswer struct {
	imageName
	Manifest manifestMetadata `json:"manifest"`
}

type manifestsAnswer struct {
	imageName
	Manifests []manifestMetadata `json:"manifests"` // null on an empty page as of 2021
}

type manifestMetadata struct {
	Digest               digest.Digest      `json:"digest"`
	ImageSize            int64              `json:"imageSize"`
	CreatedTime          string             `json:"createdTime"`
	LastUpdateTime       string             `json:"lastUpdateTime"`
	Architecture         string             `json:"architecture,omitempty"`
	OS                   string             `json:"os,omitempty"`
	MediaType            string             `json:"mediaType"`
	ConfigMediaType      string             `json:"configMediaType,omitempty"`
	Tags                 []string           `json:"tags,omitempty"`
	ChangeableAttributes manifestAttributes `json:"changeableAttributes"`
	References           []reference        `json:"references,omitempty"`
}

// manifestAttributes are the locks of a manifest and its quarantine state, which is left out if there is none.
type manifestAttributes struct {
	Attributes
	QuarantineDetails string `json:"quarantineDetails,omitempty"`
	QuarantineState   string `json:"quarantineState,omitempty"`
}

type reference struct {
	Digest       digest.Digest `json:"digest"`
	Architecture string        `json:"architecture,omitempty"`
	OS           string        `json:"os,omitempty"`
}

// timestamp has up to seven fractional digits, as .NET prints times.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z") }

// The answers about what does not exist, by ACR's own API.
var (
	tagUnknown      = apiError{Code: "TAG_UNKNOWN", Message: "the specified tag does not exist"}
	metadataUnknown = apiError{Code: "MANIFEST_UNKNOWN", Message: "manifest unknown"}
)

func (r *Registry) serveRepository(w http.ResponseWriter, req *http.Request, t target) {
	r.withRepository(w, t, func(repo *repository) {
		writeJSON(w, http.StatusOK, repo.metadata(imageName{req.Host, t.name}))
	})
}

func (repo *repository) metadata(name imageName) repositoryAnswer {
	return repositoryAnswer{
		imageName:            name,
		CreatedTime:          timestamp(repo.created),
		LastUpdateTime:       timestamp(repo.updated),
		ManifestCount:        len(repo.manifests),
		TagCount:             len(repo.tags),
		ChangeableAttributes: repo.attributes,
	}
}

func (r *Registry) serveTags(w http.ResponseWriter, req *http.Request, t target) {
	p, ok := r.page(w, req)
	if !ok {
		return
	}
	r.withRepository(w, t, func(repo *repository) {
		names := p.cut(w, req, repo.sortTags(p.orderBy))
		writeJSON(w, http.StatusOK, tagsAnswer{imageName{req.Host, t.name}, each(names, func(name string) tagMetadata {
			return repo.tags[name].metadata(name)
		})})
	})
}

func (r *Registry) serveTag(w http.ResponseWriter, req *http.Request, t target) {
	r.withRepository(w, t, func(repo *repository) {
		tag := repo.asRead(t.reference)
		if tag == nil {
			writeError(w, http.StatusNotFound, tagUnknown)
			return
		}
		writeJSON(w, http.StatusOK, tagAnswer{imageName{req.Host, t.name}, tag.metadata(t.reference)})
	})
}

// serveManifestList answers without the references of an index, which only the answer about one manifest has. It was
// recorded so in 2021 and 2023.
func (r *Registry) serveManifestList(w http.ResponseWriter, req *http.Request, t target) {
	p, ok := r.page(w, req)
	if !ok {
		return
	}
	r.withRepository(w, t, func(repo *repository) {
		tags := repo.tagsByDigest()
		digests := p.cut(w, req, repo.sortManifests(p.orderBy))
		writeJSON(w, http.StatusOK, manifestsAnswer{imageName{req.Host, t.name}, each(digests, func(key string) manifestMetadata {
			d := digest.Digest(key)
			return r.manifestMetadata(repo, d, tags[d])
		})})
	})
}

func (r *Registry) serveManifestMetadata(w http.ResponseWriter, req *http.Request, t target) {
	r.withRepository(w, t, func(repo *repository) {
		d, m := repo.resolve(t)
		if m == nil {
			writeError(w, http.StatusNotFound, metadataUnknown)
			return
		}
		metadata := r.manifestMetadata(repo, d, repo.tagsOf(d))
		metadata.References = m.references()
		writeJSON(w, http.StatusOK, manifestAnswer{imageName{req.Host, t.name}, metadata})
	})
}

// each returns what the keys stand for. A null list stays null.
func each[T any](keys []string, describe func(string) T) []T {
	if keys == nil {
		return nil
	}
	list := make([]T, len(keys))
	for i, key := range keys {
		list[i] = describe(key)
	}
	return list
}

// withRepository sends the common headers, and NAME_UNKNOWN if the repository does not exist.
func (r *Registry) withRepository(w http.ResponseWriter, t target, answer func(*repository)) {
	commonHeaders(w)
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	repo := r.store.shown(t.name)
	if repo == nil {
		writeNameUnknown(w, t.name)
		return
	}
	answer(repo)
}

func (t *tag) metadata(name string) tagMetadata {
	return tagMetadata{
		Name:                 name,
		Digest:               t.digest,
		CreatedTime:          timestamp(t.created),
		LastUpdateTime:       timestamp(t.updated),
		ChangeableAttributes: t.attributes,
	}
}

func (r *Registry) manifestMetadata(repo *repository, d digest.Digest, tags []string) manifestMetadata {
	m := repo.manifests[d]
	platform := repo.platform(m)
	metadata := manifestMetadata{
		Digest:               d,
		ImageSize:            m.imageSize(),
		CreatedTime:          timestamp(m.created),
		LastUpdateTime:       timestamp(m.updated),
		Architecture:         platform.Architecture,
		OS:                   platform.OS,
		MediaType:            m.mediaType,
		Tags:                 tags,
		ChangeableAttributes: m.attributes,
	}
	if m.parsed.Config != nil && !r.options.OmitConfigMediaType {
		metadata.ConfigMediaType = m.parsed.Config.MediaType
	}
	return metadata
}

// references returns the children of an index.
func (m *manifest) references() []reference {
	var references []reference
	for _, child := range m.parsed.Manifests {
		entry := reference{Digest: child.Digest}
		if child.Platform != nil {
			entry.Architecture, entry.OS = child.Platform.Architecture, child.Platform.OS
		}
		references = append(references, entry)
	}
	return references
}

// imageSize returns the size of the layers, without the configuration; of an index, the size of its children's
// manifests.
func (m *manifest) imageSize() int64 {
	var size int64
	for _, content := range slices.Concat(m.parsed.Layers, m.parsed.Manifests) {
		size += content.Size
	}
	return size
}

// platform returns what an image's configuration says; empty for anything else.
func (repo *repository) platform(m *manifest) ocispec.Platform {
	var platform ocispec.Platform
	if m.parsed.Config != nil {
		// A configuration that is missing or unreadable leaves it empty.
		config, _ := repo.blobs[m.parsed.Config.Digest].(storedBlob)
		_ = json.Unmarshal(config, &platform)
	}
	return platform
}

// sortManifests returns the digests that a list shows, in the requested order.
func (repo *repository) sortManifests(orderBy string) []string {
	byTime := func(a, b string) int {
		return repo.manifests[digest.Digest(a)].updated.Compare(repo.manifests[digest.Digest(b)].updated)
	}
	var keys []string
	for d, m := range repo.manifests {
		if m.attributes.ListEnabled {
			keys = append(keys, d.String())
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		switch orderBy {
		case "timedesc":
			return cmp.Or(byTime(b, a), cmp.Compare(a, b))
		case "timeasc":
			return cmp.Or(byTime(a, b), cmp.Compare(a, b))
		default:
			return cmp.Compare(a, b)
		}
	})
	return keys
}

// tagsByDigest returns the tags of every manifest, each list sorted.
func (repo *repository) tagsByDigest() map[digest.Digest][]string {
	tags := map[digest.Digest][]string{}
	for _, name := range repo.tagNames {
		d := repo.tags[name].digest
		tags[d] = append(tags[d], name)
	}
	return tags
}
