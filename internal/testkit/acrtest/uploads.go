package acrtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// upload is a blob that is being uploaded. Its requests come one after the other.
type upload struct {
	uuid, repository string

	mu    sync.Mutex
	state string // the _state of its newest Location
	sum   hash.Hash
	size  int64
	kept  []byte // what has come so far, up to keptBytes
}

// keptBytes is the size up to which an uploaded blob is kept. A larger one can be read again only if PutLayer made it.
const keptBytes = 16 << 20

func (u *upload) Write(p []byte) (int, error) {
	u.sum.Write(p)
	u.size += int64(len(p))
	if u.size <= keptBytes {
		u.kept = append(u.kept, p...)
	} else {
		u.kept = nil
	}
	return len(p), nil
}

// content returns the blob if these are the bytes of the digest, else nil.
func (u *upload) content(d digest.Digest) blob {
	sum := digest.NewDigest(digest.SHA256, u.sum)
	if whole := u.size <= keptBytes; whole && d.Algorithm().FromBytes(u.kept) == d {
		return storedBlob(slices.Clip(u.kept))
	} else if whole || sum != d {
		return nil
	}
	if layer := generatedLayer(d); layer != nil {
		return layer
	}
	return forgottenBlob(u.size)
}

// errors about uploads. Those about a range and a malformed digest were recorded; the others come from the OCI
// distribution spec and its reference implementation. That an older _state is refused was not recorded.
var (
	uploadUnknown = apiError{Code: "BLOB_UPLOAD_UNKNOWN", Message: "blob upload unknown to registry"}
	uploadInvalid = apiError{Code: "BLOB_UPLOAD_INVALID", Message: "blob upload invalid"}
	digestInvalid = apiError{
		Code: "DIGEST_INVALID", Message: "provided digest did not match uploaded content", Detail: "digest parsing failed",
	}
)

var (
	wholeName   = regexp.MustCompile("^" + nameGrammar + "$")
	wholeDigest = regexp.MustCompile("^" + digestGrammar + "$")
)

// malformedMount reports whether a request mounts something that cannot exist: that is not a path of the registry, as
// recorded.
func malformedMount(req *http.Request) bool {
	query := req.URL.Query()
	return req.Method == http.MethodPost &&
		(query.Has("mount") && !wholeDigest.MatchString(query.Get("mount")) ||
			query.Has("from") && !wholeName.MatchString(query.Get("from")))
}

// mountOf returns the blob that a request mounts, and the repository it is in.
func mountOf(req *http.Request) (d digest.Digest, from string, wanted bool) {
	query := req.URL.Query()
	return digest.Digest(query.Get("mount")), query.Get("from"), query.Has("mount") && query.Has("from")
}

// mountScopes returns the scope of a push, and for a mount, before it, the scope of its source.
func mountScopes(req *http.Request, t target) []permission {
	var scopes []permission
	if _, from, wanted := mountOf(req); wanted {
		scopes = pull(req, target{name: from})
	}
	return append(scopes, push(req, t)...)
}

// startUpload answers POST: 201 if the blob could be mounted, else 202 and an upload, as the OCI distribution spec
// says.
func (r *Registry) startUpload(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if r.store.pushLocked(target{name: t.name}) {
		writeError(w, http.StatusMethodNotAllowed, disallowed)
		return
	}
	if d, from, wanted := mountOf(req); wanted && !r.options.MountFallsBack {
		if source := r.store.repositories[from]; source != nil && source.blobs[d] != nil {
			r.store.putBlob(t.name, d, source.blobs[d])
			writeBlobCreated(w, t.name, d)
			return
		}
	}
	u := &upload{uuid: newGUID(), repository: t.name, sum: sha256.New()}
	if r.store.uploads == nil {
		r.store.uploads = map[string]*upload{}
	}
	r.store.uploads[u.uuid] = u
	u.writeAccepted(w)
}

// writeAccepted answers with the Location where the upload continues: a new one each time, relative, and with a query.
func (u *upload) writeAccepted(w http.ResponseWriter) {
	u.state = u.newState()
	w.Header().Set("Location", "/v2/"+u.repository+"/blobs/uploads/"+u.uuid+
		"?_nouploadcache=false&_state="+url.QueryEscape(u.state))
	u.writeProgress(w, http.StatusAccepted)
}

// writeProgress answers with what has come so far. Range is 0-0 for nothing and for one byte.
func (u *upload) writeProgress(w http.ResponseWriter, status int) {
	w.Header().Set("Docker-Upload-Uuid", u.uuid)
	w.Header().Set("Range", "0-"+strconv.FormatInt(max(0, u.size-1), 10))
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	writeEmpty(w, status)
}

