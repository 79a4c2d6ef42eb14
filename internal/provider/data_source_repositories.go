package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

type repositoriesDataSource struct {
	connectedDataSource
}

func newRepositoriesDataSource() datasource.DataSource { return &repositoriesDataSource{} }

// repositoriesModel is data "acr_repositories".
type repositoriesModel struct {
	Prefix    types.String `tfsdk:"prefix"`
	NameRegex types.String `tfsdk:"name_regex"`
	Limit     types.Int64  `tfsdk:"limit"`
	Names     []string     `tfsdk:"names"`
}

func (d *repositoriesDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_repositories"
}

func (d *repositoriesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the repositories of the registry. All pages of the list are read, unless `limit` lets the provider stop earlier. " +
			"A repository-scoped token may not do this.",
		Attributes: map[string]schema.Attribute{
			"prefix": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Keep the repositories whose name begins so, such as `team/`.",
			},
			"name_regex": nameRegexAttribute("repositories"),
			"limit":      limitAttribute("Keep at most this many repositories, counted after `prefix` and `name_regex`. Default: all."),
			"names":      schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the repositories, sorted."},
		},
	}
}

func (d *repositoriesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model repositoriesModel
	client, ok := d.begin(ctx, req, &model, resp)
	if !ok {
		return
	}
	names, err := client.Repositories(ctx, acr.RepositoriesRequest{
		Prefix:    model.Prefix.ValueString(),
		NameRegex: regexOrNil(model.NameRegex),
		Limit:     int(model.Limit.ValueInt64()),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{}))
		return
	}
	makeRoom(len(names))
	model.Names = listOrEmpty(names)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}
