package acrtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/opencontainers/go-digest"
)

// BlobSignature is the sig parameter of every redirect to the blob storage. On
// Azure it is as good as a password for that blob.
const BlobSignature = "acrtest-blob-signature"

const blobContentType = "application/octet-stream"

// blob is the content of a blob.
type blob interface {
	size() int64
	open() io.ReadSeeker // nil if only the size is known
}

// storedBlob is one in memory.
type storedBlob []byte

func (b storedBlob) size() int64         { return int64(len(b)) }
func (b storedBlob) open() io.ReadSeeker { return bytes.NewReader(b) }

// forgottenBlob is an uploaded one that was too large to be kept.
type forgottenBlob int64

func (b forgottenBlob) size() int64         { return int64(b) }
func (b forgottenBlob) open() io.ReadSeeker { return nil }

func (r *Registry) serveBlob(w http.ResponseWriter, req *http.Request, t target) {
	contentHeaders(w, req)
	d, _ := t.digest()
	content, repositoryKnown := r.store.blob(t.name, d)
	r.store.mu.RLock()
	locked := r.store.readLocked(t)
	r.store.mu.RUnlock()
	switch {
	case !repositoryKnown:
		writeNameUnknown(w, t.name)
	case locked:
		writeError(w, http.StatusMethodNotAllowed, disallowed)
	case content == nil:
		w.Header().Set("Cache-Control", "no-cache")
		writeError(w, http.StatusNotFound, apiError{Code: "BLOB_UNKNOWN", Message: "blob unknown to registry", Detail: d})
	case r.options.BlobRedirect && req.Method == http.MethodGet:
		w.Header().Set("Docker-Content-Digest", d.String())
		http.Redirect(w, req, r.storageURL(t.name, d), http.StatusTemporaryRedirect)
	case req.Method == http.MethodHead:
		w.Header().Set("Docker-Content-Digest", d.String())
		w.Header().Set("Content-Type", blobContentType)
		w.Header().Set("Content-Length", strconv.FormatInt(content.size(), 10))
		w.WriteHeader(http.StatusOK)
	default:
		w.Header().Set("Docker-Content-Digest", d.String())
		serveContent(w, req, content)
	}
}

// blob finds a blob. Whether the repository exists is reported separately, since only a read from it reveals that, and
// never a request for a token.
func (s *store) blob(name string, d digest.Digest) (content blob, repositoryKnown bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	repo := s.repositories[name]
	if repo == nil {
		return nil, false
	}
	return repo.blobs[d], true
}

// serveContent sends a blob, or the range of it that was asked for.
func serveContent(w http.ResponseWriter, req *http.Request, content blob) {
	reader := content.open()
	if reader == nil {
		writeError(w, http.StatusInternalServerError, apiError{
			Code: "UNKNOWN", Message: "the test registry keeps no uploads of this size: push a layer of PutLayer",
		})
		return
	}
	w.Header().Set("Content-Type", blobContentType)
	if req.Header.Get("Range") == "" {
		w.Header().Set("Content-Length", strconv.FormatInt(content.size(), 10))
		if answer, recorded := w.(*recordedAnswer); recorded {
			answer.blob = content // a large blob is not copied
			return
		}
	}
	http.ServeContent(w, req, "", time.Time{}, reader)
}

// storageURL returns where a blob is redirected to: a signed URL of the kind that
// Azure's blob storage has, its doubled slash included.
func (r *Registry) storageURL(name string, d digest.Digest) string {
	query := url.Values{
		"se":    {r.options.Clock().Add(20 * time.Minute).UTC().Format(time.RFC3339)},
		"sig":   {BlobSignature},
		"sp":    {"r"},
		"spr":   {r.scheme()},
		"sr":    {"b"},
		"sv":    {"2016-05-31"},
		"regid": {registryID},
		"repo":  {name},
	}
	return fmt.Sprintf("%s://%s/%s//docker/registry/v2/blobs/%s/%s/%s/data?%s", r.scheme(), r.BlobHost(),
		registryID, d.Algorithm(), d.Encoded()[:2], d.Encoded(), query.Encode())
}

var storagePath = regexp.MustCompile(`^/[0-9a-z]+//docker/registry/v2/blobs/([a-z0-9]+)/[0-9a-f]{2}/([0-9a-f]+)/data$`)

// serveStorage answers on the blob storage's address.
func (r *Registry) serveStorage(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h["Server"] = []string{"Windows-Azure-Blob/1.0", "Microsoft-HTTPAPI/2.0"}
	h.Set("X-Ms-Request-Id", newGUID())
	h.Set("X-Ms-Version", "2016-05-31")
	if req.Header.Get("Authorization") != "" {
		storageError(w, http.StatusBadRequest, "InvalidAuthenticationInfo",
			"Authentication information is not given in the correct format. Check the value of Authorization header.")
		return
	}
	if req.URL.Query().Get("sig") != BlobSignature {
		storageError(w, http.StatusForbidden, "AuthenticationFailed",
			"Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.")
		return
	}
	match := storagePath.FindStringSubmatch(req.URL.Path)
	if match == nil {
		storageError(w, http.StatusBadRequest, "InvalidUri", "The requested URI does not represent any resource on the server.")
		return
	}
	content, _ := r.store.blob(req.URL.Query().Get("repo"), digest.Digest(match[1]+":"+match[2]))
	if content == nil {
		storageError(w, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		return
	}
	h.Set("Etag", `"0x8DB1F73F5F41DB6"`)
	h.Set("X-Ms-Blob-Type", "AppendBlob")
	serveContent(w, req, content)
}

// storageError sends an error in the storage's own format, which is XML.
func storageError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Ms-Error-Code", code)
	body := fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
	writeBody(w, status, "application/xml", []byte(body))
}