// newState returns a state that is opaque to clients. It always ends in "=", which a query escapes: a client that
// rewrites the Location may lose it.
func (u *upload) newState() string {
	known := fmt.Sprintf(`{"Name":%q,"UUID":%q,"Offset":%d,"StartedAt":%q}`, u.repository, u.uuid, u.size, time.Now().UTC().Format(time.RFC3339Nano))
	seal := make([]byte, 32)
	for (len(seal)+len(known))%3 == 0 {
		seal = append(seal, 0)
	}
	_, _ = rand.Read(seal)
	return base64.URLEncoding.EncodeToString(append(seal, known...))
}

// upload finds the upload that a path names, or refuses.
func (r *Registry) upload(w http.ResponseWriter, t target) *upload {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	u := r.store.uploads[t.reference]
	if u == nil || u.repository != t.name {
		writeError(w, http.StatusNotFound, uploadUnknown)
		return nil
	}
	return u
}

func (r *Registry) endUpload(u *upload) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	delete(r.store.uploads, u.uuid)
}

// uploadStatus answers GET of an upload.
func (r *Registry) uploadStatus(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	if u := r.upload(w, t); u != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.writeProgress(w, http.StatusNoContent)
	}
}

// cancelUpload answers DELETE of an upload.
func (r *Registry) cancelUpload(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	if u := r.upload(w, t); u != nil {
		r.endUpload(u)
		w.Header().Set("Docker-Upload-Uuid", u.uuid)
		w.WriteHeader(http.StatusNoContent)
	}
}

// continueUpload answers PATCH: bytes, and a new Location.
func (r *Registry) continueUpload(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	u := r.upload(w, t)
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if r.receive(w, req, u) {
		u.writeAccepted(w)
	}
}

// finishUpload answers PUT: the last bytes, which may be none or all, and the digest of the whole.
func (r *Registry) finishUpload(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	u := r.upload(w, t)
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !r.receive(w, req, u) {
		return
	}
	r.endUpload(u)
	d, err := digest.Parse(req.URL.Query().Get("digest"))
	if err != nil {
		writeError(w, http.StatusBadRequest, digestInvalid)
		return
	}
	content := u.content(d)
	if content == nil {
		writeError(w, http.StatusBadRequest, digestInvalid)
		return
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if r.store.pushLocked(target{name: t.name}) {
		writeError(w, http.StatusMethodNotAllowed, disallowed)
		return
	}
	r.store.putBlob(t.name, d, content)
	writeBlobCreated(w, t.name, d)
}

func writeBlobCreated(w http.ResponseWriter, name string, d digest.Digest) {
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Location", "/v2/"+name+"/blobs/"+d.String())
	writeEmpty(w, http.StatusCreated)
}

// receive adds the body of a request to the upload, or refuses and reports false. An upload whose body ends early is
// discarded.
func (r *Registry) receive(w http.ResponseWriter, req *http.Request, u *upload) bool {
	if req.URL.Query().Get("_state") != u.state {
		writeError(w, http.StatusBadRequest, uploadInvalid)
		return false
	}
	if reason := u.rangeProblem(req); reason != "" {
		writeError(w, http.StatusRequestedRangeNotSatisfiable, apiError{
			Code: "BLOB_UPLOAD_RANGE_INVALID", Message: "blob upload range invalid",
			Detail: map[string]string{"Range": req.Header.Get("Content-Range"), "Reason": reason},
		})
		return false
	}
	if _, err := io.Copy(u, req.Body); err != nil {
		r.endUpload(u)
		panic(http.ErrAbortHandler)
	}
	return true
}

var contentRange = regexp.MustCompile(`^(\d{1,18})-(\d{1,18})$`)

// rangeProblem returns what is wrong with a Content-Range, which may be left out. It is "first-last", without a unit
// (OCI distribution spec). The wording of the first was recorded.
func (u *upload) rangeProblem(req *http.Request) string {
	header := req.Header.Get("Content-Range")
	if header == "" {
		return ""
	}
	match := contentRange.FindStringSubmatch(header)
	if match == nil {
		return "the Content-Range header format is invalid"
	}
	first, _ := strconv.ParseInt(match[1], 10, 64)
	last, _ := strconv.ParseInt(match[2], 10, 64)
	if first != u.size || req.ContentLength >= 0 && last-first+1 != req.ContentLength {
		return "the Content-Range header does not match the upload"
	}
	return ""
}
