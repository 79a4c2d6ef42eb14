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

// importTarget returns what to import, by its id or by its identity. shapes are the forms of ids, for the error.
func (r *connectedResource) importTarget(ctx context.Context, req resource.ImportStateRequest, shapes string, diags *diag.Diagnostics) (target acr.Lockable, ok bool) {
	client, ok := r.connection.open(unknownForResource, diags)
	if !ok {
		return acr.Lockable{}, false
	}
	target, err := parseImportID(req.ID, client.Registry())
	if !req.Identity.Raw.IsNull() { // `terraform import` with an empty id has neither
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
