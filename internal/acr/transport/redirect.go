package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxRedirects is how many redirects one request may follow.
const maxRedirects = 10

// redirectError is returned for a redirect that is not followed.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

func refuseRedirect(format string, values ...any) error {
	return &redirectError{fmt.Sprintf(format, values...)}
}

// follow sends the request and follows redirects. It does not use Go's own client, which sends Authorization to a
// sub-domain, to another port and from https to http. Here the header is sent only to the first origin, and no longer
// once the chain has left it: if a chain comes back, a stranger has steered it. It returns the last answer, whose body
// the caller closes, and whether the chain has left the first origin. The redirect of a HEAD is itself an answer.
func (t *Transport) follow(ctx context.Context, r Request) (res *http.Response, away bool, err error) {
	target := r.URL
	visited := map[string]bool{}
	for {
		visited[target.String()] = true
		if res, err = t.send(ctx, r, target, !away); err != nil {
			return nil, away, r.redirected(target, err)
		}
		if !isRedirect(res.StatusCode) || r.Method == http.MethodHead {
			return res, away, nil
		}
		passOver(res.Body)
		if target, err = r.nextTarget(target, res); err != nil {
			return nil, away, err
		}
		away = away || OriginOf(target) != OriginOf(r.URL)
		if visited[target.String()] {
			return nil, away, refuseRedirect("%s redirects in a circle", OriginOf(r.URL))
		}
		if len(visited) > maxRedirects {
			return nil, away, refuseRedirect("%s redirects more than %d times", OriginOf(r.URL), maxRedirects)
		}
	}
}

// passOver reads and closes the body of a redirect, up to a limit, so that its connection can be used again.
func passOver(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxErrorBody)
	_ = body.Close()
}

// redirectedError is an error of a host that the registry redirected to, such as its blob storage.
type redirectedError struct {
	to Origin
	error
}

func (e *redirectedError) Unwrap() error { return e.error }

// redirected adds the host to an error, if it is not the registry itself.
func (r Request) redirected(target *url.URL, err error) error {
	if err == nil || OriginOf(target) == OriginOf(r.URL) {
		return err
	}
	return &redirectedError{OriginOf(target), err}
}

// nextTarget returns where a redirect leads, or an error if this request may not go there.
func (r Request) nextTarget(from *url.URL, res *http.Response) (*url.URL, error) {
	target, err := location(from, res)
	if err != nil {
		return nil, err
	}
	if r.Content != nil {
		return nil, refuseRedirect("%s redirects an upload, which cannot be sent twice", OriginOf(from))
	}
	if home, to := OriginOf(r.URL), OriginOf(target); r.Confined && to != home {
		return nil, refuseRedirect("%s redirects to %s, where neither a credential nor a write may go", home, to)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && res.StatusCode != http.StatusTemporaryRedirect && res.StatusCode != http.StatusPermanentRedirect {
		return nil, refuseRedirect("%s redirects a %s in a way that turns it into a GET", OriginOf(from), r.Method) // RFC 9110 section 15.4
	}
	return target, nil
}

// location returns the single Location of a redirect. Errors name origins only, since a Location's query may be signed.
func location(from *url.URL, res *http.Response) (*url.URL, error) {
	locations := res.Header.Values("Location")
	if len(locations) != 1 || locations[0] == "" {
		return nil, refuseRedirect("%s redirects without naming one Location", OriginOf(from))
	}
	target, err := from.Parse(locations[0])
	if err != nil || target.User != nil || target.Hostname() == "" || !ValidPort(target.Port()) {
		return nil, refuseRedirect("%s redirects to a Location that is not a URL to follow", OriginOf(from))
	}
	if target.Scheme != "https" && target.Scheme != "http" {
		return nil, refuseRedirect("%s redirects to a Location that is neither https nor http", OriginOf(from))
	}
	target.Fragment = ""
	return target, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
