package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// connection is what data sources and resources get from the provider block: a client, or the names of the attributes
// that are known only after apply.
type connection struct {
	client  *acr.Client
	sources *copySources
	unknown []string
}

// connectionFrom returns what the provider's Configure shared. It is nil during validation, when there is no provider
// configuration yet and nothing is read.
func connectionFrom(providerData any) *connection {
	shared, _ := providerData.(*connection)
	return shared
}

// open returns the client. It fails if the provider block is unknown: otherwise it could reach the wrong registry, or
// the right one as an anonymous caller. unknown is the explanation of that, which depends on what can wait for apply.
func (c *connection) open(unknown fault.Reason, diags *diag.Diagnostics) (client *acr.Client, ok bool) {
	if len(c.unknown) > 0 {
		diags.Append(unknownConfigurationError(unknown, c.unknown))
		return nil, false
	}
	return c.client, true
}

// begin starts every operation: it decodes the block and opens the connection.
func (c *connection) begin(ctx context.Context, from rawBlock, unknown fault.Reason, diags *diag.Diagnostics) (client *acr.Client, b block, ok bool) {
	b = newBlock(ctx, from, diags)
	if diags.HasError() {
		return nil, block{}, false
	}
	client, ok = c.open(unknown, diags)
	return client, b, ok
}

// connectedDataSource is embedded by every data source.
type connectedDataSource struct {
	connection *connection
}

func (d *connectedDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.connection = connectionFrom(req.ProviderData)
}

func (d *connectedDataSource) begin(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) (client *acr.Client, b block, ok bool) {
	return d.connection.begin(ctx, req.Config, unknownConfiguration, &resp.Diagnostics)
}

// connectedEphemeralResource is embedded by every ephemeral resource.
type connectedEphemeralResource struct {
	connection *connection
}

func (r *connectedEphemeralResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	r.connection = connectionFrom(req.ProviderData)
}

func (r *connectedEphemeralResource) begin(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) (client *acr.Client, b block, ok bool) {
	return r.connection.begin(ctx, req.Config, unknownForResource, &resp.Diagnostics)
}

// connectedResource is embedded by every resource.
type connectedResource struct {
	connection *connection
}

func (r *connectedResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.connection = connectionFrom(req.ProviderData)
}

func (r *connectedResource) begin(ctx context.Context, from rawBlock, diags *diag.Diagnostics) (client *acr.Client, b block, ok bool) {
	return r.connection.begin(ctx, from, unknownForResource, diags)
}

// beginRead is begin for a read. It forgets a resource of another registry, and completes the identity, which
// an import by an id lacks.
func (r *connectedResource) beginRead(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) (client *acr.Client, state block, ok bool) {
	if client, state, ok = r.begin(ctx, req.State, &resp.Diagnostics); !ok {
		return nil, block{}, false
	}
	if elsewhere(ctx, req.Identity, client) != "" {
		resp.State.RemoveResource(ctx)
		return nil, block{}, false
	}
	identify(ctx, resp.Identity, client, state, &resp.Diagnostics)
	return client, state, true
}

// beginUpdate is begin for a change. It refuses to change a resource of another registry, which Terraform asks for if it
// has not read the resource since the provider's registry changed.
func (r *connectedResource) beginUpdate(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) (client *acr.Client, plan, state block, ok bool) {
	state = newBlock(ctx, req.State, &resp.Diagnostics)
	if client, plan, ok = r.begin(ctx, req.Plan, &resp.Diagnostics); !ok {
		return nil, block{}, block{}, false
	}
	if registry := elsewhere(ctx, req.Identity, client); registry != "" {
		resp.Diagnostics.AddError(explanations[otherRegistry].Summary, elsewhereDetail(otherRegistry, registry, client))
		return nil, block{}, block{}, false
	}
	return client, plan, state, true
}

// beginDelete is begin for a removal. It leaves a resource of another registry alone, with a warning.
func (r *connectedResource) beginDelete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) (client *acr.Client, state block, ok bool) {
	if client, state, ok = r.begin(ctx, req.State, &resp.Diagnostics); !ok {
		return nil, block{}, false
	}
	if registry := elsewhere(ctx, req.Identity, client); registry != "" {
		resp.Diagnostics.AddWarning(explanations[leftElsewhere].Summary, elsewhereDetail(leftElsewhere, registry, client))
		return nil, block{}, false
	}
	return client, state, true
}

// elsewhere returns the registry in which a resource was created, if that is another than the provider's; else empty. Only
// Terraform 1.12 and later keep the identity that says so.
func elsewhere(ctx context.Context, identity *tfsdk.ResourceIdentity, client *acr.Client) string {
	var registry types.String
	diags := identity.GetAttribute(ctx, path.Root("registry"), &registry)
	if diags.HasError() || registry.ValueString() == client.Registry() {
		return ""
	}
	return registry.ValueString()
}

// elsewhereDetail returns the text of a diagnostic about a resource of another registry.
func elsewhereDetail(reason fault.Reason, registry string, client *acr.Client) string {
	return explanations[reason].detail("It is in: "+registry, "The provider works with: "+client.Registry())
}
