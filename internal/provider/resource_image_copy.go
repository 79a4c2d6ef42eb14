package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

type imageCopyResource struct {
	connectedResource
}

var (
	_ resource.ResourceWithIdentity    = (*imageCopyResource)(nil)
	_ resource.ResourceWithImportState = (*imageCopyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*imageCopyResource)(nil)
)

func newImageCopyResource() resource.Resource { return &imageCopyResource{} }

// copiedSubject has the attributes that errors about the target of acr_image_copy are about.
var copiedSubject = subject{repository: "repository", tag: "tag"}

func (r *imageCopyResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "acr_image_copy"
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *imageCopyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Copies an image, an index with all its platforms or any other artifact into a repository, with its signatures, " +
			"and puts a tag on it. The digest never changes. Within a registry, blobs are mounted and not transferred. From another " +
			"registry they are streamed through this machine, checked on the way and never written to disk. What the target already has is " +
			"not sent again. The tag is written last, so it never names half an image. Destroying removes only the tag, unless it names another " +
			"image by then; content is never deleted. The identity needs permission to pull at the source and to push here, and to delete for removing the tag.\n\nLayers " +
			"with foreign, or non-distributable, media types are left out, as by `docker push`: a client that pulls the copy gets them " +
			"from the `urls` in the manifest.",
		Attributes: map[string]schema.Attribute{
			"source": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Image to copy, by its digest: `registry/repository@sha256:…`, such as `image` of `acr_manifest`. If " +
					"you change it, the new image is copied first, and then the tag moves. Docker Hub's registry is `registry-1.docker.io`, " +
					"and requires `auth.docker.io` in the provider's `trusted_token_hosts`.",
				Validators: []validator.String{sourceSyntax},
			},
			"repository": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Repository of the provider's registry to copy to, such as `mirror/app`. Changing it creates a new resource.",
				Validators:          []validator.String{repositorySyntax},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"tag": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Tag for the copy. If the tag already exists and names another image, creating it fails. If somebody moves " +
					"or removes it later, the next apply puts it back. Changing it creates a new resource, without copying content again. " +
					"Default: none.",
				Validators: []validator.String{tagSyntax},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(
					func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
						resp.RequiresReplace = !req.StateValue.IsNull()
					}, "Changing an existing tag creates a new resource.", "Changing an existing tag creates a new resource.")},
			},
			"referrers": schema.BoolAttribute{
				Optional: true, Computed: true,
				Default: booldefault.StaticBool(true),
				MarkdownDescription: "Also copy signatures, SBOMs and other referrers: those of the image, of its platforms and of other " +
					"referrers, and those that cosign keeps under the tags `sha256-….sig`, `.att` and `.sbom`. At most 1,000. Default: " +
					"`true`.",
			},
			"source_username": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "User name for the source's registry. Without it, a source in the same registry is read with the " +
					"provider's own credential. A source in another Azure registry of the same cloud is read with the provider's identity " +
					"of Entra ID. Any other is read with the Docker config, if the provider uses it, or anonymously. The provider's own " +
					"password is never sent to another registry.",
				Validators: []validator.String{usernameSyntax, stringvalidator.AlsoRequires(path.MatchRoot("source_password_wo"))},
			},
			"source_password_wo": schema.StringAttribute{
				Optional: true, Sensitive: true, WriteOnly: true,
				MarkdownDescription: "Password of `source_username`. It is in no plan and no state, and may be an ephemeral value. Requires " +
					"Terraform 1.11 or OpenTofu 1.11.",
				Validators: []validator.String{passwordSyntax, stringvalidator.AlsoRequires(path.MatchRoot("source_username"))},
			},
			"image": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Reference that always names exactly this copy, `registry/repository@sha256:…`. Deploy this.",
			},
			"digest": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Digest of the copy, the same as in `source`. If somebody has moved the tag, this is the digest that the " +
					"tag points to, until the next apply puts it back.",
			},
			"media_type": schema.StringAttribute{Computed: true, MarkdownDescription: "Media type of the manifest."},
		},
	}
}

func (r *imageCopyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityIn(map[string]identityschema.Attribute{
		"digest": identityschema.StringAttribute{RequiredForImport: true, Description: "Digest of the copy."},
	})
}

