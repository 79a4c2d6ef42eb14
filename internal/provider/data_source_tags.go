package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

type tagsDataSource struct {
	connectedDataSource
}

func newTagsDataSource() datasource.DataSource { return &tagsDataSource{} }

var tagType = elementType(tagAttributes)

// tagValues returns an element of the list.
func tagValues(tag acr.Tag) values {
	element := newLocksModel(tag.Attributes).values()
	element["name"] = types.StringValue(tag.Name)
	element["digest"] = textOrNull(tag.Digest)
	element["created_time"] = textOrNull(tag.CreatedTime)
	element["last_update_time"] = textOrNull(tag.LastUpdateTime)
	return element
}

func tagAttributes() map[string]schema.Attribute {
	attributes := map[string]schema.Attribute{
		"name":   schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the tag."},
		"digest": schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of the manifest that the tag names; null if the registry does not say."},
		"created_time": schema.StringAttribute{Computed: true, MarkdownDescription: "When the tag was created, RFC 3339; null if the " +
			"registry does not say."},
		"last_update_time": schema.StringAttribute{Computed: true, MarkdownDescription: "When the tag was last moved or changed, RFC 3339; null if the registry does not say."},
	}
	addLockAttributes(attributes, "tag")
	return attributes
}

func (d *tagsDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_tags"
}

func (d *tagsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the tags of a repository. The provider reads all pages of the list, unless `limit` lets it stop earlier. " +
			"Registries other than Azure's list only the names.",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"order_by":   orderByAttribute(acr.OrderByName, " An order by time fails on a registry without times."),
			"name_regex": nameRegexAttribute("tags"),
			"limit":      limitAttribute("Return at most this many tags: the first in the order of `order_by`, after `name_regex` has been applied. Default: all."),
			"names":      schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the tags."},
			"tags": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: tagAttributes()},
				MarkdownDescription: "The tags with their details, in the same order as `names`.",
			},
		},
	}
}

func (d *tagsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	tags, err := client.Tags(ctx, acr.TagsRequest{
		Repository: config.text("repository"),
		OrderBy:    config.text("order_by"),
		NameRegex:  regexOrNil(config.text("name_regex")),
		Limit:      int(config.number("limit")),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "repository"}))
		return
	}
	makeRoom(len(tags))
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = tag.Name
	}
	config.write(ctx, &resp.State, &resp.Diagnostics, values{
		"names": textList(names),
		"tags":  objectsOrNull(tagType(), tags, tagValues),
	})
}
