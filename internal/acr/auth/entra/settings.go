package entra

import (
	"strconv"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Block is the part of the provider block about signing in, attribute by attribute. A zero value is an attribute that
// is not set.
type Block struct {
	TenantID                  string
	ClientID                  string
	ClientSecret              secret.Text
	ClientCertificatePath     string
	ClientCertificatePassword secret.Text
	UseOIDC                   *bool
	OIDCToken                 secret.Text
	OIDCTokenFilePath         string
	UseMSI                    *bool
	UseCLI                    *bool
	UseAKSWorkloadIdentity    *bool
	Environment               string
	Audience                  string
}

// variables replace attributes of the block: the first that is set counts. An empty one counts as unset.
var variables = map[string][]string{
	"tenant_id":                   {"ARM_TENANT_ID"},
	"client_id":                   {"ARM_CLIENT_ID"},
	"client_secret":               {"ARM_CLIENT_SECRET"},
	"client_certificate_path":     {"ARM_CLIENT_CERTIFICATE_PATH"},
	"client_certificate_password": {"ARM_CLIENT_CERTIFICATE_PASSWORD"},
	"use_oidc":                    {"ARM_USE_OIDC"},
	"oidc_token":                  {"ARM_OIDC_TOKEN"},
	"oidc_token_file_path":        {"ARM_OIDC_TOKEN_FILE_PATH"},
	"use_msi":                     {"ARM_USE_MSI"},
	"use_cli":                     {"ARM_USE_CLI"},
	"use_aks_workload_identity":   {"ARM_USE_AKS_WORKLOAD_IDENTITY"},
	"environment":                 {"ARM_ENVIRONMENT"},
	"entra_audience":              {"ACR_ENTRA_AUDIENCE"},
}

// The variables that replace no attribute.
const (
	clientIDFileVariable     = "ARM_CLIENT_ID_FILE_PATH"
	clientSecretFileVariable = "ARM_CLIENT_SECRET_FILE_PATH"
	certificateVariable      = "ARM_CLIENT_CERTIFICATE" // base64 of PKCS#12
	msiEndpointVariable      = "ARM_MSI_ENDPOINT"
	authorityHostVariable    = "AZURE_AUTHORITY_HOST"
	workspaceTokenVariable   = "TFC_WORKLOAD_IDENTITY_TOKEN" // of HCP Terraform; it may be for another service than Azure

	// Azure DevOps sets this in each job, whatever the job makes of it.
	azureDevOpsURLVariable = "SYSTEM_OIDCREQUESTURI"

	// AKS's webhook sets these in a pod.
	aksTenantIDVariable  = "AZURE_TENANT_ID"
	aksClientIDVariable  = "AZURE_CLIENT_ID"
	aksTokenFileVariable = "AZURE_FEDERATED_TOKEN_FILE"
)

// The URL and the token for asking a CI server for a federated token. The first name of each is azurerm's, the others
// are the servers'.
var (
	requestURLVariables        = []string{"ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL", azureDevOpsURLVariable}
	requestTokenVariables      = []string{"ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SYSTEM_ACCESSTOKEN"}
	serviceConnectionVariables = []string{
		"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
	}
)

// value is a setting and where it was found. All are kept as secrets, since some are.
type value struct {
	secret.Text
	attribute string
	variable  string // empty if it is in the block
}

// isOfBlock reports whether the setting is in the block.
func (v value) isOfBlock() bool { return !v.IsZero() && v.variable == "" }

// invalid returns the error for a setting that breaks its grammar, on its attribute.
func (v value) invalid(format string, values ...any) error {
	return v.traced(fault.Invalid(v.attribute, format, values...))
}

// conflicting returns the error for a setting that contradicts another one, on its attribute.
func (v value) conflicting(format string, values ...any) error {
	return v.traced(fault.Conflicting(v.attribute, format, values...))
}

// traced adds the name of the variable to an error if the setting came from one.
func (v value) traced(failed *fault.Error) error {
	if v.variable != "" {
		failed.Detail += "; the value comes from the environment variable " + v.variable
	}
	return failed
}

// check returns an error for a setting that breaks its grammar.
func (v value) check(validate func(string) error) error {
	if failed, ok := fault.As(validate(v.Reveal())); ok {
		return v.invalid("%s", failed.Detail)
	}
	return nil
}

// settings are the block and the environment together. A setting of the block comes before its variables.
type settings struct {
	block  Block
	getenv func(string) string
	cloud  string
}

// find returns a setting, without white space around it, as azurerm takes it.
func (s settings) find(attribute string, inBlock secret.Text) value {
	if text := strings.TrimSpace(inBlock.Reveal()); text != "" {
		return value{secret.New(text), attribute, ""}
	}
	return s.variable(attribute, variables[attribute]...)
}

// untrimmed returns a setting that find has found with the white space around it, which is part of a password.
func (s settings) untrimmed(found value, inBlock secret.Text) value {
	switch {
	case found.isOfBlock():
		found.Text = inBlock
	case !found.IsZero():
		found.Text = secret.New(s.getenv(found.variable))
	}
	return found
}

// variable returns the first of the variables that is set.
func (s settings) variable(attribute string, names ...string) value {
	for _, name := range names {
		if text := strings.TrimSpace(s.getenv(name)); text != "" {
			return value{secret.New(text), attribute, name}
		}
	}
	return value{attribute: attribute}
}

// findOrFile is find with a variable that names a file. The file comes before a variable with the value, and both must
// be the same.
func (s settings) findOrFile(attribute string, inBlock secret.Text, fileVariable string) (value, error) {
	found := s.find(attribute, inBlock)
	named := s.variable(attribute, fileVariable)
	if named.IsZero() || found.isOfBlock() {
		return found, nil
	}
	text, err := readText(named.Reveal())
	if err != nil {
		return value{}, named.invalid("%s", err)
	}
	if !found.IsZero() && found.Reveal() != text.Reveal() {
		return value{}, found.conflicting("differs from the content of the file that %s names", fileVariable)
	}
	return value{text, attribute, fileVariable}, nil
}

// flag returns a switch. given reports whether the block or the environment sets it.
func (s settings) flag(attribute string, inBlock *bool) (on, given bool, err error) {
	if inBlock != nil {
		return *inBlock, true, nil
	}
	found := s.variable(attribute, variables[attribute]...)
	if found.IsZero() {
		return false, false, nil
	}
	on, err = strconv.ParseBool(found.Reveal())
	if err != nil {
		return false, false, found.invalid("is neither true nor false")
	}
	return on, true, nil
}

// tenant returns tenant_id, or the one that AKS's webhook names.
func (s settings) tenant() (value, error) {
	tenant, err := s.orAKS(s.find("tenant_id", secret.New(s.block.TenantID)), aksTenantIDVariable)
	if err == nil && strings.Trim(secret.LowerASCII(tenant.Reveal()), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		err = tenant.invalid("is not a tenant, which is an id such as 00000000-0000-0000-0000-000000000001, or a domain name")
	}
	return tenant, err
}

// client returns client_id, or the one that AKS's webhook names.
func (s settings) client() (value, error) {
	client, err := s.findOrFile("client_id", secret.New(s.block.ClientID), clientIDFileVariable)
	if err != nil {
		return value{}, err
	}
	return s.orAKS(client, aksClientIDVariable)
}

// orAKS lets a variable of AKS's webhook replace a setting if use_aks_workload_identity is set. If both are set, they
// must be the same.
func (s settings) orAKS(found value, variable string) (value, error) {
	on, _, err := s.flag("use_aks_workload_identity", s.block.UseAKSWorkloadIdentity)
	inPod := s.variable(found.attribute, variable)
	if err != nil || !on || inPod.IsZero() {
		return found, err
	}
	if !found.IsZero() && found.Reveal() != inPod.Reveal() {
		return value{}, found.conflicting("differs from %s, which AKS set for the workload identity", variable)
	}
	return inPod, nil
}

// audience returns what the token is made for.
func (s settings) audience() (string, error) {
	named := s.find("entra_audience", secret.New(s.block.Audience))
	if named.IsZero() {
		return DefaultAudience, nil
	}
	return named.Reveal(), named.check(ValidateAudience)
}

// ValidateAudience returns an error for an audience with characters that the Azure CLI does not accept. Errors are
// *fault.Error.
func ValidateAudience(audience string) error {
	if audience == "" || strings.Trim(secret.LowerASCII(audience), "abcdefghijklmnopqrstuvwxyz0123456789.-_/:") != "" {
		return fault.Invalid("entra_audience", "is not an audience, which is a URI such as %s", DefaultAudience)
	}
	return nil
}