// ModifyPlan shows what the copy will be. It sends nothing.
func (r *imageCopyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.connection == nil || r.connection.client == nil {
		return
	}
	plan := newBlock(ctx, req.Plan, &resp.Diagnostics)
	planned := values{"digest": types.StringUnknown(), "image": types.StringUnknown(), "media_type": types.StringUnknown()}
	source, err := parseSource(plan.text("source"))
	if err == nil {
		planned["digest"] = types.StringValue(source.Digest)
	}
	if repository := get[types.String](plan, "repository"); err == nil && !repository.IsUnknown() {
		planned["image"] = types.StringValue(r.connection.client.Pin(repository.ValueString(), digest.Digest(source.Digest)))
	}
	if !req.State.Raw.IsNull() {
		if state := newBlock(ctx, req.State, &resp.Diagnostics); planned["digest"].Equal(state.configured["digest"]) {
			planned["media_type"] = state.configured["media_type"]
		}
	}
	plan.write(ctx, &resp.Plan, &resp.Diagnostics, planned)
}

func (r *imageCopyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	config := newBlock(ctx, req.Config, &resp.Diagnostics)
	if client, plan, ok := r.begin(ctx, req.Plan, &resp.Diagnostics); ok {
		r.copy(ctx, client, imageCopy{plan, passwordOf(config), ""}, &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

func (r *imageCopyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	client, state, ok := r.beginRead(ctx, req, resp)
	if !ok {
		return
	}
	found, tagged, err := findCopy(ctx, client, state)
	switch {
	case fault.IsMissing(err):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failureDiagnostic(err, copiedSubject))
	default:
		if !tagged {
			state.configured["tag"] = types.StringNull()
		}
		writeCopy(ctx, client, state, found, &resp.State, resp.Identity, &resp.Diagnostics)
	}
}

func (r *imageCopyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	config := newBlock(ctx, req.Config, &resp.Diagnostics)
	client, plan, state, ok := r.beginUpdate(ctx, req, resp)
	if !ok {
		return
	}
	was, err := tagWas(ctx, client, plan, state)
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, copiedSubject))
		return
	}
	r.copy(ctx, client, imageCopy{plan, passwordOf(config), was}, &resp.State, resp.Identity, &resp.Diagnostics)
}

// Delete removes the tag. A tag that now names another image than the copy belongs to somebody else, and stays.
func (r *imageCopyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	client, state, ok := r.beginDelete(ctx, req, resp)
	if !ok || state.isNull("tag") {
		return
	}
	source, err := parseSource(state.text("source"))
	if err == nil {
		err = client.Untag(ctx, state.text("repository"), state.text("tag"), source.Digest)
	}
	switch failed, _ := fault.As(err); {
	case err == nil:
	case failed.Reason == fault.TagMoved:
		resp.Diagnostics.Append(tagLeftWarning(failed))
	default:
		resp.Diagnostics.Append(failureDiagnostic(err, copiedSubject))
	}
}

// ImportState imports an existing manifest. The configuration says where it came from and which tag it has.
func (r *imageCopyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	const shape = "`mirror/app@sha256:…`"
	target, ok := r.importTarget(ctx, req, shape, &resp.Diagnostics)
	if !ok {
		return
	}
	if target.Digest == "" {
		resp.Diagnostics.Append(importError(invalidID(req.ID), shape))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("repository"), target.Repository)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("digest"), target.Digest)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("referrers"), true)...)
}

// imageCopy is a copy to make.
type imageCopy struct {
	plan     block
	password secret.Text // source_password_wo, which is only in the configuration
	was      string      // digest that the tag names so far; empty for none
}

func passwordOf(config block) secret.Text { return secret.New(config.text("source_password_wo")) }

// copy makes a copy, and sets the state.
func (r *imageCopyResource) copy(ctx context.Context, client *acr.Client, c imageCopy, state *tfsdk.State, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	source, err := parseSource(c.plan.text("source"))
	if err != nil {
		diags.Append(invalidValueDiagnostic(err, path.Root("source")))
		return
	}
	from, done, err := r.connection.sources.client(ctx, client, source.Registry, c.plan.text("source_username"), c.password)
	if err != nil {
		diags.Append(failureDiagnostic(err, copiedSubject))
		return
	}
	defer done()
	manifest, err := client.CopyImage(ctx, acr.CopyRequest{
		Source:           from,
		SourceRepository: source.Repository,
		Digest:           source.Digest,
		Repository:       c.plan.text("repository"),
		Tag:              c.plan.text("tag"),
		Was:              c.was,
		Referrers:        c.plan.flag("referrers"),
	})
	if err != nil {
		diags.Append(copyFailure(ctx, client, c.plan, failureOf(err)))
		return
	}
	writeCopy(ctx, client, c.plan, manifest, state, identity, diags)
}

