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
		"created_time":     schema.StringAttribute{Computed: true, MarkdownDescription: "When the repository was created, RFC 3339."},
		"last_update_time": schema.StringAttribute{Computed: true, MarkdownDescription: "When the repository last changed, RFC 3339."},
		"manifest_count":   schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of manifests."},
		"tag_count":        schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of tags."},
	}
	addLockAttributes(attributes, "repository")
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the properties of a repository. Only Azure registries have them.",
		Attributes:          attributes,
	}
}

func (d *repositoryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	repository, err := client.Repository(ctx, config.text("name"))
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "name"}))
		return
	}
	read := newLocksModel(repository.Attributes).values()
	read["created_time"] = textOrNull(repository.CreatedTime)
	read["last_update_time"] = textOrNull(repository.LastUpdateTime)
	read["manifest_count"] = types.Int64Value(repository.ManifestCount)
	read["tag_count"] = types.Int64Value(repository.TagCount)
	config.write(ctx, &resp.State, &resp.Diagnostics, read)
}
