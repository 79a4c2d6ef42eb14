package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
)

// This file is acr_bearer_token, the data source and the ephemeral resource alike: model, schema and read. Their own
// files hold what Terraform calls.

// bearerTokenModel is acr_bearer_token.
type bearerTokenModel struct {
	Repository  types.String  `tfsdk:"repository"`
	Actions     []string      `tfsdk:"actions"`
	Scopes      []string      `tfsdk:"scopes"`
	Username    types.String  `tfsdk:"username"`
	AccessToken types.String  `tfsdk:"access_token"`
	Realm       types.String  `tfsdk:"realm"`
	Service     types.String  `tfsdk:"service"`
	Scope       types.String  `tfsdk:"scope"`
	Granted     []accessModel `tfsdk:"granted"`
	IssuedAt    types.String  `tfsdk:"issued_at"`
	ExpiresAt   types.String  `tfsdk:"expires_at"`
}

// accessModel is one resource that a token opens.
type accessModel struct {
	Type    types.String `tfsdk:"type"`
	Name    types.String `tfsdk:"name"`
	Actions []string     `tfsdk:"actions"`
}

// bearerTokenAttributes is the schema of both. An attribute of the one package also is an attribute of the other:
// datasource/schema.Attribute and ephemeral/schema.Attribute are one interface.
func bearerTokenAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"repository": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Repository that the token is for, such as `team/app`. What to ask for is learnt from the registry's challenge to " +
				"an unauthenticated GET, which names the action `pull`. Exactly one of `repository` and `scopes`.",
			Validators: []validator.String{stringvalidator.ExactlyOneOf(path.MatchRoot("repository"), path.MatchRoot("scopes")), repositorySyntax},
		},
		"actions": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
			MarkdownDescription: "Actions to ask for beside those of the challenge: `pull`, `push`, `delete`, `metadata_read`, `metadata_write`, … " +
				"Asking changes nothing in the registry. Conflicts with `scopes`.",
			Validators: []validator.Set{
				setvalidator.ConflictsWith(path.MatchRoot("scopes")),
				setvalidator.NoNullValues(),
				setvalidator.ValueStringsAre(actionSyntax),
			},
		},
		"scopes": schema.ListAttribute{
			Optional:    true,
			ElementType: types.StringType,
			MarkdownDescription: "Complete scopes to ask for, such as `registry:catalog:*` or `repository:team/app:pull,push`, in place of " +
				"`repository` and `actions`.",
			Validators: []validator.List{
				listvalidator.SizeAtLeast(1),
				listvalidator.NoNullValues(),
				listvalidator.ValueStringsAre(scopeSyntax),
			},
		},
		"username": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "User name that goes with `access_token` where a user name and a password are wanted: `" + auth.NullUsername + "`.",
		},
		"access_token": schema.StringAttribute{
			Computed: true, Sensitive: true, MarkdownDescription: "The token, for an `Authorization: Bearer` header.",
		},
		"realm":   schema.StringAttribute{Computed: true, MarkdownDescription: "URL of the token server, as the registry named it."},
		"service": schema.StringAttribute{Computed: true, MarkdownDescription: "Service that the token is for, as the registry named it; null where it named none."},
		"scope":   schema.StringAttribute{Computed: true, MarkdownDescription: "What was asked for; several scopes are joined by spaces."},
		"granted": schema.ListNestedAttribute{
			Computed: true,
			MarkdownDescription: "What the token opens, by its own `access` claim; null where the token cannot be read. It may be less than was asked " +
				"for, which is a warning.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"type":    schema.StringAttribute{Computed: true, MarkdownDescription: "Type of the resource: `repository` or `registry`."},
				"name":    schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the resource, such as `team/app` or `catalog`."},
				"actions": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Actions that the token permits."},
			}},
		},
		"issued_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When the token was made, RFC 3339 in UTC; null where unknown."},
		"expires_at": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "When the token ends, RFC 3339 in UTC; null where unknown. Those of Azure last 75 minutes.",
		},
	}
}

// read discovers what to ask for, fetches the token and fills the model. It reports whether that worked; a token that
// was granted less than was asked for works, with a warning.
func (m *bearerTokenModel) read(ctx context.Context, client *acr.Client, diags *diag.Diagnostics) bool {
	token, err := client.Token(ctx, acr.TokenRequest{Repository: m.Repository.ValueString(), Actions: m.Actions, Scopes: m.Scopes})
	if err != nil {
		diags.Append(failureDiagnostic(err, subject{repository: "repository"}))
		return false
	}
	if missing := token.MissingActions(); len(missing) > 0 {
		diags.Append(fewerPermissionsWarning(missing))
	}
	m.Username = types.StringValue(auth.NullUsername)
	m.AccessToken = types.StringValue(token.Value.Reveal())
	m.Realm = types.StringValue(token.Realm)
	m.Service = textOrNull(token.Service)
	m.Scope = types.StringValue(strings.Join(token.Scopes, " "))
	m.Granted = grantedModels(token.Claims)
	m.IssuedAt = timeOrNull(token.IssuedAt)
	m.ExpiresAt = timeOrNull(token.ExpiresAt)
	return true
}

// grantedModels gives nil, null in Terraform, for a token that does not say what it opens.
func grantedModels(claims *auth.Claims) []accessModel {
	if claims == nil || claims.Access == nil {
		return nil
	}
	models := make([]accessModel, len(claims.Access))
	for i, access := range claims.Access {
		models[i] = accessModel{
			Type:    types.StringValue(access.Type),
			Name:    types.StringValue(access.Name),
			Actions: listOrEmpty(access.Actions),
		}
	}
	return models
}
