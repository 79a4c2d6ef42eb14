package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

type manifestsDataSource struct {
	connectedDataSource
}

func newManifestsDataSource() datasource.DataSource { return &manifestsDataSource{} }

var manifestDetailsType = elementType(manifestDetailsAttributes)

// manifestDetailsValues returns an element of the list.
func manifestDetailsValues(m acr.ManifestDetails) values {
	element := newLocksModel(m.Attributes).values()
	element["digest"] = types.StringValue(m.Digest)
	element["media_type"] = textOrNull(m.MediaType)
	element["config_media_type"] = textOrNull(m.ConfigMediaType)
	element["size"] = types.Int64PointerValue(m.Size)
	element["architecture"] = textOrNull(m.Architecture)
	element["os"] = textOrNull(m.OS)
	element["tags"] = textList(m.Tags)
	element["created_time"] = textOrNull(m.CreatedTime)
	element["last_update_time"] = textOrNull(m.LastUpdateTime)
	element["quarantine_state"] = textOrNull(m.QuarantineState)
	element["quarantine_details"] = textOrNull(m.QuarantineDetails)
	return element
}

func manifestDetailsAttributes() map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{
		"digest":            schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of the manifest."},
		"media_type":        schema.StringAttribute{Computed: true, MarkdownDescription: "Media type of the manifest; null if the registry does not say."},
		"config_media_type": schema.StringAttribute{Computed: true, MarkdownDescription: "Media type of the configuration; null if the registry does not say."},
		"size": schema.Int64Attribute{Computed: true, MarkdownDescription: "Size of the image in bytes, layers included, as " +
			"the registry counts it; 0 or null if it does not."},
		"architecture": schema.StringAttribute{Computed: true, MarkdownDescription: "Architecture of an image; null if the registry does not say."},
		"os":           schema.StringAttribute{Computed: true, MarkdownDescription: "Operating system of an image; null if the registry does not say."},
		"tags": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Tags that name the " +
			"manifest, or an empty list. A child of an index usually has none."},
		"created_time":       schema.StringAttribute{Computed: true, MarkdownDescription: "When the manifest was first pushed, RFC 3339."},
		"last_update_time":   schema.StringAttribute{Computed: true, MarkdownDescription: "When the manifest last changed, RFC 3339."},
		"quarantine_state":   schema.StringAttribute{Computed: true, MarkdownDescription: "State of the quarantine; null if there is none."},
		"quarantine_details": schema.StringAttribute{Computed: true, MarkdownDescription: "The scanner's details as JSON; null if there are none, or over 64 KiB of them."},
	}
	addLockAttributes(attributes, "manifest")
	return attributes
}

func (d *manifestsDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_manifests"
}

func (d *manifestsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the manifests of a repository, tagged and untagged, with sizes, times and locks. The provider reads all pages of the " +
			"list, unless `limit` lets it stop earlier. Only Azure registries have this list.",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"order_by":   orderByAttribute(acr.OrderByDigest, ""),
			"untagged": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "With `true`, only return manifests without a tag; with `false`, only those with one. Default: all. A " +
					"manifest without a tag may still be in use: as a child of an index, as an artifact that is attached to another, or " +
					"by its digest.",
			},
			"limit": limitAttribute("Return at most this many manifests: the first in the order of `order_by`, after `untagged` has been applied. Default: all."),
			"manifests": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: manifestDetailsAttributes()},
				MarkdownDescription: "The manifests with their details.",
			},
		},
	}
}

func (d *manifestsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	manifests, err := client.Manifests(ctx, acr.ManifestsRequest{
		Repository: config.text("repository"),
		OrderBy:    config.text("order_by"),
		Untagged:   get[types.Bool](config, "untagged").ValueBoolPointer(),
		Limit:      int(config.number("limit")),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "repository"}))
		return
	}
	makeRoom(len(manifests))
	config.write(ctx, &resp.State, &resp.Diagnostics, values{"manifests": objectList(manifestDetailsType(), manifests, manifestDetailsValues)})
}
