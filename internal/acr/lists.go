package acr

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// The limits of lists. A list over one of them is returned as an error with the reason fault.TooLarge, and nothing of it
// is used.
const (
	MaxPageBytes   = 8 << 20 // of one page
	MaxPageEntries = 10_000  // of one page: some registries send more than they were asked for
	MaxListEntries = 100_000 // of a whole list that are kept
	maxPageValues  = 150_000 // of one page: 10,000 tags with all of ACR's details have 130,000
)

const (
	pageSize = 1000   // entries that are asked for: the most that ACR returns at once
	maxPages = 10_000 // of one list
)

// errTooLong is returned if more of a list would be kept than MaxListEntries.
var errTooLong = fmt.Errorf("%w: over %d entries of the list would be kept", wire.ErrTooLarge, MaxListEntries)

// pages reads a list page by page: take receives each page's answer and returns how many entries it held and whether to
// go on. Errors are *fault.Error. A Link to another origin, to a page already read or to the 10,001st page is not
// followed but returned as an error.
func (c *Client) pages(ctx context.Context, r request, take func(*answer) (entries int, more bool, err error)) (err error) {
	r.isList = true
	visited := map[string]bool{}
	defer func() {
		if err != nil && len(visited) > 1 {
			err = laterPage{err}
		}
	}()
	for {
		visited[r.URL.String()] = true
		answer, err := c.do(ctx, r)
		if err != nil {
			return err
		}
		entries, more, err := take(answer)
		if err != nil {
			return badAnswer(r, answer.Response, err)
		}
		if entries > MaxPageEntries {
			return badAnswer(r, answer.Response, fmt.Errorf("%w: one page of the list has over %d entries", wire.ErrTooLarge, MaxPageEntries))
		}
		next, err := nextPage(r.URL, answer.Header)
		if err == nil && next != nil && visited[next.String()] {
			err = errors.New("the Link to the next page leads back to one already read")
		}
		if err == nil && next != nil && len(visited) == maxPages {
			err = fmt.Errorf("the list has over %d pages", maxPages)
		}
		if err != nil {
			return badAnswer(r, answer.Response, err)
		}
		if next == nil || !more {
			return nil
		}
		r.URL = next
		if len(answer.scopes) > 0 {
			r.scopes = answer.scopes
		}
	}
}

// laterPage is the error for a page after the first, which has shown that the registry has the API.
type laterPage struct{ error }

func (l laterPage) Unwrap() error { return l.error }

// selection collects the wanted entries of a list, each name once.
type selection[E any] struct {
	limit   int // 0 for none
	name    func(E) string
	wanted  func(E) bool
	compare func(a, b E) int

	kept       []E
	names      map[string]bool // of those kept
	last       E               // of the entries so far, wanted or not
	seen       int             // how many there were
	outOfOrder bool
}

// add takes a page and reports whether to read on. Once the limit is reached, there is no need to if the list came in
// order. In any other list, a later entry may belong before the ones already here.
func (s *selection[E]) add(page []E) (more bool, err error) {
	if s.names == nil {
		s.names = map[string]bool{}
	}
	for _, entry := range page {
		s.outOfOrder = s.outOfOrder || s.seen > 0 && s.compare(s.last, entry) > 0
		s.last, s.seen = entry, s.seen+1
		if name := s.name(entry); s.wanted(entry) && !s.names[name] {
			s.names[name] = true
			s.kept = append(s.kept, entry)
		}
	}
	if s.limit > 0 && len(s.kept) > s.limit+MaxPageEntries {
		s.cut()
	}
	if len(s.kept) > MaxListEntries {
		return false, errTooLong
	}
	return s.outOfOrder || s.limit == 0 || len(s.kept) < s.limit, nil
}

// result returns the entries in order, up to the limit.
func (s *selection[E]) result() []E {
	s.cut()
	return append([]E{}, s.kept...)
}

// cut sorts the entries and drops those beyond the limit.
func (s *selection[E]) cut() {
	slices.SortStableFunc(s.kept, s.compare)
	if s.limit == 0 || len(s.kept) <= s.limit {
		return
	}
	for _, entry := range s.kept[s.limit:] {
		delete(s.names, s.name(entry))
	}
	s.kept = s.kept[:s.limit]
}

