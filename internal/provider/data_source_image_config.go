package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

type imageConfigDataSource struct {
	connectedDataSource
}

func newImageConfigDataSource() datasource.DataSource { return &imageConfigDataSource{} }

// imageConfigModel is data "acr_image_config".
type imageConfigModel struct {
	Repository   types.String      `tfsdk:"repository"`
	Tag          types.String      `tfsdk:"tag"`
	Digest       types.String      `tfsdk:"digest"`
	Platform     types.String      `tfsdk:"platform"`
	Created      types.String      `tfsdk:"created"`
	Author       types.String      `tfsdk:"author"`
	Architecture types.String      `tfsdk:"architecture"`
	OS           types.String      `tfsdk:"os"`
	Variant      types.String      `tfsdk:"variant"`
	Labels       map[string]string `tfsdk:"labels"`
	Env          map[string]string `tfsdk:"env"`
	Entrypoint   []string          `tfsdk:"entrypoint"`
	Cmd          []string          `tfsdk:"cmd"`
	User         types.String      `tfsdk:"user"`
	WorkingDir   types.String      `tfsdk:"working_dir"`
	ExposedPorts []string          `tfsdk:"exposed_ports"`
	Volumes      []string          `tfsdk:"volumes"`
	Body         types.String      `tfsdk:"body"`
}

func (d *imageConfigDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "acr_image_config"
}

func (d *imageConfigDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	list := func(description string) schema.ListAttribute {
		return schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads the configuration of a container image: its labels, environment, command and what else a container is started " +
			"with. Digest and size of the configuration are checked against the manifest.",
		Attributes: map[string]schema.Attribute{
			"repository": repositoryAttribute(),
			"tag":        tagAttribute(),
			"digest": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "Digest of the image's manifest to read, such as `sha256:…`; exactly one of `tag` and `digest`. As a result, the " +
					"digest of the manifest: with `platform`, that of the child chosen.",
				Validators: []validator.String{digestSyntax},
			},
			"platform": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Platform, `os/architecture[/variant]`, such as `linux/amd64`; required for an index, which has a configuration for " +
					"each platform. An image that is no index must be for this platform.",
				Validators: []validator.String{platformSyntax},
			},
			"created":       schema.StringAttribute{Computed: true, MarkdownDescription: "Time of the build, RFC 3339 as the image states it; null where it does not."},
			"author":        schema.StringAttribute{Computed: true, MarkdownDescription: "Author; null where there is none."},
			"architecture":  schema.StringAttribute{Computed: true, MarkdownDescription: "Architecture, such as `amd64`."},
			"os":            schema.StringAttribute{Computed: true, MarkdownDescription: "Operating system, such as `linux`."},
			"variant":       schema.StringAttribute{Computed: true, MarkdownDescription: "Variant of the architecture, such as `v8`; null where there is none."},
			"labels":        schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Labels, such as `org.opencontainers.image.revision`; empty where there are none."},
			"env":           schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Environment variables by name; empty where there are none."},
			"entrypoint":    list("Entry point; null where there is none."),
			"cmd":           list("Command, or arguments of the entry point; null where there is none."),
			"user":          schema.StringAttribute{Computed: true, MarkdownDescription: "User that the container runs as; null where the image does not say."},
			"working_dir":   schema.StringAttribute{Computed: true, MarkdownDescription: "Working directory; null where the image does not say."},
			"exposed_ports": list("Ports, such as `8080/tcp`, sorted; empty where there are none."),
			"volumes":       list("Paths of volumes, sorted; empty where there are none."),
			"body":          schema.StringAttribute{Computed: true, MarkdownDescription: "The configuration's JSON as the registry sent it, for `jsondecode()`."},
		},
	}
}

func (d *imageConfigDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model imageConfigModel
	client, ok := d.begin(ctx, req, &model, resp)
	if !ok {
		return
	}
	config, err := client.ImageConfig(ctx, acr.ManifestRequest{
		Repository: model.Repository.ValueString(),
		Tag:        model.Tag.ValueString(),
		Digest:     model.Digest.ValueString(),
		Platform:   model.Platform.ValueString(),
	})
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{repository: "repository", manifest: manifestAttribute(model.Digest)}))
		return
	}
	model.fill(config)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// fill takes over what was read.
func (m *imageConfigModel) fill(config *oci.ImageConfig) {
	m.Digest = types.StringValue(config.Digest.String())
	m.Created = textOrNull(config.Created)
	m.Author = textOrNull(config.Author)
	m.Architecture = textOrNull(config.Architecture)
	m.OS = textOrNull(config.OS)
	m.Variant = textOrNull(config.Variant)
	m.Labels = mapOrEmpty(config.Labels)
	m.Env = mapOrEmpty(config.Env)
	m.Entrypoint = config.Entrypoint
	m.Cmd = config.Cmd
	m.User = textOrNull(config.User)
	m.WorkingDir = textOrNull(config.WorkingDir)
	m.ExposedPorts = listOrEmpty(config.ExposedPorts)
	m.Volumes = listOrEmpty(config.Volumes)
	m.Body = types.StringValue(string(config.Body))
}
