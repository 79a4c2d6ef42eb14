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

// This file is acr_bearer_token, for the data source and the ephemeral resource: schema and read. Their own files have
// the methods that Terraform calls.

// bearerTokenAttributes returns the schema of both. An attribute of one package is also an attribute of the other:
// datasource/schema.Attribute and ephemeral/schema.Attribute are one interface.
func bearerTokenAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"repository": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Repository that the token is for, such as `team/app`. The provider sends the registry a GET without a " +
				"credential, and requests the scope that its challenge names: the action `pull`. Set either this or `scopes`.",
			Validators: []validator.String{exactlyOneOf{"repository", "scopes"}, repositorySyntax},
		},
		"actions": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
			MarkdownDescription: "Actions to request in addition to those that the challenge names: `push`, `delete`, `metadata_read`, " +
				"`metadata_write` and so on. Requesting an action changes nothing in the registry. Only with `repository`.",
			Validators: []validator.Set{
				setvalidator.ConflictsWith(path.MatchRoot("scopes")),
				setvalidator.NoNullValues(),
				setvalidator.ValueStringsAre(actionSyntax),
			},
		},
		"scopes": schema.ListAttribute{
			Optional:    true,
			ElementType: types.StringType,
			MarkdownDescription: "Complete scopes to request, such as `registry:catalog:*` or `repository:team/app:pull,push`, instead of " +
				"`repository` and `actions`. Set either this or `repository`.",
			Validators: []validator.List{
				listvalidator.SizeAtLeast(1),
				listvalidator.NoNullValues(),
				listvalidator.ValueStringsAre(scopeSyntax),
			},
		},
		"username": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "User name for clients that need a user name and a password, with `access_token` as the password: `" + auth.NullUsername + "`.",
		},
		"access_token": schema.StringAttribute{
			Computed: true, Sensitive: true, MarkdownDescription: "The token. Send it in the header `Authorization: Bearer`, or use it as a password with `username`.",
		},
		"realm":   schema.StringAttribute{Computed: true, MarkdownDescription: "URL of the token server, as the registry named it."},
		"service": schema.StringAttribute{Computed: true, MarkdownDescription: "Service that the token is for, as the registry named it; null if it named none."},
		"scope":   schema.StringAttribute{Computed: true, MarkdownDescription: "The requested scopes, joined by spaces."},
		"granted": schema.ListNestedAttribute{
			Computed: true,
			MarkdownDescription: "What the token permits, by its own `access` claim; null if the token cannot be read. If it is less than " +
				"was requested, the provider warns.",
			NestedObject: schema.NestedAttributeObject{Attributes: accessAttributes()},
		},
		"issued_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When the token was issued, RFC 3339 in UTC; null if unknown."},
		"expires_at": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "When the token expires, RFC 3339 in UTC; null if unknown. An Azure token is valid for 75 minutes.",
		},
	}
}

var accessType = elementType(accessAttributes)

// accessAttributes returns the schema of a resource that a token grants access to.
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

// readBearerToken discovers the scope, fetches the token and reports whether that worked. For a token that was granted
// less than was requested, it adds a warning.
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
		"service":      textOrNull(strings.ToValidUTF8(token.Service, "\uFFFD")), // a state holds no other bytes, a plan would
		"scope":        types.StringValue(strings.Join(token.Scopes, " ")),
		"granted":      objectsOrNull(accessType(), granted, accessValues),
		"issued_at":    timeOrNull(token.IssuedAt),
		"expires_at":   timeOrNull(token.ExpiresAt),
	}, true
}
