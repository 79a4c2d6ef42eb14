package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
)

// bearerTokenEphemeralResource has no Renew: a renewed token is a new value, and Terraform could not pass it on. It is
// opened again at plan and at apply instead.
type bearerTokenEphemeralResource struct {
	connectedEphemeralResource
}

func newBearerTokenEphemeralResource() ephemeral.EphemeralResource {
	return &bearerTokenEphemeralResource{}
}

func (r *bearerTokenEphemeralResource) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = "acr_bearer_token"
}

func (r *bearerTokenEphemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	attributes := map[string]schema.Attribute{}
	for name, attribute := range bearerTokenAttributes() {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Fetches a bearer token from the registry, to configure another provider or to pass to a write-only attribute. " +
			"A new token is fetched at plan and at apply. It is written neither to the state nor to plan files. Requires Terraform 1.10 or " +
			"OpenTofu 1.11.",
		Attributes: attributes,
	}
}

func (r *bearerTokenEphemeralResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	client, config, ok := r.begin(ctx, req, resp)
	if !ok {
		return
	}
	if read, ok := readBearerToken(ctx, client, config, &resp.Diagnostics); ok {
		config.write(ctx, &resp.Result, &resp.Diagnostics, read)
	}
}
