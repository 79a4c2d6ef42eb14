package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

type tokenClaimsFunction struct{}

func newTokenClaimsFunction() function.Function { return tokenClaimsFunction{} }

// claimsTypes returns the attributes of token_claims' result.
func claimsTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"subject":    types.StringType,
		"audience":   types.ListType{ElemType: types.StringType},
		"issuer":     types.StringType,
		"issued_at":  types.StringType,
		"expires_at": types.StringType,
		"access":     types.ListType{ElemType: accessType()},
	}
}

func (tokenClaimsFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "token_claims"
}

func (tokenClaimsFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Read the claims of a bearer token",
		MarkdownDescription: "Reads the claims of a bearer token, a JSON Web Token, without asking a registry.\n\n**Nothing is verified**, " +
			"neither signature nor expiry: do not base trust on the result.\n\nThe result is an object: `subject`, `audience` (a list), " +
			"`issuer`, `issued_at` and `expires_at` (RFC 3339 in UTC), and `access`, a list of objects with `type`, `name` and `actions`. " +
			"A claim that is not in the token is null, or an empty list. A token that is not a JSON Web Token is refused. If the token is " +
			"sensitive, so is the result; `nonsensitive()` reveals a part of it.\n\nRequires Terraform 1.8 or OpenTofu 1.7. " +
			"OpenTofu up to 1.10 configures the provider even for a function, so there `registry` or ACR_REGISTRY has to be set.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "access_token", MarkdownDescription: "The token, such as `access_token` of `acr_bearer_token`."},
		},
		Return: function.ObjectReturn{AttributeTypes: claimsTypes()},
	}
}

func (tokenClaimsFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var token string
	if resp.Error = req.Arguments.Get(ctx, &token); resp.Error != nil {
		return
	}
	claims, err := auth.ParseClaims(secret.New(token))
	if err != nil {
		resp.Error = argumentError(err)
		return
	}
	resp.Error = resp.Result.Set(ctx, types.ObjectValueMust(claimsTypes(), values{
		"subject":    textOrNull(claims.Subject),
		"audience":   textList(claims.Audience),
		"issuer":     textOrNull(claims.Issuer),
		"issued_at":  timeOrNull(claims.IssuedAt),
		"expires_at": timeOrNull(claims.ExpiresAt),
		"access":     objectList(accessType(), claims.Access, accessValues),
	}))
}
