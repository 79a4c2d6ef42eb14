// Package provider is Terraform's side: schemas, values and diagnostics. Reads and writes are in internal/acr; nothing
// here knows HTTP. One file holds one data source, resource, ephemeral resource or function.
package provider

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
)

// New returns the provider. The version goes into the User-Agent.
func New(version string) provider.Provider { return &acrProvider{version: version} }

type acrProvider struct {
	version string
}

var (
	_ provider.ProviderWithEphemeralResources = (*acrProvider)(nil)
	_ provider.ProviderWithFunctions          = (*acrProvider)(nil)
)

func (p *acrProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "acr"
	resp.Version = p.version
}

func (p *acrProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads from and writes to one Azure Container Registry, or another registry that speaks the same protocol. " +
			"For several registries, use several `provider` blocks with an `alias`.",
		Attributes: map[string]schema.Attribute{
			"registry": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Login server, `host[:port]` without scheme and path, such as `example.azurecr.io`: what " +
					"`azurerm_container_registry.example.login_server` returns. Capital letters become lower case. Environment: " +
					"`ACR_REGISTRY`. Either the attribute or the variable is required.",
				Validators: []validator.String{registrySyntax},
			},
			"username": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Admin user, name of a repository-scoped token, or client id of a service principal. With a refresh " +
					"token as `password`, as `az acr login --expose-token` prints it, it is `" + auth.NullUsername + "`. " +
					"Environment: `ACR_USERNAME`. It cannot be combined with sign-in with Entra ID.",
				Validators: []validator.String{usernameSyntax},
			},
			"password": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "Password of `username`, used byte for byte. A line break is refused: use `chomp()` on a file's " +
					"content. Environment: `ACR_PASSWORD`.",
				Validators: []validator.String{passwordSyntax},
			},
			"use_docker_config": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Take the credential from the Docker config file and its credential helpers, if neither `username` nor " +
					"`password` is given. The file is `config.json` in the folder that `DOCKER_CONFIG` names, else in `~/.docker`; the " +
					"`auths` of `DOCKER_AUTH_CONFIG` come before it. If a helper fails, the run fails. If neither lists the registry, " +
					"access is anonymous. Default: `false`.",
			},
			"ca_cert_pem": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "One or more PEM certificates of authorities to trust besides the system's.",
				Validators:          []validator.String{notEmpty},
			},
			"insecure_skip_verify": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Do not check the registry's certificate. Anyone who can answer in the registry's place then receives " +
					"the credential, so every run warns of it. Prefer `ca_cert_pem`. Default: `false`.",
			},
			"plain_http": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Use http instead of https, for a registry on this machine. A registry on another host can then only be " +
					"read without a credential. Default: `false`.",
			},
			"trusted_token_hosts": schema.ListAttribute{
				Optional:    true,
				ElementType: types.StringType,
				MarkdownDescription: "Other hosts, each `host[:port]`, that may receive the credential if the registry names one of them as " +
					"its token server. Azure registries are their own token server and need none. Default: none.",
				Validators: []validator.List{listvalidator.NoNullValues(), listvalidator.ValueStringsAre(trustedTokenHostSyntax)},
			},
			"request_timeout": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: fmt.Sprintf("Time limit of one attempt at a request, from connecting to the last byte, as a Go duration "+
					"such as `45s` or `2m`. At most `%s`. Default: `%s`.", maxTimeoutText, acr.DefaultRequestTimeout),
				Validators: []validator.String{timeoutSyntax},
			},
			"max_retries": schema.NumberAttribute{
				Optional: true,
				MarkdownDescription: fmt.Sprintf("How many times a request is retried after a transient fault (408, 429, 500, 502, 503, 504, Cloudflare's 520 to 530, "+
					"a broken connection, a time-out), with growing waits in between, or as long as the registry's `Retry-After` asks, up "+
					"to %.0f seconds. 0 to %d. Default: `%d`.", acr.MaxRetryAfter.Seconds(), maxMaxRetries, acr.DefaultMaxRetries),
				Validators: []validator.Number{wholeNumber{0, maxMaxRetries}},
			},
		},
	}
	maps.Copy(resp.Schema.Attributes, signInAttributes())
}

// Configure makes the client that all reads share. It sends nothing: a configuration that reads nothing needs no
// registry.
func (p *acrProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var model providerModel
	if unknown := unknownAttributes(req.Config); len(unknown) > 0 {
		if req.ClientCapabilities.DeferralAllowed {
			resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
		}
		p.share(resp, &connection{unknown: unknown})
		return
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if model.InsecureSkipVerify.ValueBool() {
		resp.Diagnostics.Append(uncheckedCertificateWarning(path.Root("insecure_skip_verify")))
	}
	client, err := model.client(ctx, p.userAgent(req.TerraformVersion))
	if err != nil {
		resp.Diagnostics.Append(failureDiagnostic(err, subject{}))
		return
	}
	p.share(resp, &connection{client: client, sources: &copySources{provider: model}})
}

// share hands the connection to resources, data sources and ephemeral resources. Functions get none: they need no provider block.
func (p *acrProvider) share(resp *provider.ConfigureResponse, c *connection) {
	resp.DataSourceData = c
	resp.EphemeralResourceData = c
	resp.ResourceData = c
}

// userAgent returns the User-Agent, which names provider and Terraform in the registry's log.
func (p *acrProvider) userAgent(terraformVersion string) string {
	return fmt.Sprintf("terraform-provider-acr/%s (+https://github.com/acrkit/terraform-provider-acr) Terraform/%s", p.version, terraformVersion)
}

func (p *acrProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newImageCopyResource, newLockResource, newTagResource}
}

func (p *acrProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newBearerTokenDataSource,
		newImageConfigDataSource,
		newImagesDataSource,
		newManifestDataSource,
		newManifestsDataSource,
		newReferrersDataSource,
		newRepositoriesDataSource,
		newRepositoryDataSource,
		newTagsDataSource,
	}
}

func (p *acrProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newBearerTokenEphemeralResource, newLoginEphemeralResource}
}

func (p *acrProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newParseImageFunction, newTokenClaimsFunction}
}
