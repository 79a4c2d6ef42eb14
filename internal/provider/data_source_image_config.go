package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

type imageConfigDataSource struct {
	connectedDataSource
}

func newImageConfigDataSource() datasource.DataSource { return &imageConfigDataSource{} }

func (d *imageConfigDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_image_config"
}

func (d *imageConfigDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	list := func(description string) schema.ListAttribute {
		return schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the configuration of a container image: its labels, environment, command and other settings of its " +
			"containers. The provider checks its digest and size against the manifest.",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"tag":        tagAttribute(),
			"digest": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "Digest of the image's manifest, `sha256:…`. Set either this or `tag`. When you set `tag`, this is the " +
					"digest that the tag points to; with `platform`, the digest of that platform's image.",
				Validators: []validator.String{digestSyntax},
			},
			"platform": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Platform to read, `os/architecture[/variant]`, such as `linux/amd64`. An index has one configuration for " +
					"each platform, so it requires this. An image without an index must be for this platform.",
				Validators: []validator.String{platformSyntax},
			},
			"created": schema.StringAttribute{Computed: true, MarkdownDescription: "When the image was built, RFC 3339 as in the image; null " +
				"if there is none."},
			"author":        schema.StringAttribute{Computed: true, MarkdownDescription: "Author; null if there is none."},
			"architecture":  schema.StringAttribute{Computed: true, MarkdownDescription: "Architecture, such as `amd64`."},
			"os":            schema.StringAttribute{Computed: true, MarkdownDescription: "Operating system, such as `linux`."},
			"variant":       schema.StringAttribute{Computed: true, MarkdownDescription: "Variant of the architecture, such as `v8`; null if there is none."},
			"labels":        schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Labels, such as `org.opencontainers.image.revision`; empty if there are none."},
			"env":           schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Environment variables by name; empty if there are none."},
			"entrypoint":    list("Entry point; null if there is none."),
			"cmd":           list("Command, or arguments of the entry point; null if there is none."),
			"user":          schema.StringAttribute{Computed: true, MarkdownDescription: "User that the container runs as; null if the image does not say."},
			"working_dir":   schema.StringAttribute{Computed: true, MarkdownDescription: "Working directory; null if the image does not say."},
			"exposed_ports": list("Ports, such as `8080/tcp`, sorted; empty if there are none."),
			"volumes":       list("Paths of volumes, sorted; empty if there are none."),
			"body":          schema.StringAttribute{Computed: true, MarkdownDescription: "The configuration's JSON as the registry sent it, for `jsondecode()`."},
		},
	}
}

func (d *imageConfigDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	client, config, ok := d.begin(ctx, req, resp)
	if !ok {
		return
	}
	image, err := client.ImageConfig(ctx, acr.ManifestRequest{
		Repository: config.text("repository"),
		Tag:        config.text("tag"),
		Digest:     config.text("digest"),
		Platform:   config.text("platform"),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "repository", manifest: manifestAttribute(config.text("digest"))}))
		return
	}
	config.write(ctx, &resp.State, &resp.Diagnostics, values{
		"digest":        types.StringValue(image.Digest.String()),
		"created":       textOrNull(image.Created),
		"author":        textOrNull(image.Author),
		"architecture":  textOrNull(image.Architecture),
		"os":            textOrNull(image.OS),
		"variant":       textOrNull(image.Variant),
		"labels":        textMap(image.Labels),
		"env":           textMap(image.Env),
		"entrypoint":    textListOrNull(image.Entrypoint),
		"cmd":           textListOrNull(image.Cmd),
		"user":          textOrNull(image.User),
		"working_dir":   textOrNull(image.WorkingDir),
		"exposed_ports": textList(image.ExposedPorts),
		"volumes":       textList(image.Volumes),
		"body":          types.StringValue(string(image.Body)),
	})
}
