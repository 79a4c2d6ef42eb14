package entra

import (
	"os/exec"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// FromBlock returns the identity whose way to sign in the block names: a secret, a certificate, a token or a switch
// that is set to true. Other settings, such as the tenant, may come from the environment. It returns nil if the block
// names no way. cloud is used if neither block nor environment names one. It sends nothing. Errors are *fault.Error,
// with the attribute at fault as Argument.
func FromBlock(block Block, getenv func(string) string, cloud string) (*Identity, error) {
	s := settings{block, getenv, cloud}
	named := s.namedInBlock()
	if len(named) == 0 {
		return nil, s.clientOfNothing()
	}
	if len(named) > 1 && named[1].way != azureCLI {
		return nil, fault.Conflicting(named[1].attribute, "is a second way to sign in besides %s", named[0].attribute)
	}
	return s.identity(named[0])
}

// FromEnvironment returns the identity that the ARM_ variables name: a secret, a certificate, or a switch that is set
// to true. If they name none, it is the Azure CLI's session, Unasked, if `az` is on PATH and use_cli is not false;
// otherwise nil. cloud and errors are as for FromBlock.
func FromEnvironment(block Block, getenv func(string) string, cloud string) (*Identity, error) {
	s := settings{block, getenv, cloud}
	named, err := s.namedInEnvironment()
	if err != nil || named.way == none {
		return nil, err
	}
	return s.identity(named)
}

// way is a way to sign in.
type way int

// The ways, in the order of precedence.
const (
	none way = iota
	certificate
	clientSecret
	federatedToken
	managedIdentity
	azureCLI
)

// choice is a way to sign in, and the attribute that chose it.
type choice struct {
	way       way
	attribute string
	unasked   bool
}

// Asked returns an attribute of the block that asks for Entra ID, empty if none does. A switch that is off does not.
func (b Block) Asked() string {
	if named := (settings{block: b}).namedInBlock(); len(named) > 0 {
		return named[0].attribute
	}
	for _, part := range []struct{ attribute, text string }{
		{"tenant_id", b.TenantID}, {"client_id", b.ClientID}, {"client_certificate_password", b.ClientCertificatePassword.Reveal()},
		{"environment", b.Environment}, {"entra_audience", b.Audience},
	} {
		if part.text != "" {
			return part.attribute
		}
	}
	return ""
}

// namedInBlock returns the ways that the block names, in the order of precedence.
func (s settings) namedInBlock() []choice {
	b := s.block
	var named []choice
	for _, c := range []struct {
		choice
		named bool
	}{
		{choice{way: certificate, attribute: "client_certificate_path"}, b.ClientCertificatePath != ""},
		{choice{way: clientSecret, attribute: "client_secret"}, !b.ClientSecret.IsZero()},
		{choice{way: federatedToken, attribute: s.federatedAttribute()}, s.federatedAttribute() != ""},
		{choice{way: managedIdentity, attribute: "use_msi"}, isOn(b.UseMSI)},
		{choice{way: azureCLI, attribute: "use_cli"}, isOn(b.UseCLI)},
	} {
		if c.named {
			named = append(named, c.choice)
		}
	}
	return named
}

// federatedAttribute returns the attribute that names a federated token, empty if none does.
func (s settings) federatedAttribute() string {
	b := s.block
	switch off := b.UseOIDC != nil && !*b.UseOIDC; {
	case !b.OIDCToken.IsZero() && !off:
		return "oidc_token"
	case b.OIDCTokenFilePath != "" && !off:
		return "oidc_token_file_path"
	case isOn(b.UseOIDC):
		return "use_oidc"
	case isOn(b.UseAKSWorkloadIdentity):
		return "use_aks_workload_identity"
	default:
		return ""
	}
}

func isOn(flag *bool) bool { return flag != nil && *flag }

// namedInEnvironment returns the first way that the variables name, or else the Azure CLI, or none.
func (s settings) namedInEnvironment() (choice, error) {
	if !s.variable("", certificateVariable, variables["client_certificate_path"][0]).IsZero() {
		return choice{way: certificate, attribute: "client_certificate_path"}, nil
	}
	if !s.variable("", variables["client_secret"][0], clientSecretFileVariable).IsZero() {
		return choice{way: clientSecret, attribute: "client_secret"}, nil
	}
	for _, switched := range []struct {
		attribute string
		inBlock   *bool
		way       way
	}{
		{"use_oidc", s.block.UseOIDC, federatedToken},
		{"use_aks_workload_identity", s.block.UseAKSWorkloadIdentity, federatedToken},
		{"use_msi", s.block.UseMSI, managedIdentity},
	} {
		if on, _, err := s.flag(switched.attribute, switched.inBlock); on || err != nil {
			return choice{way: switched.way, attribute: switched.attribute}, err
		}
	}
	on, given, err := s.flag("use_cli", s.block.UseCLI)
	if err != nil || given && !on {
		return choice{}, err
	}
	if _, err := exec.LookPath("az"); err != nil && !given {
		return choice{}, nil
	}
	return choice{way: azureCLI, attribute: "use_cli", unasked: !given}, nil
}

// clientOfNothing returns an error for a block with a client id and no way to sign in, neither there nor in the
// environment: half an identity is a mistake, and would mean anonymous access.
func (s settings) clientOfNothing() error {
	if s.block.ClientID == "" {
		return nil
	}
	named, err := s.namedInEnvironment()
	if err != nil || named.way != none && named.way != azureCLI {
		return err
	}
	return fault.Missing("client_id", "names an identity, but neither the provider block nor the environment has a way to sign in")
}

// identity checks the settings of the chosen way and returns its identity.
func (s settings) identity(c choice) (*Identity, error) {
	audience, err := s.audience()
	if err != nil {
		return nil, err
	}
	id := &Identity{audience: audience, Unasked: c.unasked}
	switch c.way {
	case certificate:
		id.kind, err = s.certificate(c.attribute)
	case clientSecret:
		id.kind, err = s.clientSecret(c.attribute)
	case federatedToken:
		id.kind, err = s.federated(c.attribute)
	case managedIdentity:
		id.kind, err = s.managedIdentity()
	default:
		id.kind, err = s.azureCLI()
	}
	if err != nil {
		return nil, err
	}
	return id, nil
}
