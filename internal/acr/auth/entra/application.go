package entra

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// application is a service principal's client and tenant, and the login host.
type application struct {
	tenantID, clientID string
	login              string // URL of the login host
}

// at returns azidentity's options with the login host, which alone is sent requests.
func (a application) at(options azcore.ClientOptions) azcore.ClientOptions {
	options.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: a.login}
	options.Transport = atLoginHost{options.Transport, a.login}
	return options
}

// atLoginHost sends requests to the login host, or to another one of Microsoft's, and nowhere else. The login host says
// itself where to send a secret to (OpenID Connect Discovery 1.0, token_endpoint), and MSAL sends it to any URL.
type atLoginHost struct {
	next  Transport
	login string
}

func (a atLoginHost) Do(request *http.Request) (*http.Response, error) {
	own, err := url.Parse(a.login)
	if err != nil {
		return nil, err
	}
	host := hostOf(request.URL)
	if request.URL.Scheme != "https" || host != hostOf(own) && !slices.Contains(microsoftHosts, host) {
		return nil, errors.New("the token endpoint is not at the login host")
	}
	return a.next.Do(request)
}

// hostOf returns an https URL's host[:port], without the port that https implies.
func hostOf(u *url.URL) string { return strings.TrimSuffix(secret.LowerASCII(u.Host), ":443") }

// microsoftHosts has the hosts that Microsoft's login hosts may name. Source: Microsoft, "National clouds".
var microsoftHosts = []string{
	"login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn",
}

// with returns the name of a way to sign in, with the login host.
func (a application) with(what string) string { return what + " at " + secret.Excerpt(a.login) }

// application returns tenant and client for a way to sign in, which the attribute chose.
func (s settings) application(attribute string) (application, error) {
	tenant, err := s.tenant()
	if err != nil {
		return application{}, err
	}
	client, err := s.client()
	if err != nil {
		return application{}, err
	}
	for _, needed := range []value{tenant, client} {
		if needed.IsZero() {
			return application{}, fault.Missing(needed.attribute, "is required with %s, and neither it nor the environment variable %s is set",
				attribute, variables[needed.attribute][0])
		}
	}
	login, err := s.loginHost()
	return application{tenant.Reveal(), client.Reveal(), login}, err
}

// loginHosts has the login host of each cloud, by azurerm's names.
var loginHosts = map[string]string{
	"public":         "https://login.microsoftonline.com/",
	"global":         "https://login.microsoftonline.com/",
	"canary":         "https://login.microsoftonline.com/",
	"usgovernment":   "https://login.microsoftonline.us/",
	"usgovernmentl4": "https://login.microsoftonline.us/",
	"usgovernmentl5": "https://login.microsoftonline.us/",
	"dod":            "https://login.microsoftonline.us/",
	"china":          "https://login.chinacloudapi.cn/",
}

// ValidateEnvironment returns an error for a cloud that azurerm does not know. Errors are *fault.Error.
func ValidateEnvironment(name string) error {
	if loginHosts[strings.ToLower(name)] == "" {
		return fault.Invalid("environment", "%s is not one of the clouds public, usgovernment and china", secret.Excerpt(name))
	}
	return nil
}

// SignsInTo reports whether the block's identity is one of this cloud. It is of the cloud whose login host it signs in at;
// a host of no cloud counts as one of the home cloud. All names are azurerm's.
func (b Block) SignsInTo(cloud string, getenv func(string) string, home string) bool {
	host, err := settings{b, getenv, home}.loginHost()
	if err != nil {
		return false
	}
	for name, login := range loginHosts {
		if strings.TrimSuffix(login, "/") == strings.TrimSuffix(host, "/") {
			home = name
		}
	}
	return loginHosts[home] == loginHosts[cloud]
}

// loginHost returns the URL of the cloud's login host. If the environment is not set, AKS's webhook may name it.
func (s settings) loginHost() (string, error) {
	named := s.find("environment", secret.New(s.block.Environment))
	if !named.IsZero() {
		return loginHosts[strings.ToLower(named.Reveal())], named.check(ValidateEnvironment)
	}
	host := s.variable("environment", authorityHostVariable)
	if host.IsZero() {
		return loginHosts[s.cloud], nil
	}
	if u, err := parseURL(host.Reveal()); err != nil || u.Scheme != "https" {
		return "", host.invalid("no https URL")
	}
	return host.Reveal(), nil
}