// The orders by time of lists of tags and manifests, in addition to their default orders.
const (
	OrderByTimeDesc = "time_desc" // the last updated first
	OrderByTimeAsc  = "time_asc"
)

// orderQuery asks ACR's own API for an order.
func orderQuery(query url.Values, order string) {
	switch order {
	case OrderByTimeDesc:
		query.Set("orderby", "timedesc")
	case OrderByTimeAsc:
		query.Set("orderby", "timeasc")
	}
}

// inOrder compares by name, or by the last update and then the name. keys returns both for an entry.
func inOrder[E any](order string, keys func(E) (name, updated string)) func(a, b E) int {
	return func(a, b E) int {
		nameA, updatedA := keys(a)
		nameB, updatedB := keys(b)
		switch order {
		case OrderByTimeDesc:
			return cmp.Or(parseTime(updatedB).Compare(parseTime(updatedA)), strings.Compare(nameA, nameB))
		case OrderByTimeAsc:
			return cmp.Or(parseTime(updatedA).Compare(parseTime(updatedB)), strings.Compare(nameA, nameB))
		default:
			return strings.Compare(nameA, nameB)
		}
	}
}

// parseTime parses a time from ACR. An unreadable one counts as the earliest.
func parseTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

var errNoList = otherAnswer("the body has no list of this API")

// maxName is the longest name of a repository, in bytes, that anybody asks for; a tag's is shorter.
const maxName = 255

// nameList is an array of names; nil if there is none, empty for null.
type nameList []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *nameList) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*l = nameList{}
	return wire.EachElement(d, func() error {
		var name string
		if err := json.UnmarshalDecode(d, &name); err != nil {
			return err
		}
		if name == "" || len(name) > maxName {
			return wire.ErrShape
		}
		*l = append(*l, name)
		return nil
	})
}

// firstPage returns the query that asks for a page of the greatest size.
func firstPage() url.Values {
	return url.Values{"n": {strconv.Itoa(pageSize)}}
}

// nextPage finds the `rel="next"` of the Link headers (RFC 8288), resolved against the page that holds it. It returns
// nil if there is none, and an error for another origin: the next request would send the token there.
func nextPage(here *url.URL, header http.Header) (*url.URL, error) {
	target, found, err := wire.ParseLink(header.Values("Link"))
	if err != nil || !found {
		return nil, err
	}
	if len(target) > maxLink {
		return nil, wire.ErrLink
	}
	next, err := here.Parse(target)
	if err != nil || next.Host == "" {
		return nil, wire.ErrLink
	}
	from, to := transport.OriginOf(here), transport.OriginOf(next)
	if from != to {
		return nil, fmt.Errorf("the Link to the next page leads from %s to %s, which is another origin", from, to)
	}
	if next.User != nil {
		return nil, fmt.Errorf("the Link to the next page leads from %s to %s with credentials in it", from, to)
	}
	next.Fragment = ""
	return next, nil
}

// maxLink bounds what is kept of each page, to recognise it.
const maxLink = 2 << 10

// decodePage decodes a JSON object of ACR's or OCI's API. Errors name the content type and quote nothing. Anything but
// an object is not an answer of the API.
func decodePage(answer *answer, into any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(answer.Body, " \t\r\n"), []byte("{")) {
		return otherAnswer("the body, sent as %s, is not the JSON of this API", contentTypeOf(answer))
	}
	if err := wire.Unmarshal(answer.Body, maxPageValues, into); err != nil {
		return fmt.Errorf("the body, sent as %s, is not the JSON of this API: %w", contentTypeOf(answer), wire.Explain(err))
	}
	return nil
}

func matches(pattern *regexp.Regexp, name string) bool {
	return pattern == nil || pattern.MatchString(name)
}

// contentTypeOf returns an answer's content type for an error.
func contentTypeOf(answer *answer) string {
	return cmp.Or(secret.Excerpt(answer.Header.Get("Content-Type")), "no content type")
}
