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

func (d *repositoriesDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_repositories"
}

func (d *repositoriesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the repositories of the registry. The provider reads all pages of the list, unless `limit` lets it stop " +
			"earlier. A repository-scoped token cannot list repositories.",
		Attributes: map[string]schema.Attribute{
			"prefix": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only return repositories whose name starts with this, such as `team/`.",
			},
			"name_regex": nameRegexAttribute("repositories"),
			"limit":      limitAttribute("Return at most this many repositories, after `prefix` and `name_regex` have been applied. Default: all."),
			"names":      schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the repositories, sorted."},
		},
	}
}

func (d *repositoriesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	names, err := client.Repositories(ctx, acr.RepositoriesRequest{
		Prefix:    config.text("prefix"),
		NameRegex: regexOrNil(config.text("name_regex")),
		Limit:     int(config.number("limit")),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{}))
		return
	}
	makeRoom(len(names))
	config.write(ctx, &resp.State, &resp.Diagnostics, values{"names": textList(names)})
}
