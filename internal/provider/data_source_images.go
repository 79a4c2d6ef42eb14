package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// maxReferences is how many images one block reads, so that a mistake in an expression does not become an hour of
// requests. maxShown is how many of their failures are shown.
const (
	maxReferences = 1_000
	maxShown      = 10
)

type imagesDataSource struct {
	connectedDataSource
}

func newImagesDataSource() datasource.DataSource { return &imagesDataSource{} }

// imagesModel is data "acr_images".
type imagesModel struct {
	References   map[string]string `tfsdk:"references"`
	Platform     types.String      `tfsdk:"platform"`
	AllowMissing types.Bool        `tfsdk:"allow_missing"`
	Images       map[string]string `tfsdk:"images"`
	Digests      map[string]string `tfsdk:"digests"`
	Missing      []string          `tfsdk:"missing"`
}

func (d *imagesDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_images"
}

func (d *imagesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Pins many images in one read: a map of references in, a map of pinned references out. Each is read as `acr_manifest` " +
			"reads it, but together, ten at a time and with one token for up to 20 repositories, which takes a fraction of the time of a " +
			"block for each.",
		Attributes: map[string]schema.Attribute{
			"references": schema.MapAttribute{
				Required:    true,
				ElementType: types.StringType,
				MarkdownDescription: fmt.Sprintf("Images to read, 1 to %d: a key of your own to `repository:tag` or `repository@sha256:…`. The provider's "+
					"registry may stand in front, such as `example.azurecr.io/team/app:1.4.2`. A tag is never added to a reference that has none.", maxReferences),
				Validators: []validator.Map{mapvalidator.SizeBetween(1, maxReferences), referencesSyntax{}},
			},
			"platform": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Platform to follow each index to, as `os/architecture[/variant]`, such as `linux/amd64`. An image without an index has " +
					"to be for it. Without `platform`, what a reference names is pinned as it is: an index stays an index.",
				Validators: []validator.String{platformSyntax},
			},
			"allow_missing": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Where a repository, tag or digest does not exist, put its key into `missing` in place of an error. Every other failure " +
					"stays an error. Default: `false`.",
			},
			"images": schema.MapAttribute{
				Computed:    true,
				ElementType: types.StringType,
				MarkdownDescription: "Pinned reference of each image by its key, `registry/repository@sha256:…`: what to give to a deployment. " +
					"Keys in `missing` are left out.",
			},
			"digests": schema.MapAttribute{
				Computed: true, ElementType: types.StringType, MarkdownDescription: "Digest of each image by its key, `sha256:…`.",
			},
			"missing": schema.SetAttribute{
				Computed:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Keys of the images that do not exist; empty without `allow_missing`.",
			},
		},
	}
}

func (d *imagesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model imagesModel
	client, ok := d.begin(ctx, req, &model, resp)
	if !ok {
		return
	}
	results, err := client.Images(ctx, acr.ImagesRequest{References: model.References, Platform: model.Platform.ValueString()})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{}))
		return
	}
	if failed := model.fill(results); len(failed) > 0 {
		resp.Diagnostics.Append(referenceErrors(failed)...)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// referencesSyntax holds references to their grammar at validation, before anything is sent. A mistake in the expression
// that makes them breaks them all, so it shows as few errors as a read.
type referencesSyntax struct{}

func (referencesSyntax) Description(context.Context) string {
	return "each value must be repository:tag or repository@digest"
}

func (r referencesSyntax) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

func (referencesSyntax) ValidateMap(_ context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	failed := map[string]error{}
	for key, element := range req.ConfigValue.Elements() {
		if element.IsUnknown() {
			continue
		}
		text, _ := element.(types.String) // null is an empty string, which is refused
		if _, err := oci.ParseReference(text.ValueString()); err != nil {
			failed[key] = err
		}
	}
	resp.Diagnostics.Append(referenceErrors(failed)...)
}

// fill takes over what was read, and returns the errors of what was not.
func (m *imagesModel) fill(results map[string]acr.ImageResult) (failed map[string]error) {
	m.Images, m.Digests, m.Missing = map[string]string{}, map[string]string{}, []string{}
	failed = map[string]error{}
	for key, result := range results {
		switch {
		case result.Err == nil:
			m.Images[key], m.Digests[key] = result.Image, result.Digest.String()
		case fault.IsMissing(result.Err) && m.AllowMissing.ValueBool():
			m.Missing = append(m.Missing, key)
		default:
			failed[key] = result.Err
		}
	}
	return failed
}

// referenceErrors shows the first errors, by their keys, and says how many more there are.
func referenceErrors(failed map[string]error) diag.Diagnostics {
	var shown diag.Diagnostics
	references := path.Root("references")
	for _, key := range slices.Sorted(maps.Keys(failed)) {
		if len(shown) == maxShown {
			shown.AddAttributeError(references, "More images failed",
				fmt.Sprintf("%d more references failed, which are not shown. Mend those that are, and run again.", len(failed)-maxShown))
			break
		}
		shown.Append(failureAt(failed[key], references.AtMapKey(key)))
	}
	return shown
}
