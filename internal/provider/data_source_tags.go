package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

type tagsDataSource struct {
	connectedDataSource
}

func newTagsDataSource() datasource.DataSource { return &tagsDataSource{} }

// tagsModel is data "acr_tags".
type tagsModel struct {
	Repository types.String `tfsdk:"repository"`
	OrderBy    types.String `tfsdk:"order_by"`
	NameRegex  types.String `tfsdk:"name_regex"`
	Limit      types.Int64  `tfsdk:"limit"`
	Names      []string     `tfsdk:"names"`
	Tags       types.List   `tfsdk:"tags"`
}

var tagType = elementType(tagAttributes)

// tagValues is an element of the list.
func tagValues(tag acr.Tag) map[string]attr.Value {
	locks := newLocksModel(tag.Attributes)
	return map[string]attr.Value{
		"name":             types.StringValue(tag.Name),
		"digest":           textOrNull(tag.Digest),
		"created_time":     textOrNull(tag.CreatedTime),
		"last_update_time": textOrNull(tag.LastUpdateTime),
		"delete_enabled":   locks.DeleteEnabled,
		"write_enabled":    locks.WriteEnabled,
		"read_enabled":     locks.ReadEnabled,
		"list_enabled":     locks.ListEnabled,
	}
}

func tagAttributes() map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{
		"name":             schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the tag."},
		"digest":           schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of the manifest that the tag names; null where the registry does not tell."},
		"created_time":     schema.StringAttribute{Computed: true, MarkdownDescription: "When the tag was made, RFC 3339; null where the registry does not tell."},
		"last_update_time": schema.StringAttribute{Computed: true, MarkdownDescription: "When the tag was last moved or changed, RFC 3339; null where the registry does not tell."},
	}
	addLockAttributes(attributes, "tag")
	return attributes
}

func (d *tagsDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_tags"
}

func (d *tagsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the tags of a repository. All pages of the list are read, unless `limit` lets the provider stop earlier. On a " +
			"registry that is not Azure's, only the names are known.",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"order_by": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Order of the lists: `name` (default), `time_desc` (the last updated first) or `time_asc`. An order by time is an " +
					"error on a registry that does not tell times.",
				Validators: []validator.String{stringvalidator.OneOf(acr.OrderByName, acr.OrderByTimeDesc, acr.OrderByTimeAsc)},
			},
			"name_regex": nameRegexAttribute("tags"),
			"limit":      limitAttribute("Keep at most this many tags, the first ones in the order, counted after `name_regex`. Default: all."),
			"names":      schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the tags."},
			"tags": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: tagAttributes()},
				MarkdownDescription: "The tags with what the registry tells of them, in the same order as `names`.",
			},
		},
	}
}

func (d *tagsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model tagsModel
	client, ok := d.begin(ctx, req, &model, resp)
	if !ok {
		return
	}
	tags, err := client.Tags(ctx, acr.TagsRequest{
		Repository: model.Repository.ValueString(),
		OrderBy:    model.OrderBy.ValueString(),
		NameRegex:  regexOrNil(model.NameRegex),
		Limit:      int(model.Limit.ValueInt64()),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "repository"}))
		return
	}
	makeRoom(len(tags))
	model.fill(tags)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// fill takes over what was read.
func (m *tagsModel) fill(tags []acr.Tag) {
	m.Names = make([]string, len(tags))
	for i, tag := range tags {
		m.Names[i] = tag.Name
	}
	m.Tags = objectsOrNull(tagType(), tags, tagValues)
}
