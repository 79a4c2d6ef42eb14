package provider

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

const (
	maxRequestTimeout = time.Hour
	maxMaxRetries     = 20
)

// maxTimeoutText is maxRequestTimeout for people: 1h, instead of Go's 1h0m0s.
var maxTimeoutText = fmt.Sprintf("%dh", maxRequestTimeout/time.Hour)

// providerModel is the provider block.
type providerModel struct {
	Registry           types.String `tfsdk:"registry"`
	Username           types.String `tfsdk:"username"`
	Password           types.String `tfsdk:"password"`
	UseDockerConfig    types.Bool   `tfsdk:"use_docker_config"`
	CACertPEM          types.String `tfsdk:"ca_cert_pem"`
	InsecureSkipVerify types.Bool   `tfsdk:"insecure_skip_verify"`
	PlainHTTP          types.Bool   `tfsdk:"plain_http"`
	TrustedTokenHosts  []string     `tfsdk:"trusted_token_hosts"`
	RequestTimeout     types.String `tfsdk:"request_timeout"`
	MaxRetries         types.Number `tfsdk:"max_retries"`
	signInModel
}

// unknownAttributes returns the attributes of the provider block that are known only after apply, sorted.
func unknownAttributes(config tfsdk.Config) []string {
	var attributes map[string]tftypes.Value
	if config.Raw.As(&attributes) != nil {
		return nil
	}
	var unknown []string
	for name, value := range attributes {
		if !value.IsFullyKnown() {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// environment has the variables that replace attributes of the provider block. An empty one counts as unset.
var environment = map[string]string{
	"registry": "ACR_REGISTRY",
	"username": "ACR_USERNAME",
	"password": "ACR_PASSWORD",
}

// configured returns the attributes that a variable can replace.
func (m providerModel) configured() map[string]types.String {
	return map[string]types.String{"registry": m.Registry, "username": m.Username, "password": m.Password}
}

// setting returns an attribute, or else its variable. It is empty if neither is set.
func (m providerModel) setting(attribute string) string {
	if value := m.configured()[attribute]; !value.IsNull() {
		return value.ValueString()
	}
	return os.Getenv(environment[attribute])
}

// client makes the client for a provider block in which everything is known. Errors are *fault.Error, with the
// attribute at fault as Argument.
func (m providerModel) client(ctx context.Context, userAgent string) (*acr.Client, error) {
	config, err := m.resolve(ctx)
	if err != nil {
		return nil, m.traced(err)
	}
	config.UserAgent = userAgent
	config.Log = func(ctx context.Context, message string, fields map[string]any) { tflog.Debug(ctx, message, fields) }
	client, err := acr.NewClient(config)
	return client, m.traced(err)
}

// resolve collects the settings: from attributes first, then the environment, then the defaults.
func (m providerModel) resolve(ctx context.Context) (acr.Config, error) {
	config := acr.Config{
		CACertPEM:          m.CACertPEM.ValueString(),
		InsecureSkipVerify: m.InsecureSkipVerify.ValueBool(),
		PlainHTTP:          m.PlainHTTP.ValueBool(),
		TrustedTokenHosts:  m.TrustedTokenHosts,
		RequestTimeout:     acr.DefaultRequestTimeout,
		MaxRetries:         acr.DefaultMaxRetries,
	}
	var err error
	if m.setting("registry") == "" {
		return config, &fault.Error{Reason: missingRegistry, Argument: "registry"}
	}
	if config.Registry, err = acr.ParseRegistry(m.setting("registry")); err != nil {
		return config, err
	}
	if config.Credential, err = m.credential(ctx, config.Registry); err != nil {
		return config, err
	}
	if !m.RequestTimeout.IsNull() {
		if config.RequestTimeout, err = parseTimeout(m.RequestTimeout.ValueString()); err != nil {
			return config, err
		}
	}
	if !m.MaxRetries.IsNull() {
		config.MaxRetries = int(wholeOf(m.MaxRetries))
	}
	return config, nil
}

// credential returns the first of: user name and password, each from its attribute or its variable; the identity of
// Entra ID that the block names; what the Docker config has, if the block asks for it; for an Azure registry, the
// identity that the environment names, or the Azure CLI's session; none. Half a password is left for the client to
// refuse.
func (m providerModel) credential(ctx context.Context, registry string) (auth.Credential, error) {
	username, password, block := m.setting("username"), m.setting("password"), m.entraBlock()
	if username != "" || password != "" {
		if asked := block.Asked(); asked != "" {
			return nil, fault.Conflicting(asked, "asks to sign in with Entra ID, but there is a user name or password as well, in %s", m.credentialSource())
		}
		return auth.Basic{Username: username, Password: secret.New(password), Source: m.credentialSource()}, nil
	}
	cloud, ofAzure := auth.CloudOf(registry)
	identity, err := entra.FromBlock(block, os.Getenv, cloud)
	if err != nil || identity != nil {
		return auth.NewEntra(identity), err
	}
	if block.ClientID != "" && !ofAzure { // to go on without it would mean anonymous access
		return nil, fault.Missing("client_id", "names an identity, but the provider block has no way to sign in; the environment's are not used, "+
			"since %s is not on one of Azure's hosts", registry)
	}
	if m.UseDockerConfig.ValueBool() {
		found, err := auth.DockerConfig(ctx, registry)
		if err != nil || !auth.IsAnonymous(found) || !ofAzure {
			return found, err
		}
	}
	if ofAzure {
		identity, err = entra.FromEnvironment(block, os.Getenv, cloud)
		if err != nil || identity != nil {
			return auth.NewEntra(identity), err
		}
	}
	return auth.Anonymous{Source: m.credentialSource()}, nil
}

// sourceCredential returns the credential to read with at another registry: for a registry of the same Azure cloud, the
// identity of Entra ID that is used here; else what the Docker config has, if the block asks for it; else none. An identity
// belongs to one cloud, and neither its secret nor its token goes to another. The user name and password belong to this
// registry, home, alone.
func (m providerModel) sourceCredential(ctx context.Context, home, registry string) (auth.Credential, error) {
	none := auth.Anonymous{Source: "source_username and source_password_wo"}
	if cloud, ofAzure := auth.CloudOf(registry); ofAzure && m.setting("username") == "" && m.setting("password") == "" {
		homeCloud, _ := auth.CloudOf(home)
		if m.entraBlock().SignsInTo(cloud, os.Getenv, homeCloud) {
			return m.credential(ctx, registry)
		}
		none.Source += ", and an identity of Entra ID is used only in its own cloud of Azure, which is not that of " + registry
	}
	if m.UseDockerConfig.ValueBool() {
		found, err := auth.DockerConfig(ctx, registry)
		if err != nil || !auth.IsAnonymous(found) {
			return found, err
		}
		none.Source = "the Docker config, " + none.Source
	}
	return none, nil
}

func (m providerModel) credentialSource() string {
	switch {
	case m.Username.IsNull() && m.Password.IsNull():
		return "the environment (ACR_USERNAME and ACR_PASSWORD)"
	case m.Username.IsNull() || m.Password.IsNull():
		return "the provider block and the environment"
	default:
		return "the provider block"
	}
}

// traced adds a variable's name to the error for an attribute that is not set: the one that its value came from, or the
// one that could hold it.
func (m providerModel) traced(err error) error {
	failed, _ := fault.As(err)
	if !fault.IsOfArgument(err) {
		return err
	}
	variable, attribute := environment[failed.Argument], m.configured()[failed.Argument]
	if variable == "" || !attribute.IsNull() {
		return err
	}
	traced := *failed
	if os.Getenv(variable) != "" {
		traced.Detail += "; the value comes from the environment variable " + variable
	} else {
		traced.Detail += "; the environment variable " + variable + " is not set either"
	}
	return &traced
}

// parseTimeout parses request_timeout. The error is a *fault.Error.
func parseTimeout(value string) (time.Duration, error) {
	timeout, err := time.ParseDuration(value)
	if err != nil || timeout <= 0 || timeout > maxRequestTimeout {
		return 0, fault.Invalid("request_timeout", "%q is not a duration over 0 and up to %s, such as \"45s\" or \"2m\"", value, maxTimeoutText)
	}
	return timeout, nil
}
