package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
)

type bearerTokenDataSource struct {
	connectedDataSource
}

func newBearerTokenDataSource() datasource.DataSource { return &bearerTokenDataSource{} }

func (d *bearerTokenDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_bearer_token"
}

func (d *bearerTokenDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Fetches a bearer token from the registry, for other tools to read with. The other data sources of this " +
			"provider fetch their own.\n\n~> **The token is written to the state and to plan files in the clear.** Every plan fetches a " +
			"new token, so anything that uses it shows a change in every plan. From Terraform 1.10 and OpenTofu 1.11 on, use the ephemeral " +
			"resource `acr_bearer_token`, whose token is never written.",
		Attributes: bearerTokenAttributes(),
	}
}

func (d *bearerTokenDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	if read, ok := readBearerToken(ctx, client, config, &resp.Diagnostics); ok {
		config.write(ctx, &resp.State, &resp.Diagnostics, read)
	}
}
