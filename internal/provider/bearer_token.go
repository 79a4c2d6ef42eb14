package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
)

// This file is acr_bearer_token, the data source and the ephemeral resource alike: schema and read. Their own
// files hold what Terraform calls.

// bearerTokenAttributes is the schema of both. An attribute of the one package also is an attribute of the other:
// datasource/schema.Attribute and ephemeral/schema.Attribute are one interface.
func bearerTokenAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"repository": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Repository that the token is for, such as `team/app`. What to ask for is learnt from the registry's challenge to " +
				"an unauthenticated GET, which names the action `pull`. Exactly one of `repository` and `scopes`.",
			Validators: []validator.String{exactlyOneOf{"repository", "scopes"}, repositorySyntax},
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
		"service": schema.StringAttribute{Computed: true, MarkdownDescription: "Service that the token is for, as the registry named it; null if it named none."},
		"scope":   schema.StringAttribute{Computed: true, MarkdownDescription: "What was asked for; several scopes are joined by spaces."},
		"granted": schema.ListNestedAttribute{
			Computed: true,
			MarkdownDescription: "What the token opens, by its own `access` claim; null if the token cannot be read. It may be less than was asked " +
				"for, which is a warning.",
			NestedObject: schema.NestedAttributeObject{Attributes: accessAttributes()},
		},
		"issued_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When the token was made, RFC 3339 in UTC; null if unknown."},
		"expires_at": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "When the token ends, RFC 3339 in UTC; null if unknown. Those of Azure last 75 minutes.",
		},
	}
}

var accessType = elementType(accessAttributes)

// accessAttributes is one resource that a token opens.
func accessAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"type":    schema.StringAttribute{Computed: true, MarkdownDescription: "Type of the resource: `repository` or `registry`."},
		"name":    schema.StringAttribute{Computed: true, MarkdownDescription: "Name of the resource, such as `team/app` or `catalog`."},
		"actions": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Actions that the token permits."},
	}
}

func accessValues(access auth.Access) values {
	return values{"type": types.StringValue(access.Type), "name": types.StringValue(access.Name), "actions": textList(access.Actions)}
}

// readBearerToken discovers what to ask for and fetches the token. It reports whether that worked; a token that was
// granted less than was asked for works, with a warning.
func readBearerToken(ctx context.Context, client *acr.Client, b block, diags *diag.Diagnostics) (read values, ok bool) {
	token, err := client.Token(ctx, acr.TokenRequest{Repository: b.text("repository"), Actions: b.texts("actions"), Scopes: b.texts("scopes")})
	if err != nil {
		diags.Append(failureDiagnostic(err, subject{repository: "repository"}))
		return nil, false
	}
	if missing := token.MissingActions(); len(missing) > 0 {
		diags.Append(fewerPermissionsWarning(missing))
	}
	var granted []auth.Access
	if token.Claims != nil {
		granted = token.Claims.Access
	}
	return values{
		"username":     types.StringValue(auth.NullUsername),
		"access_token": types.StringValue(token.Value.Reveal()),
		"realm":        types.StringValue(token.Realm),
		"service":      textOrNull(token.Service),
		"scope":        types.StringValue(strings.Join(token.Scopes, " ")),
		"granted":      objectsOrNull(accessType(), granted, accessValues),
		"issued_at":    timeOrNull(token.IssuedAt),
		"expires_at":   timeOrNull(token.ExpiresAt),
	}, true
}
