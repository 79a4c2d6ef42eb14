package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

type parseImageFunction struct{}

func newParseImageFunction() function.Function { return parseImageFunction{} }

// imageTypes has the attributes of parse_image's result.
var imageTypes = map[string]attr.Type{
	"registry":   types.StringType,
	"repository": types.StringType,
	"tag":        types.StringType,
	"digest":     types.StringType,
	"image":      types.StringType,
}

func (parseImageFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_image"
}

func (parseImageFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Split an image reference into its parts",
		MarkdownDescription: "Splits an image reference such as `example.azurecr.io/team/app:1.0` into its parts, without asking a " +
			"registry.\n\nThe result is an object: `registry` (`host[:port]`), `repository`, `tag`, `digest`, and `image`, the whole " +
			"reference in the order `registry/repository[:tag][@digest]`. `tag` and `digest` are null if the reference has none. A " +
			"reference without a registry is refused: Docker Hub's defaults, such as `latest`, are not filled in.\n\nRequires Terraform " +
			"1.8 or OpenTofu 1.7. OpenTofu up to 1.10 configures the provider even for a function, so there `registry` or " +
			"ACR_REGISTRY has to be set.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "reference", MarkdownDescription: "The image reference, with its registry."},
		},
		Return: function.ObjectReturn{AttributeTypes: imageTypes},
	}
}

func (parseImageFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var reference string
	if resp.Error = req.Arguments.Get(ctx, &reference); resp.Error != nil {
		return
	}
	image, err := oci.ParseImage(reference)
	if err != nil {
		resp.Error = argumentError(err)
		return
	}
	resp.Error = resp.Result.Set(ctx, types.ObjectValueMust(imageTypes, values{
		"registry":   types.StringValue(image.Registry),
		"repository": types.StringValue(image.Repository),
		"tag":        textOrNull(image.Tag),
		"digest":     textOrNull(image.Digest),
		"image":      types.StringValue(image.Canonical),
	}))
}
