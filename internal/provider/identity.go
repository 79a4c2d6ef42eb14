package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// identityIn returns the identity of something in a repository, with the attributes that name it there.
func identityIn(attributes map[string]identityschema.Attribute) identityschema.Schema {
	attributes["registry"] = identityschema.StringAttribute{OptionalForImport: true, Description: "Login server, as in the provider block, which is the default."}
	attributes["repository"] = identityschema.StringAttribute{RequiredForImport: true, Description: "Repository, without the registry."}
	return identityschema.Schema{Attributes: attributes}
}

// identify writes a resource's identity: the registry, and the attributes of the block that are part of it.
func identify(ctx context.Context, identity *tfsdk.ResourceIdentity, client *acr.Client, b block, diags *diag.Diagnostics) {
	for name := range identity.Schema.GetAttributes() {
		value := b.configured[name]
		if name == "registry" {
			value = types.StringValue(client.Registry())
		}
		diags.Append(identity.SetAttribute(ctx, path.Root(name), value)...)
	}
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

// elsewhereDetail returns the text of a diagnostic about a resource of another registry.
func elsewhereDetail(reason fault.Reason, registry string, client *acr.Client) string {
	return explanations[reason].detail("It is in: "+registry, "The provider works with: "+client.Registry())
}

// importTarget returns what to import, by its id or by its identity. shapes are the forms of ids, for the error.
func (r *connectedResource) importTarget(ctx context.Context, req resource.ImportStateRequest, shapes string, diags *diag.Diagnostics) (target acr.Lockable, ok bool) {
	client, ok := r.connection.open(unknownConfiguration, diags)
	if !ok {
		return acr.Lockable{}, false
	}
	target, err := parseImportID(req.ID, client.Registry())
	if req.ID == "" {
		identity := newBlock(ctx, req.Identity, diags)
		if registry := identity.text("registry"); registry != "" && registry != client.Registry() {
			diags.AddError(explanations[fault.InvalidArgument].Summary, fmt.Sprintf(
				"identity: names the registry %q, and this provider works with %q; %s.", secret.Excerpt(registry), client.Registry(), importAdvice))
			return acr.Lockable{}, false
		}
		target = acr.Lockable{Repository: identity.text("repository"), Tag: textOf(identity.configured["tag"]), Digest: textOf(identity.configured["digest"])}
		err = target.Validate()
	}
	if err != nil {
		diags.Append(importError(err, shapes))
		return acr.Lockable{}, false
	}
	return target, true
}

// importError returns the error for an id or an identity that names nothing to import. shapes are the forms of ids.
func importError(err error, shapes string) diag.Diagnostic {
	failed := failureOf(err)
	return diag.NewErrorDiagnostic(explanations[fault.InvalidArgument].Summary, failed.Argument+": "+failed.Detail+", as in "+shapes+".")
}

// parseImportID splits `repository`, `repository:tag` or `repository@digest` into its parts. The provider's own
// registry may come first. Errors are *fault.Error about "id".
func parseImportID(id, registry string) (acr.Lockable, error) {
	target := acr.Lockable{Repository: strings.TrimPrefix(id, registry+"/")}
	err := error(nil)
	if repository, digest, found := strings.Cut(target.Repository, "@"); found {
		target, err = acr.Lockable{Repository: repository, Digest: digest}, oci.ValidateDigest(digest)
	} else if repository, tag, found := strings.Cut(target.Repository, ":"); found {
		target, err = acr.Lockable{Repository: repository, Tag: tag}, oci.ValidateTag(tag)
	}
	if err != nil || oci.ValidateRepository(target.Repository) != nil {
		return acr.Lockable{}, invalidID(id)
	}
	return target, nil
}

func invalidID(id string) error {
	return fault.Invalid("id", "%q is not an id here, which is a repository, without another registry in front, and what follows it", secret.Excerpt(id))
}
