package acr

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// OrderByDigest is the default order of a list of manifests.
const OrderByDigest = "digest"

// ManifestsRequest says which manifests to list.
type ManifestsRequest struct {
	Repository string
	OrderBy    string // one of the orders; empty for OrderByDigest
	Untagged   *bool  // true for those without a tag, false for those with one; nil for all
	Limit      int    // counted after Untagged; 0 for no limit
}

func (r ManifestsRequest) wants(m ManifestDetails) bool {
	return r.Untagged == nil || *r.Untagged == (len(m.Tags) == 0)
}

// ManifestDetails is what ACR's own API knows of a manifest. What it leaves out, or what is absurdly long, is zero; Size and
// Attributes are nil.
type ManifestDetails struct {
	Digest            string
	MediaType         string
	ConfigMediaType   string
	Size              *int64 // in bytes, with the layers: ACR's imageSize
	Architecture      string
	OS                string
	Tags              []string
	CreatedTime       string // RFC 3339 as sent, with up to 7 fractional digits
	LastUpdateTime    string // likewise
	Attributes        *Attributes
	QuarantineState   string
	QuarantineDetails string // JSON, as the scanner wrote it
}

// Manifests lists the manifests of a repository, whether tagged or not. Only ACR's own API can: UnsupportedAPI elsewhere.
// The order does not depend on how the registry breaks ties. Errors are *fault.Error.
func (c *Client) Manifests(ctx context.Context, req ManifestsRequest) (manifests []ManifestDetails, err error) {
	defer c.finish(&err, fmt.Sprintf("listing the manifests of %s/%s", c.config.Registry, req.Repository))
	if err := oci.ValidateRepository(req.Repository); err != nil {
		return nil, err
	}
	query := firstPage()
	orderQuery(query, req.OrderBy)
	list := selection[ManifestDetails]{
		limit:   req.Limit,
		name:    func(m ManifestDetails) string { return m.Digest },
		wanted:  req.wants,
		compare: inOrder(req.OrderBy, func(m ManifestDetails) (name, updated string) { return m.Digest, m.LastUpdateTime }),
	}
	findings := 0 // bytes of them so far
	err = c.pages(ctx, c.request(listManifests, req.Repository, "", query), func(answer *answer) (int, bool, error) {
		var page struct {
			Manifests manifestList `json:"manifests"`
		}
		if err := decodePage(answer, &page); err != nil {
			return 0, false, err
		}
		if page.Manifests == nil {
			return 0, false, errNoList
		}
		for _, m := range page.Manifests {
			findings += len(m.QuarantineDetails)
		}
		if findings > MaxListFindings {
			return 0, false, fmt.Errorf("%w: the scanners' findings in the list are over %d MiB together", wire.ErrTooLarge, MaxListFindings>>20)
		}
		more, err := list.add(page.Manifests)
		return len(page.Manifests), more, err
	})
	if lacksAPI(err) {
		return nil, unsupported(err, "only Azure Container Registry lists manifests")
	}
	if err != nil {
		return nil, err
	}
	return list.result(), nil
}

// MaxListFindings bounds the scanners' findings in a whole list of manifests, in bytes.
const MaxListFindings = 64 << 20

// The longest texts of a manifest's details, in bytes, with room to spare. A longer one is left out: whoever pushed or
// scanned the image may have chosen it, and the list is about all the others too.
const (
	maxManifestText = 256
	maxFindings     = 64 << 10
)

// atMost returns a text, empty if it is longer than it may be.
func atMost(most int, text string) string {
	if len(text) > most {
		return ""
	}
	return text
}

// manifestList is the manifests array of ACR's own API; nil if there is none, empty for null.
type manifestList []ManifestDetails

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *manifestList) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*l = manifestList{}
	return wire.EachElement(d, func() error {
		var raw struct {
			Digest          string   `json:"digest"`
			MediaType       string   `json:"mediaType"`
			ConfigMediaType string   `json:"configMediaType"`
			Size            *int64   `json:"imageSize"`
			Architecture    string   `json:"architecture"`
			OS              string   `json:"os"`
			Tags            nameList `json:"tags"`
			CreatedTime     string   `json:"createdTime"`
			LastUpdateTime  string   `json:"lastUpdateTime"`
			Attributes      *struct {
				ChangeableAttributes
				QuarantineState   string `json:"quarantineState"`
				QuarantineDetails string `json:"quarantineDetails"`
			} `json:"changeableAttributes"`
		}
		if err := json.UnmarshalDecode(d, &raw); err != nil {
			return err
		}
		if oci.ValidateDigest(raw.Digest) != nil {
			return wire.ErrShape
		}
		m := ManifestDetails{
			Digest:          raw.Digest,
			MediaType:       atMost(maxManifestText, raw.MediaType),
			ConfigMediaType: atMost(maxManifestText, raw.ConfigMediaType),
			Size:            raw.Size,
			Architecture:    atMost(maxManifestText, raw.Architecture),
			OS:              atMost(maxManifestText, raw.OS),
			Tags:            raw.Tags,
			CreatedTime:     atMost(maxManifestText, raw.CreatedTime),
			LastUpdateTime:  atMost(maxManifestText, raw.LastUpdateTime),
		}
		if a := raw.Attributes; a != nil {
			m.Attributes = a.attributes()
			m.QuarantineState = atMost(maxManifestText, a.QuarantineState)
			m.QuarantineDetails = atMost(maxFindings, a.QuarantineDetails)
		}
		*l = append(*l, m)
		return nil
	})
}
