package acrtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// strike is one request that a fault strikes.
type strike struct {
	fault    Fault
	registry *Registry
	w        http.ResponseWriter
	req      *http.Request
	truth    http.HandlerFunc // the answer without the fault
}

// action is what a fault does to a request.
type action func(*strike)

// action returns the one that the fault's fields ask for.
func (f Fault) action() action {
	choices := []struct {
		asked  bool
		action action
	}{
		{f.Status != 0, (*strike).status},
		{f.Reset, (*strike).reset},
		{f.Hang, (*strike).hang},
		{f.HangAfterHeaders, (*strike).hangAfterHeaders},
		{f.Drip > 0, (*strike).drip},
		{f.Truncate > 0, (*strike).truncate},
		{f.WrongDigest, (*strike).wrongDigest},
		{f.Tamper, (*strike).tamper},
		{f.Oversize > 0, (*strike).oversize},
		{f.GzipBomb > 0, (*strike).gzipBomb},
		{f.HeaderBytes > 0, (*strike).headerBytes},
		{f.Link != "", (*strike).link},
		{f.Location != "", (*strike).location},
		{f.Redirect != "", (*strike).redirect},
		{f.Handler != nil, (*strike).handler},
	}
	var chosen []action
	for _, choice := range choices {
		if choice.asked {
			chosen = append(chosen, choice.action)
		}
	}
	if len(chosen) != 1 {
		panic(fmt.Sprintf("acrtest: a fault has one action, this one has %d", len(chosen)))
	}
	if f.ActFirst && f.Status == 0 && !f.Reset && !f.Hang {
		panic("acrtest: ActFirst goes with Status, Reset and Hang")
	}
	return chosen[0]
}

// statusTexts are the codes and messages of refusals that a fault may ask for by status alone.
var statusTexts = map[int]apiError{
	http.StatusForbidden:       {Code: "DENIED", Message: "requested access to the resource is denied"},
	http.StatusTooManyRequests: {Code: "TOOMANYREQUESTS", Message: "too many requests"},
}

