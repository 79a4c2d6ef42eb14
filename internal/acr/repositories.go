package acr

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// RepositoriesRequest says which repositories to list.
type RepositoriesRequest struct {
	Prefix    string         // of the name; empty for all
	NameRegex *regexp.Regexp // nil for all
	Limit     int            // counted after both; 0 for no limit
}

// Repositories lists the names of repositories, sorted. It uses ACR's own API, or else the registry API that other
// registries have. Errors are *fault.Error.
func (c *Client) Repositories(ctx context.Context, req RepositoriesRequest) (names []string, err error) {
	defer c.finish(&err, "listing the repositories of "+c.config.Registry)
	names, err = c.repositoryNames(ctx, c.request(listCatalog, "", "", firstPage()), req)
	if mayLackAPI(err) {
		names, err = c.repositoryNames(ctx, c.request(listCatalogOCI, "", "", firstPage()), req)
	}
	return names, err
}

func (c *Client) repositoryNames(ctx context.Context, r request, req RepositoriesRequest) ([]string, error) {
	names := selection[string]{
		limit:   req.Limit,
		name:    func(name string) string { return name },
		wanted:  func(name string) bool { return strings.HasPrefix(name, req.Prefix) && matches(req.NameRegex, name) },
		compare: strings.Compare,
	}
	err := c.pages(ctx, r, func(answer *answer) (int, bool, error) {
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

// Repository is what ACR's own API knows of a repository.
type Repository struct {
	Name           string
	CreatedTime    string // RFC 3339 as sent, with up to 7 fractional digits
	LastUpdateTime string // likewise
	ManifestCount  int64
	TagCount       int64
	Attributes     *Attributes // nil if the registry does not say
}

// Repository reads one repository's properties. Only ACR's own API has them: UnsupportedAPI elsewhere. Errors are
// *fault.Error.
func (c *Client) Repository(ctx context.Context, name string) (repository *Repository, err error) {
	defer c.finish(&err, fmt.Sprintf("reading the properties of %s/%s", c.config.Registry, name))
	if err := oci.ValidateRepository(name); err != nil {
		return nil, err
	}
	var raw struct {
		ImageName      string                `json:"imageName"`
		CreatedTime    string                `json:"createdTime"`
		LastUpdateTime string                `json:"lastUpdateTime"`
		ManifestCount  int64                 `json:"manifestCount"`
		TagCount       int64                 `json:"tagCount"`
		Attributes     *ChangeableAttributes `json:"changeableAttributes"`
	}
	r := c.request(getRepository, name, "", nil)
	err = c.doACR(ctx, r, "only Azure Container Registry has the properties of a repository", func(answer *answer) error {
		if err := decodePage(answer, &raw); err != nil {
			return err
		}
		if raw.ImageName == "" && raw.CreatedTime == "" {
			return otherAnswer("the body describes no repository")
		}
		return nil
	})
	if err != nil {
		return nil, err
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
