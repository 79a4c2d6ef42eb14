package acr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// RepositoriesRequest says which repositories to list.
type RepositoriesRequest struct {
	Prefix    string         // of the name; empty for all
	NameRegex *regexp.Regexp // nil for all
	Limit     int            // counted after both; 0 for no limit
}

// Repositories lists the names of repositories, sorted: by ACR's own API, else by the registry API that other
// registries have. Errors are *Error.
func (c *Client) Repositories(ctx context.Context, req RepositoriesRequest) (names []string, err error) {
	defer c.redact(&err)
	r := resource{
		operation: "listing the repositories of " + c.config.Registry,
		url:       c.url("/acr/v1/_catalog", firstPage()),
		scope:     "registry:catalog:*",
	}
	names, err = c.repositoryNames(ctx, r, req)
	if lacksAPI(err) {
		r.url = c.url("/v2/_catalog", firstPage())
		names, err = c.repositoryNames(ctx, r, req)
	}
	return names, err
}

func (c *Client) repositoryNames(ctx context.Context, r resource, req RepositoriesRequest) ([]string, error) {
	names := selection[string]{
		limit:   req.Limit,
		name:    func(name string) string { return name },
		wanted:  func(name string) bool { return strings.HasPrefix(name, req.Prefix) && matches(req.NameRegex, name) },
		compare: strings.Compare,
	}
	err := c.pages(ctx, r, func(answer *response) (int, bool, error) {
		var page struct {
			Repositories nameList `json:"repositories"`
		}
		if err := decodePage(answer, &page); err != nil {
			return 0, false, err
		}
		if page.Repositories == nil {
			return 0, false, errNoList
		}
		more, err := names.add(page.Repositories)
		return len(page.Repositories), more, err
	})
	if err != nil {
		return nil, err
	}
	return names.result(), nil
}

// Repository is what ACR's own API tells of one.
type Repository struct {
	Name           string
	CreatedTime    string // RFC 3339 as sent, with up to 7 fractional digits
	LastUpdateTime string // likewise
	ManifestCount  int64
	TagCount       int64
	Attributes     *Attributes // nil where the registry does not say
}

// Attributes are the locks of a repository, tag or manifest. Absent ones are true, ACR's default.
type Attributes struct {
	DeleteEnabled bool
	WriteEnabled  bool
	ReadEnabled   bool
	ListEnabled   bool
}

// attributesAnswer is `changeableAttributes` on the wire.
type attributesAnswer struct {
	DeleteEnabled *bool `json:"deleteEnabled"`
	WriteEnabled  *bool `json:"writeEnabled"`
	ReadEnabled   *bool `json:"readEnabled"`
	ListEnabled   *bool `json:"listEnabled"`
}

func (a *attributesAnswer) attributes() *Attributes {
	if a == nil {
		return nil
	}
	enabled := func(b *bool) bool { return b == nil || *b }
	return &Attributes{enabled(a.DeleteEnabled), enabled(a.WriteEnabled), enabled(a.ReadEnabled), enabled(a.ListEnabled)}
}

// Repository reads one repository's properties. Only ACR's own API has them: UnsupportedAPI elsewhere. Errors are
// *Error.
func (c *Client) Repository(ctx context.Context, name string) (repository *Repository, err error) {
	defer c.redact(&err)
	if err := ValidateRepository(name); err != nil {
		return nil, err
	}
	r := resource{
		operation: fmt.Sprintf("reading the properties of %s/%s", c.config.Registry, name),
		url:       c.url("/acr/v1/"+name, nil),
		limit:     maxPage,
		scope:     "repository:" + name + ":metadata_read",
	}
	answer, err := c.read(ctx, r)
	if lacksAPI(err) {
		return nil, unsupported(err, "only Azure Container Registry has the properties of a repository")
	}
	if err != nil {
		return nil, err
	}
	var raw struct {
		ImageName      string            `json:"imageName"`
		CreatedTime    string            `json:"createdTime"`
		LastUpdateTime string            `json:"lastUpdateTime"`
		ManifestCount  int64             `json:"manifestCount"`
		TagCount       int64             `json:"tagCount"`
		Attributes     *attributesAnswer `json:"changeableAttributes"`
	}
	if err := decodePage(answer, &raw); err != nil {
		return nil, c.transport.badAnswer(r.request(), answer, err)
	}
	if raw.ImageName == "" && raw.CreatedTime == "" {
		return nil, c.transport.badAnswer(r.request(), answer, errors.New("the body tells nothing of a repository"))
	}
	return &Repository{
		Name:           name,
		CreatedTime:    raw.CreatedTime,
		LastUpdateTime: raw.LastUpdateTime,
		ManifestCount:  raw.ManifestCount,
		TagCount:       raw.TagCount,
		Attributes:     raw.Attributes.attributes(),
	}, nil
}

// decodePage reads a JSON object of ACR's or OCI's API. Errors name the content type and quote nothing.
func decodePage(answer *response, into any) error {
	if err := unmarshal(answer.body, maxPageValues, into); err != nil {
		return fmt.Errorf("the body, sent as %s, is not the JSON of this API: %w", orNothing(secret.Excerpt(answer.header.Get("Content-Type"))), jsonFault(err))
	}
	return nil
}

// lacksAPI reports whether an error says that the registry has no such API: it does not know the path or the method,
// and it does not say with its own code that the name is what it does not know. Some registries have their user
// interface under every path that their API does not know, and answer with its page.
func lacksAPI(err error) bool {
	failed, ok := fault.As(err)
	if !ok {
		return false
	}
	switch failed.Status {
	case http.StatusOK:
		return failed.Reason == fault.NotARegistry
	case http.StatusNotFound:
		return failed.Code != "NAME_UNKNOWN" && failed.Code != "TAG_UNKNOWN" && failed.Code != "MANIFEST_UNKNOWN"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return failed.Reason != fault.Disallowed
	}
	return false
}

// unsupported turns an answer to a missing API into an error that says so.
func unsupported(err error, detail string) error {
	failed, ok := fault.As(err)
	if !ok {
		return err
	}
	mine := *failed
	mine.Reason, mine.Detail = fault.UnsupportedAPI, detail
	return &mine
}

func matches(pattern *regexp.Regexp, name string) bool {
	return pattern == nil || pattern.MatchString(name)
}
