package acrtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

const jsonContentType = "application/json; charset=utf-8"

// apiError is one entry of the errors array in an answer of the registry.
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  any    `json:"detail,omitempty"`
}

// commonHeaders sets the headers of every answer of the registry's API. Two of them are doubled or split over lines on
// the wire, and so they are here.
func commonHeaders(w http.ResponseWriter) {
	h := w.Header()
	bareHeaders(w)
	h.Add("Strict-Transport-Security", strictTransport)
	h["Access-Control-Expose-Headers"] = []string{
		"Docker-Content-Digest", "WWW-Authenticate", "Link", "X-Ms-Correlation-Request-Id",
	}
	h.Set("Docker-Distribution-Api-Version", "registry/2.0")
	h.Set("X-Content-Type-Options", "nosniff")
}

const strictTransport = "max-age=31536000; includeSubDomains"

// bareHeaders sets the headers that the token endpoint sends as well.
func bareHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Server", "AzureContainerRegistry")
	h.Set("Strict-Transport-Security", strictTransport)
	h.Set("X-Ms-Correlation-Request-Id", newGUID())
}

// contentHeaders sets the headers of answers about manifests and blobs.
func contentHeaders(w http.ResponseWriter, req *http.Request) {
	commonHeaders(w)
	w.Header().Set("X-Ms-Request-Id", newGUID())
	w.Header().Set("X-Ms-Client-Request-Id", req.Header.Get("X-Ms-Client-Request-Id"))
}

// writeBody sends a whole body. net/http drops it on HEAD and keeps Content-Length.
func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeEmpty sends an answer without a body.
func writeEmpty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// writtenWhole is the length up to which the registry states the length of JSON. Longer bodies are chunked, as Go's own
// server sends it: net/http buffers so much of an answer before it has to begin.
const writtenWhole = 2048

// writeJSON sends compact JSON with a line end, as the registry does.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encoding an answer: %v", err))
	}
	body = append(body, '\n')
	if len(body) <= writtenWhole {
		writeBody(w, status, jsonContentType, body)
		return
	}
	w.Header().Set("Content-Type", jsonContentType)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeError sends one error with the API's common headers.
func writeError(w http.ResponseWriter, status int, e apiError) {
	if w.Header().Get("Server") == "" {
		commonHeaders(w)
	}
	writeJSON(w, status, map[string][]apiError{"errors": {e}})
}

func nameUnknown(name string) apiError {
	return apiError{Code: "NAME_UNKNOWN", Message: fmt.Sprintf("repository %q is not found", name)}
}

func writeNameUnknown(w http.ResponseWriter, name string) {
	writeError(w, http.StatusNotFound, nameUnknown(name))
}

// pageNotFound sends the answer for a path that the registry does not know, including one with a malformed name. It
// comes before any challenge.
func pageNotFound(w http.ResponseWriter) {
	commonHeaders(w)
	w.Header().Del("Access-Control-Expose-Headers")
	writeBody(w, http.StatusNotFound, "text/plain; charset=utf-8", []byte("404 page not found\n"))
}

// newGUID returns a random identifier in the form of RFC 9562, version 4.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
