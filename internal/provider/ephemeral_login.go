package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
)

// loginEphemeralResource returns a refresh token. There is no data source for it: the token permits everything that the
// identity may do, and would be in the state.
type loginEphemeralResource struct {
	connectedEphemeralResource
}

func newLoginEphemeralResource() ephemeral.EphemeralResource { return &loginEphemeralResource{} }

func (r *loginEphemeralResource) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = "acr_login"
}

func (r *loginEphemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Signs in to the registry with Entra ID and returns what `az acr login --expose-token` prints, for the helm, " +
			"docker and kubernetes providers. The provider block must sign in with Entra ID. The refresh token permits everything that the " +
			"identity may do, for three hours. A new one is fetched at plan and at apply. It is written neither to the state nor to plan " +
			"files. Requires Terraform 1.10 or OpenTofu 1.11.",
		Attributes: map[string]schema.Attribute{
			"registry": schema.StringAttribute{Computed: true, MarkdownDescription: "Login server, as the provider block names it."},
			"username": schema.StringAttribute{Computed: true, MarkdownDescription: "User name that goes with `password`: `" + auth.NullUsername + "`."},
			"password": schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "Refresh token of the registry."},
			"expires_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "When the refresh token expires, RFC 3339 in UTC; null if unknown.",
			},
			"docker_config_json": schema.StringAttribute{
				Computed: true, Sensitive: true,
				MarkdownDescription: "The login as the content of a Docker config file, for a Kubernetes secret of the type `kubernetes.io/dockerconfigjson`.",
			},
		},
	}
}

func (r *loginEphemeralResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	client, config, ok := r.begin(ctx, req, resp)
	if !ok {
		return
	}
	login, err := client.Login(ctx)
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{}))
		return
	}
	token := login.RefreshToken.Reveal()
	config.write(ctx, &resp.Result, &resp.Diagnostics, values{
		"registry":           types.StringValue(client.Registry()),
		"username":           types.StringValue(auth.NullUsername),
		"password":           types.StringValue(token),
		"expires_at":         timeOrNull(login.ExpiresAt),
		"docker_config_json": types.StringValue(dockerConfigJSON(client.Registry(), auth.NullUsername, token)),
	})
}

// dockerConfigJSON returns a Docker config file with one login.
func dockerConfigJSON(registry, username, password string) string {
	config := map[string]any{"auths": map[string]any{registry: map[string]string{
		"username": username,
		"password": password,
		"auth":     base64.StdEncoding.EncodeToString([]byte(username + ":" + password)),
	}}}
	content, _ := json.Marshal(config) // strings never fail
	return string(content)
}
