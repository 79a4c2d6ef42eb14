package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

type referrersDataSource struct {
	connectedDataSource
}

func newReferrersDataSource() datasource.DataSource { return &referrersDataSource{} }

func (d *referrersDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_referrers"
}

func (d *referrersDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists what is attached to an image: signatures, SBOMs and other artifacts that name it as their subject. If " +
			"the registry has no referrers API, the provider reads the referrers tag that clients maintain instead (OCI distribution spec 1.1).",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"digest": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Digest of the manifest that the artifacts are attached to, from `acr_manifest`. For a digest that does " +
					"not exist, the list is empty.",
				Validators: []validator.String{digestSyntax},
			},
			"artifact_type": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Only return artifacts of this type, such as `application/spdx+json`. Default: all.",
				Validators:          []validator.String{notEmpty},
			},
			"referrers": schema.ListNestedAttribute{
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: referrerAttributes()},
				MarkdownDescription: "The attached artifacts, sorted by digest; empty if there are none.",
			},
		},
	}
}

func (d *referrersDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	referrers, err := client.Referrers(ctx, acr.ReferrersRequest{
		Repository:   config.text("repository"),
		Digest:       config.text("digest"),
		ArtifactType: config.text("artifact_type"),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "repository", manifest: "digest"}))
		return
	}
	config.write(ctx, &resp.State, &resp.Diagnostics, values{"referrers": objectsOrNull(referrerType(), referrers, referrerValues)})
}