// copyFailure returns the error for a copy. A failure of the source is on `source`, with advice on its credential, which
// within the provider's registry is the provider's own. For a tag that names another image, it shows the block that imports
// it.
func copyFailure(ctx context.Context, client *acr.Client, plan block, failed *fault.Error) diag.Diagnostic {
	summary, detail := explanations[failed.Reason].Summary, failureDetail(failed)
	source, err := parseSource(plan.text("source"))
	switch {
	case failed.Argument == "source" && err == nil && source.Registry == client.Registry():
		return diag.NewAttributeErrorDiagnostic(path.Root("source"), "Source: "+summary, detail)
	case failed.Argument == "source" && failed.Reason == fault.NoCredential:
		anonymous := *failed
		anonymous.Reason = noSourceCredential
		return diag.NewAttributeErrorDiagnostic(path.Root("source"), explanations[noSourceCredential].Summary, failureDetail(&anonymous))
	case failed.Argument == "source":
		detail += "\nThis is about the source. There, `source_username` and `source_password_wo` take the place of `username` and `password`, " +
			"and the provider's own password is never sent."
		return diag.NewAttributeErrorDiagnostic(path.Root("source"), "Source: "+summary, detail)
	case failed.Reason == fault.TagElsewhere:
		there, err := client.Manifest(ctx, acr.ManifestRequest{Repository: plan.text("repository"), Tag: plan.text("tag")})
		if err == nil {
			detail += importBlock("acr_image_copy", plan.text("repository")+"@"+there.Digest.String())
		}
		return diag.NewAttributeErrorDiagnostic(path.Root("tag"), summary, detail)
	}
	return failureDiagnostic(failed, copiedSubject)
}

// findCopy reads the copy, by its tag or else by its digest. tagged reports whether it has its tag.
func findCopy(ctx context.Context, client *acr.Client, state block) (found *oci.Manifest, tagged bool, err error) {
	repository := state.text("repository")
	if !state.isNull("tag") {
		found, err = client.Manifest(ctx, acr.ManifestRequest{Repository: repository, Tag: state.text("tag")})
		if !fault.IsMissing(err) {
			return found, true, err
		}
	}
	found, err = client.Manifest(ctx, acr.ManifestRequest{Repository: repository, Digest: state.text("digest")})
	return found, false, err
}

// tagWas returns the digest that the planned tag named according to the state, empty for none. After an import the
// state has no tag, so one that names the imported manifest counts.
func tagWas(ctx context.Context, client *acr.Client, plan, state block) (string, error) {
	switch {
	case plan.isNull("tag"):
		return "", nil
	case !state.isNull("tag"):
		return state.text("digest"), nil
	}
	found, err := client.Manifest(ctx, acr.ManifestRequest{Repository: plan.text("repository"), Tag: plan.text("tag")})
	if fault.IsMissing(err) {
		return "", nil
	}
	if err != nil || !found.Is(digest.Digest(state.text("digest"))) {
		return "", err
	}
	return state.text("digest"), nil
}

// writeCopy sets the state of a copy to a manifest.
func writeCopy(ctx context.Context, client *acr.Client, b block, manifest *oci.Manifest, state *tfsdk.State, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	read := putValues(client, b, manifest)
	b.configured["digest"] = read["digest"]
	b.write(ctx, state, diags, read)
	identify(ctx, identity, client, b, diags)
}

// parseSource parses `registry/repository@digest`. It ignores a tag before the digest.
func parseSource(reference string) (*oci.Image, error) {
	image, err := oci.ParseImage(reference)
	if err != nil {
		return nil, err
	}
	if image.Digest == "" {
		return nil, fault.Invalid("source", "%q has no digest, which says exactly what is copied; %s", secret.Excerpt(reference), digestAdvice)
	}
	if err := oci.ValidateDigest(image.Digest); err != nil {
		return nil, err
	}
	if image.Registry == "docker.io" || image.Registry == "index.docker.io" {
		return nil, fault.Invalid("source", "%q is an image of Docker Hub, whose registry is registry-1.docker.io", secret.Excerpt(reference))
	}
	if image.Registry, err = acr.ParseRegistry(image.Registry); err != nil {
		return nil, err
	}
	return image, nil
}