func (s *strike) status() {
	f := s.fault
	commonHeaders(s.w)
	for name, values := range f.Header {
		s.w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.RetryAfter != "" {
		s.w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Body != "" || f.ContentType != "" {
		writeBody(s.w, f.Status, cmp.Or(f.ContentType, jsonContentType), []byte(f.Body))
		return
	}
	text := statusTexts[f.Status]
	code := strings.ToUpper(strings.ReplaceAll(http.StatusText(f.Status), " ", "_"))
	writeError(s.w, f.Status, apiError{
		Code:    cmp.Or(f.Code, text.Code, code),
		Message: cmp.Or(f.Message, text.Message, strings.ToLower(http.StatusText(f.Status))),
	})
}

func (s *strike) reset() {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		// HTTP/2 can't be hijacked; its stream ends with RST_STREAM.
		panic(http.ErrAbortHandler)
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// Closing with nothing to linger for sends RST instead of FIN.
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// hang ends by aborting: a handler that returns has answered.
func (s *strike) hang() {
	select {
	case <-s.req.Context().Done():
	case <-s.registry.closed:
	}
	panic(http.ErrAbortHandler)
}

func (s *strike) hangAfterHeaders() {
	s.record().sendHeaders(s.w)
	s.flush()
	s.hang()
}

func (s *strike) drip() {
	answer := s.record()
	answer.sendHeaders(s.w)
	s.flush()
	body := answer.content()
	for range answer.length() {
		if !s.registry.wait(s.req, s.fault.Drip) {
			panic(http.ErrAbortHandler)
		}
		if _, err := io.CopyN(s.w, body, 1); err != nil {
			return
		}
		s.flush()
	}
}

func (s *strike) truncate() {
	answer := s.record()
	answer.header.Set("Content-Length", strconv.FormatInt(answer.length(), 10))
	answer.sendHeaders(s.w)
	_, _ = io.CopyN(s.w, answer.content(), int64(s.fault.Truncate))
	s.flush()
	panic(http.ErrAbortHandler)
}

func (s *strike) wrongDigest() {
	answer := s.record()
	answer.header.Set("Docker-Content-Digest", digest.FromString("something else").String())
	answer.send(s.w)
}

func (s *strike) tamper() {
	answer := s.record()
	answer.sendHeaders(s.w)
	body := answer.content()
	_, _ = io.CopyN(s.w, body, answer.length()/2)
	var middle [1]byte
	if _, err := io.ReadFull(body, middle[:]); err != nil {
		return
	}
	_, _ = s.w.Write([]byte{middle[0] ^ 1})
	_, _ = io.Copy(s.w, body)
}

func (s *strike) oversize() {
	answer := s.record()
	answer.header.Del("Content-Length")
	answer.sendHeaders(s.w)
	s.flush()
	_ = writePadding(s.w, s.fault.Oversize)
}

func (s *strike) gzipBomb() {
	answer := s.record()
	answer.header.Del("Content-Length")
	answer.header.Set("Content-Encoding", "gzip")
	answer.sendHeaders(s.w)
	compressed := gzip.NewWriter(s.w)
	if writePadding(compressed, s.fault.GzipBomb) == nil {
		_ = compressed.Close()
	}
}

func (s *strike) headerBytes() {
	answer := s.record()
	answer.header.Set("X-Padding", strings.Repeat("a", s.fault.HeaderBytes))
	answer.send(s.w)
}

func (s *strike) link() {
	answer := s.record()
	answer.header.Set("Link", s.fault.Link)
	answer.send(s.w)
}

func (s *strike) location() {
	answer := s.record()
	answer.header.Set("Location", s.fault.Location)
	answer.send(s.w)
}

func (s *strike) redirect() {
	commonHeaders(s.w)
	s.w.Header().Set("Location", s.fault.Redirect)
	s.w.Header().Set("Content-Length", "0")
	s.w.WriteHeader(cmp.Or(s.fault.RedirectStatus, http.StatusTemporaryRedirect))
}

func (s *strike) handler() { s.fault.Handler(s.w, s.req) }

func (s *strike) flush() { _ = http.NewResponseController(s.w).Flush() }

// record takes the true answer without sending it.
func (s *strike) record() *recordedAnswer {
	answer := &recordedAnswer{header: http.Header{}, status: http.StatusOK}
	s.truth(answer, s.req)
	return answer
}

// recordedAnswer is an answer that was not sent.
type recordedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
	blob   blob // instead of the body, if it is a whole blob
}

func (a *recordedAnswer) Header() http.Header         { return a.header }
func (a *recordedAnswer) WriteHeader(status int)      { a.status = status }
func (a *recordedAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }

// content reads the body from its beginning.
func (a *recordedAnswer) content() io.Reader {
	if a.blob != nil {
		return a.blob.open()
	}
	return bytes.NewReader(a.body.Bytes())
}

func (a *recordedAnswer) length() int64 {
	if a.blob != nil {
		return a.blob.size()
	}
	return int64(a.body.Len())
}

func (a *recordedAnswer) sendHeaders(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
}

func (a *recordedAnswer) send(w http.ResponseWriter) {
	a.sendHeaders(w)
	_, _ = io.Copy(w, a.content())
}

// writePadding writes a JSON object of exactly n bytes: {"padding":"aaa..."}, or spaces if n is too small for one.
func writePadding(w io.Writer, n int64) error {
	const head, tail = `{"padding":"`, `"}`
	fill := n - int64(len(head)+len(tail))
	if fill < 0 {
		_, err := io.WriteString(w, strings.Repeat(" ", int(n)))
		return err
	}
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	chunk := bytes.Repeat([]byte("a"), 64<<10)
	for fill > 0 {
		part := chunk[:min(fill, int64(len(chunk)))]
		if _, err := w.Write(part); err != nil {
			return err
		}
		fill -= int64(len(part))
	}
	_, err := io.WriteString(w, tail)
	return err
}
