package acr

import (
	"context"
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// OrderByName is the default order of a list of tags.
const OrderByName = "name"

// TagsRequest says which tags to list.
type TagsRequest struct {
	Repository string
	OrderBy    string         // one of the orders; empty for OrderByName
	NameRegex  *regexp.Regexp // nil for all
	Limit      int            // counted after NameRegex; 0 for no limit
}

// Tag is a tag with what ACR's own API knows of it. On other registries, all but the name is zero.
type Tag struct {
	Name           string
	Digest         string
	CreatedTime    string // RFC 3339 as sent, with up to 7 fractional digits
	LastUpdateTime string // likewise
	Attributes     *Attributes
}

// Tags lists the tags of a repository. It uses ACR's own API, with details, or else the registry API, which knows names
// only: an order by time is then refused with UnsupportedAPI. The order does not depend on how the registry breaks
// ties, except that a limit may leave out another of several tags with the same time. Errors are *fault.Error.
func (c *Client) Tags(ctx context.Context, req TagsRequest) (tags []Tag, err error) {
	defer c.finish(&err, fmt.Sprintf("listing the tags of %s/%s", c.config.Registry, req.Repository))
	if err := oci.ValidateRepository(req.Repository); err != nil {
		return nil, err
	}
	tags, err = c.acrTags(ctx, req)
	switch byTime := req.OrderBy != "" && req.OrderBy != OrderByName; {
	case byTime && lacksAPI(err):
		return nil, unsupported(err, "only Azure Container Registry knows the times of tags")
	case !byTime && mayLackAPI(err):
		return c.ociTags(ctx, req)
	}
	return tags, err
}

func (c *Client) acrTags(ctx context.Context, req TagsRequest) ([]Tag, error) {
	query := firstPage()
	orderQuery(query, req.OrderBy)
	return c.tags(ctx, c.request(listTags, req.Repository, "", query), req, func(answer *answer) ([]Tag, error) {
		var page struct {
			Tags tagList `json:"tags"`
		}
		if err := decodePage(answer, &page); err != nil {
			return nil, err
		}
		return page.Tags, nil
	})
}

func (c *Client) ociTags(ctx context.Context, req TagsRequest) ([]Tag, error) {
	return c.tags(ctx, c.request(listTagNames, req.Repository, "", firstPage()), req, func(answer *answer) ([]Tag, error) {
		var page struct {
			Tags nameList `json:"tags"`
		}
		if err := decodePage(answer, &page); err != nil || page.Tags == nil {
			return nil, err
		}
		tags := make([]Tag, len(page.Tags))
		for i, name := range page.Tags {
			tags[i].Name = name
		}
		return tags, nil
	})
}

// tags collects the tags that match. decode returns nil for a page without a list.
func (c *Client) tags(ctx context.Context, r request, req TagsRequest, decode func(*answer) ([]Tag, error)) ([]Tag, error) {
	tags := selection[Tag]{
		limit:   req.Limit,
		name:    func(tag Tag) string { return tag.Name },
		wanted:  func(tag Tag) bool { return matches(req.NameRegex, tag.Name) },
		compare: inOrder(req.OrderBy, func(tag Tag) (name, updated string) { return tag.Name, tag.LastUpdateTime }),
	}
	err := c.pages(ctx, r, func(answer *answer) (int, bool, error) {
		page, err := decode(answer)
		if err != nil {
			return 0, false, err
		}
		if page == nil {
			return 0, false, errNoList
		}
		more, err := tags.add(page)
		return len(page), more, err
	})
	if err != nil {
		return nil, err
	}
	return tags.result(), nil
}

// The longest texts of a tag, in bytes: the grammar's for a name, and the longest digest and time with room to spare.
const (
	maxTagName = 128
	maxTagText = 256
)

// tagList is the tags array of ACR's own API; nil if there is none, empty for null.
type tagList []Tag

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *tagList) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*l = tagList{}
	return wire.EachElement(d, func() error {
		var raw struct {
			Name           string                `json:"name"`
			Digest         string                `json:"digest"`
			CreatedTime    string                `json:"createdTime"`
			LastUpdateTime string                `json:"lastUpdateTime"`
			Attributes     *ChangeableAttributes `json:"changeableAttributes"`
		}
		if err := json.UnmarshalDecode(d, &raw); err != nil {
			return err
		}
		if raw.Name == "" || len(raw.Name) > maxTagName || max(len(raw.Digest), len(raw.CreatedTime), len(raw.LastUpdateTime)) > maxTagText {
			return wire.ErrShape
		}
		*l = append(*l, Tag{raw.Name, raw.Digest, raw.CreatedTime, raw.LastUpdateTime, raw.Attributes.attributes()})
		return nil
	})
}
