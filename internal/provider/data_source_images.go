package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
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

// maxReferences is the most images of one block, so that a mistake in an expression does not cause an hour of requests.
// maxShown is the most failures that are shown.
const (
	maxReferences = 1_000
	maxShown      = 10
)

type imagesDataSource struct {
	connectedDataSource
}

func newImagesDataSource() datasource.DataSource { return &imagesDataSource{} }

func (d *imagesDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_images"
}

func (d *imagesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: fmt.Sprintf("Pins many images in one read: it takes a map of references and returns a map of pinned references. It reads each as "+
			"`acr_manifest` does, but %d at a time and with one token for up to %d repositories. That takes a fraction of the time of "+
			"a block for each.", acr.ReadsAtATime, acr.RepositoriesPerToken),
		Attributes: map[string]schema.Attribute{
			"references": schema.MapAttribute{
				Required:    true,
				ElementType: types.StringType,
				MarkdownDescription: fmt.Sprintf("Images to read, 1 to %d. The keys are names that you choose. The values are references, "+
					"`repository:tag` or `repository@sha256:…`. They may begin with the provider's registry, as in "+
					"`example.azurecr.io/team/app:1.4.2`. A reference without a tag or digest is refused.", maxReferences),
				Validators: []validator.Map{mapvalidator.SizeBetween(1, maxReferences), referencesSyntax{}},
			},
			"platform": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Platform to read of each index, `os/architecture[/variant]`, such as `linux/amd64`. An image without an " +
					"index must be for this platform. Without `platform`, the references name the indexes themselves.",
				Validators: []validator.String{platformSyntax},
			},
			"allow_missing": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "If a repository, tag or digest does not exist, put its key into `missing` instead of failing. Any " +
					"other failure is still reported. Default: `false`.",
			},
			"images": schema.MapAttribute{
				Computed:    true,
				ElementType: types.StringType,
				MarkdownDescription: "Pinned reference of each image by its key, `registry/repository@sha256:…`. Deploy these. Keys in " +
					"`missing` are left out.",
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
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	results, err := client.Images(ctx, acr.ImagesRequest{References: config.textMap("references"), Platform: config.text("platform")})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{}))
		return
	}
	images, digests, missing, failed := values{}, values{}, []attr.Value{}, map[string]error{}
	for key, result := range results {
		switch {
		case result.Err == nil:
			images[key], digests[key] = types.StringValue(result.Image), types.StringValue(result.Digest.String())
		case fault.IsMissing(result.Err) && config.flag("allow_missing"):
			missing = append(missing, types.StringValue(key))
		default:
			failed[key] = result.Err
		}
	}
	if len(failed) > 0 {
		resp.Diagnostics.Append(referenceErrors(failed)...)
		return
	}
	config.write(ctx, &resp.State, &resp.Diagnostics, values{
		"images":  types.MapValueMust(types.StringType, images),
		"digests": types.MapValueMust(types.StringType, digests),
		"missing": types.SetValueMust(types.StringType, missing),
	})
}

// referencesSyntax checks references at validation, before anything is sent. A mistake in an expression breaks all of
// them, so it shows as few errors as a read.
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
		if _, err := oci.ParseReference(textOf(element)); err != nil { // null is empty, which is refused
			failed[key] = err
		}
	}
	resp.Diagnostics.Append(referenceErrors(failed)...)
}

// referenceErrors returns diagnostics for the first errors, sorted by key, and one for the number of the rest.
func referenceErrors(failed map[string]error) diag.Diagnostics {
	var shown diag.Diagnostics
	references := path.Root("references")
	for _, key := range slices.Sorted(maps.Keys(failed)) {
		if len(shown) == maxShown {
			explained := explanations[moreFailures]
			shown.AddAttributeError(references, explained.Summary, explained.detail(fmt.Sprintf("Not shown: %d more references", len(failed)-maxShown)))
			break
		}
		shown.Append(failureAt(failed[key], references.AtMapKey(key)))
	}
	return shown
}
