package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

type tagResource struct {
	connectedResource
}

var (
	_ resource.ResourceWithIdentity    = (*tagResource)(nil)
	_ resource.ResourceWithImportState = (*tagResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*tagResource)(nil)
)

func newTagResource() resource.Resource { return &tagResource{} }

// taggedSubject has the attributes that errors of acr_tag are about.
var taggedSubject = subject{repository: "repository", manifest: "digest", tag: "tag"}

func (r *tagResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "acr_tag"
}

func (r *tagResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Puts a tag on a manifest of the same repository, to promote an image. The manifest itself does not change. If " +
			"somebody else moves the tag, the plan shows a change from one digest to another. Destroying removes only the tag, and leaves it if " +
			"it was moved since the plan. Content is never deleted. The identity needs permission to push, and permission to delete to " +
			"destroy it.",
		Attributes: map[string]schema.Attribute{
			"repository": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Repository, such as `team/app`, without the registry and without a tag. Changing it creates a new resource.",
				Validators:          []validator.String{repositorySyntax},
				PlanModifiers:       replace,
			},
			"tag": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Tag, such as `prod`. Changing it creates a new resource. If the tag already exists and names another " +
					"manifest, creating it fails, and the error shows how to import it.",
				Validators:    []validator.String{tagSyntax},
				PlanModifiers: replace,
			},
			"digest": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Digest, `sha256:…`, of the manifest in this repository that the tag should point to. Changing it moves the tag.",
				Validators:          []validator.String{digestSyntax},
			},
			"image": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Reference that always names exactly this manifest, `registry/repository@sha256:…`. Deploy this.",
			},
			"media_type": schema.StringAttribute{Computed: true, MarkdownDescription: "Media type of the manifest."},
		},
	}
}

func (r *tagResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityIn(map[string]identityschema.Attribute{
		"tag": identityschema.StringAttribute{RequiredForImport: true, Description: "Tag."},
	})
}

// ModifyPlan shows the image that the tag will name.
func (r *tagResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.connection == nil || r.connection.client == nil {
		return
	}
	plan := newBlock(ctx, req.Plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || get[types.String](plan, "repository").IsUnknown() || get[types.String](plan, "digest").IsUnknown() {
		return
	}
	image := r.connection.client.Pin(plan.text("repository"), digest.Digest(plan.text("digest")))
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("image"), image)...)
}

func (r *tagResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	if client, plan, ok := r.begin(ctx, req.Plan, &resp.Diagnostics); ok {
		putTag(ctx, client, plan, "", &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

func (r *tagResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	client, state, ok := r.beginRead(ctx, req, resp)
	if !ok {
		return
	}
	manifest, err := client.Manifest(ctx, acr.ManifestRequest{Repository: state.text("repository"), Tag: state.text("tag")})
	switch {
	case fault.IsMissing(err):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failureDiagnostic(err, taggedSubject))
	default:
		state.write(ctx, &resp.State, &resp.Diagnostics, putValues(client, state, manifest))
	}
}

func (r *tagResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	if client, plan, state, ok := r.beginUpdate(ctx, req, resp); ok {
		putTag(ctx, client, plan, state.text("digest"), &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

func (r *tagResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, state, ok := r.beginDelete(ctx, req, resp)
	if !ok {
		return
	}
	if err := client.Untag(ctx, state.text("repository"), state.text("tag"), state.text("digest")); err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, taggedSubject))
	}
}

func (r *tagResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	const shape = "`team/app:prod`"
	target, ok := r.importTarget(ctx, req, shape, &resp.Diagnostics)
	if !ok {
		return
	}
	if target.Tag == "" {
		resp.Diagnostics.Append(importError(invalidID(req.ID), shape))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("repository"), target.Repository)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("tag"), target.Tag)...)
}

// putTag writes the tag, which has named was so far, and sets the state.
func putTag(ctx context.Context, client *acr.Client, plan block, was string, state *tfsdk.State, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	manifest, err := client.PutTag(ctx, acr.TagRequest{
		Repository: plan.text("repository"),
		Tag:        plan.text("tag"),
		Digest:     plan.text("digest"),
		Was:        was,
	})
	switch failed, _ := fault.As(err); {
	case err == nil:
		plan.write(ctx, state, diags, putValues(client, plan, manifest))
		identify(ctx, identity, client, plan, diags)
	case failed.Reason == fault.TagElsewhere:
		diags.AddAttributeError(path.Root("tag"), explanations[failed.Reason].Summary, failureDetail(failed)+importBlock("acr_tag", plan.text("repository")+":"+plan.text("tag")))
	default:
		diags.Append(failureDiagnostic(err, taggedSubject))
	}
}

// putValues returns the computed attributes of acr_tag and acr_image_copy for the manifest that they put. The block's
// digest is kept if it is one of the manifest's, since it may have another algorithm.
func putValues(client *acr.Client, b block, manifest *oci.Manifest) values {
	named := digest.Digest(b.text("digest"))
	if !manifest.Is(named) {
		named = manifest.Digest
	}
	return values{
		"digest":     types.StringValue(named.String()),
		"image":      types.StringValue(client.Pin(b.text("repository"), named)),
		"media_type": types.StringValue(manifest.MediaType),
	}
}

// importBlock returns an import block to copy, indented so that Terraform does not wrap it.
func importBlock(typeName, id string) string {
	return fmt.Sprintf("\n\n  import {\n    to = %s.NAME\n    id = %q\n  }\n", typeName, id)
}
