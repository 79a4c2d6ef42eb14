package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

type lockResource struct {
	connectedResource
}

var (
	_ resource.ResourceWithIdentity    = (*lockResource)(nil)
	_ resource.ResourceWithImportState = (*lockResource)(nil)
)

func newLockResource() resource.Resource { return &lockResource{} }

func (r *lockResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "acr_lock"
}

func (r *lockResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	flag := func(text string, validators ...validator.Bool) schema.BoolAttribute {
		return schema.BoolAttribute{Optional: true, MarkdownDescription: text, Validators: validators}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Locks a repository, or a tag or a manifest in it, against writing, deleting, reading or listing. Each of the " +
			"three has its own locks and inherits none. To protect an image, lock its manifest against deleting, and its tag against " +
			"writing, so that the tag cannot be moved or removed. Terraform manages only the locks that are set here; if somebody changes " +
			"one, the plan shows it. Destroying sets them back to `true`, and so does removing one that was set or imported. Only Azure " +
			"registries have locks. The role AcrPush is not enough: an identity needs Contributor on the registry, or metadata/write in the scope map " +
			"of its repository-scoped token.",
		Attributes: map[string]schema.Attribute{
			"repository": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Repository, such as `team/app`, without the registry. Without `tag` and `digest`, the repository " +
					"itself is locked. Changing it creates a new resource.",
				Validators:    []validator.String{repositorySyntax},
				PlanModifiers: replace,
			},
			"tag": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Tag to lock. It cannot be combined with `digest`. Changing it creates a new resource.",
				Validators:          []validator.String{tagSyntax, stringvalidator.ConflictsWith(path.MatchRoot("digest"))},
				PlanModifiers:       replace,
			},
			"digest": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Digest of the manifest to lock, `sha256:…`. Changing it creates a new resource.",
				Validators:          []validator.String{digestSyntax},
				PlanModifiers:       replace,
			},
			"write_enabled": flag("Whether it may be overwritten or deleted: with `false`, a tag cannot move and a repository refuses "+
				"pushes. At least one of the four is required.",
				boolvalidator.AtLeastOneOf(path.MatchRoot("delete_enabled"), path.MatchRoot("read_enabled"), path.MatchRoot("list_enabled"))),
			"delete_enabled": flag("Whether it may be deleted."),
			"read_enabled":   flag("Whether it may be pulled."),
			"list_enabled":   flag("Whether lists show it."),
		},
	}
}

func (r *lockResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityIn(map[string]identityschema.Attribute{
		"tag":    identityschema.StringAttribute{OptionalForImport: true, Description: "Tag, where that is locked."},
		"digest": identityschema.StringAttribute{OptionalForImport: true, Description: "Digest, where a manifest is locked."},
	})
}

func (r *lockResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	if client, plan, ok := r.begin(ctx, req.Plan, &resp.Diagnostics); ok {
		putLocks(ctx, client, plan, locksModel{}, &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

func (r *lockResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	client, state, ok := r.beginRead(ctx, req, resp)
	if !ok {
		return
	}
	locks, err := client.Locks(ctx, lockable(state))
	switch {
	case fault.IsMissing(err):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failureDiagnostic(err, lockSubject(state)))
	default:
		state.write(ctx, &resp.State, &resp.Diagnostics, locksOf(state).watched(locks).values())
	}
}

func (r *lockResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	if client, plan, state, ok := r.beginUpdate(ctx, req, resp); ok {
		putLocks(ctx, client, plan, locksOf(state), &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

func (r *lockResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, state, ok := r.beginDelete(ctx, req, resp)
	if !ok {
		return
	}
	err := client.Lock(ctx, lockable(state), acr.ChangeableAttributes{}, locksOf(state).attributes())
	if err != nil && !fault.IsMissing(err) {
		resp.Diagnostics.Append(failureDiagnostic(err, lockSubject(state)))
	}
}

func (r *lockResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	target, ok := r.importTarget(ctx, req, "`team/app`, `team/app:1.0` or `team/app@sha256:…`", &resp.Diagnostics)
	if !ok {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("repository"), target.Repository)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("tag"), textOrNull(target.Tag))...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("digest"), textOrNull(target.Digest))...)
}

// putLocks sets the locks of the plan, and removes those in had that the plan does not set.
func putLocks(ctx context.Context, client *acr.Client, plan block, had locksModel, state *tfsdk.State, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	if err := client.Lock(ctx, lockable(plan), locksOf(plan).attributes(), had.attributes()); err != nil {
		diags.Append(failureDiagnostic(err, lockSubject(plan)))
		return
	}
	plan.write(ctx, state, diags, nil)
	identify(ctx, identity, client, plan, diags)
}

func lockable(b block) acr.Lockable {
	return acr.Lockable{Repository: b.text("repository"), Tag: b.text("tag"), Digest: b.text("digest")}
}

func lockSubject(b block) subject {
	return subject{repository: "repository", manifest: manifestAttribute(b.text("digest"))}
}
