package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type repositoryDataSource struct {
	connectedDataSource
}

func newRepositoryDataSource() datasource.DataSource { return &repositoryDataSource{} }

// repositoryModel is data "acr_repository".
type repositoryModel struct {
	Name           types.String `tfsdk:"name"`
	CreatedTime    types.String `tfsdk:"created_time"`
	LastUpdateTime types.String `tfsdk:"last_update_time"`
	ManifestCount  types.Int64  `tfsdk:"manifest_count"`
	TagCount       types.Int64  `tfsdk:"tag_count"`
	locksModel
}

func (d *repositoryDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_repository"
}

func (d *repositoryDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: "Name of the repository, such as `team/app`, without the registry.",
			Validators:          []validator.String{repositorySyntax},
		},
		"created_time":     schema.StringAttribute{Computed: true, MarkdownDescription: "When the repository was made, RFC 3339."},
		"last_update_time": schema.StringAttribute{Computed: true, MarkdownDescription: "When the repository last changed, RFC 3339."},
		"manifest_count":   schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of manifests."},
		"tag_count":        schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of tags."},
	}
	addLockAttributes(attributes, "repository")
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the properties of a repository. Only registries on Azure have them.",
		Attributes:          attributes,
	}
}

func (d *repositoryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model repositoryModel
	client, ok := d.begin(ctx, req, &model, resp)
	if !ok {
		return
	}
	repository, err := client.Repository(ctx, model.Name.ValueString())
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "name"}))
		return
	}
	model.CreatedTime = textOrNull(repository.CreatedTime)
	model.LastUpdateTime = textOrNull(repository.LastUpdateTime)
	model.ManifestCount = types.Int64Value(repository.ManifestCount)
	model.TagCount = types.Int64Value(repository.TagCount)
	model.locksModel = newLocksModel(repository.Attributes)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}
