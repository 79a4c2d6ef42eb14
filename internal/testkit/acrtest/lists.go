package acrtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// The lengths of a list page.
const (
	defaultPageSize = 100
	maxPageSize     = 1000
)

// page is the part of a list that a request asks for.
type page struct {
	n       int
	last    string // the entry before the page's first
	orderBy string
	filter  url.Values // of a list of referrers: also a parameter of the next page
	endless bool       // Options.LinkAfterFullPage
}

// page reads n, last and orderby. A bad n is answered here.
func (r *Registry) page(w http.ResponseWriter, req *http.Request) (page, bool) {
	query := req.URL.Query()
	p := page{
		n: r.options.PageSize, last: query.Get("last"), orderBy: query.Get("orderby"), endless: r.options.LinkAfterFullPage,
	}
	if text := query.Get("n"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			writeError(w, http.StatusBadRequest, apiError{
				Code:    "PAGINATION_NUMBER_INVALID",
				Message: "invalid number of results requested",
				Detail:  map[string]string{"n": text},
			})
			return page{}, false
		}
		p.n = min(n, maxPageSize)
	}
	return p, true
}

// cut takes the page out of the keys of a list, which are in order, and links to the next page if there is one. An
// empty page is [] in JSON, or null, as in 2021.
//
// In a list sorted by key, the page begins after last whether or not that entry still exists. In another order, it
// begins at the end if the entry does not.
func (p page) cut(w http.ResponseWriter, req *http.Request, keys []string) []string {
	if p.last != "" {
		keys = keys[p.first(keys):]
	}
	if len(keys) > p.n || p.endless && len(keys) == p.n {
		keys = keys[:p.n]
		w.Header().Set("Link", p.link(req, keys[p.n-1]))
	}
	if len(keys) > 0 {
		return keys
	}
	if p.endless {
		return nil
	}
	return []string{}
}

// link returns the Link to the page after last (RFC 8288): relative, the path spelled as in the request, and of the
// query only last, n and orderby, the latter even if it is empty. It was recorded so 170 times.
func (p page) link(req *http.Request, last string) string {
	next := url.Values{"last": {last}, "n": {strconv.Itoa(p.n)}, "orderby": {p.orderBy}}
	maps.Copy(next, p.filter)
	return "<" + req.URL.EscapedPath() + "?" + next.Encode() + `>; rel="next"`
}

func (p page) first(keys []string) int {
	if p.orderBy == "" {
		at, found := slices.BinarySearch(keys, p.last)
		if found {
			at++
		}
		return at
	}
	if at := slices.Index(keys, p.last); at >= 0 {
		return at + 1
	}
	return len(keys)
}

func (r *Registry) serveCatalog(w http.ResponseWriter, req *http.Request, _ target) {
	commonHeaders(w)
	p, ok := r.page(w, req)
	if !ok {
		return
	}
	p.orderBy = ""
	r.store.mu.RLock()
	names := r.store.names()
	r.store.mu.RUnlock()
	writeJSON(w, http.StatusOK, map[string][]string{"repositories": p.cut(w, req, names)})
}

// serveTagList answers the distribution spec's own list of tags.
func (r *Registry) serveTagList(w http.ResponseWriter, req *http.Request, t target) {
	commonHeaders(w)
	p, ok := r.page(w, req)
	if !ok {
		return
	}
	p.orderBy = ""
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	repo := r.store.shown(t.name)
	if repo == nil {
		writeNameUnknown(w, t.name)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{t.name, p.cut(w, req, repo.sortTags(""))})
}

// sortTags returns the tags that a list shows, in the requested order.
func (repo *repository) sortTags(orderBy string) []string {
	names := slices.DeleteFunc(slices.Clone(repo.tagNames), func(name string) bool {
		return !repo.tags[name].attributes.ListEnabled
	})
	byTime := func(a, b string) int { return repo.tags[a].updated.Compare(repo.tags[b].updated) }
	switch orderBy { // equal times leave the order of the names
	case "timedesc":
		slices.SortStableFunc(names, func(a, b string) int { return byTime(b, a) })
	case "timeasc":
		slices.SortStableFunc(names, byTime)
	}
	return names
}
