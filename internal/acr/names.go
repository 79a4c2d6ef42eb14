package acr

import (
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// ParseRegistry checks a login server, `host[:port]`, and returns it in lower case: ACR refuses to authenticate any
// other spelling. For a value with a scheme or a path, the error shows the login server in it. It shows nothing of a
// value with user information.
func ParseRegistry(value string) (string, error) {
	registry := strings.ToLower(value)
	if transport.IsHost(registry) {
		return registry, nil
	}
	if host := transport.BareHost(registry); transport.IsHost(host) && !strings.Contains(value, "@") {
		return "", fault.Invalid("registry", "holds more than the login server %q: a scheme, a path or spaces", host)
	}
	return "", fault.Invalid("registry", "is not a login server, which is host[:port] such as \"example.azurecr.io\"")
}
