package auth

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// RealmPolicy decides which token servers may be sent the credential. The challenge that names one comes from whoever
// answered (CVE-2020-15157 shows what happens without a policy).
type RealmPolicy struct {
	registry transport.Origin
	trusted  []transport.Origin
}

// NewRealmPolicy returns the policy that trusts the registry's own origin, and each given host[:port] over https. Over
// http it trusts a host only if registry and host are both this machine, since the credential would cross the network
// in the clear.
func NewRealmPolicy(registry transport.Origin, trustedHosts []string) RealmPolicy {
	p := RealmPolicy{registry: registry}
	for _, host := range trustedHosts {
		p.trusted = append(p.trusted, transport.HostOrigin("https", host))
		plain := transport.HostOrigin("http", host)
		if registry.IsHTTP() && registry.IsLoopback() && plain.IsLoopback() {
			p.trusted = append(p.trusted, plain)
		}
	}
	return p
}

// check parses a challenge's realm and returns the URL to ask for a token. The error names both origins; it is a
// *ForeignRealmError if trusting the other one would help. `*.azurecr.io` is multi-tenant, so a sibling host is as
// foreign as any.
func (p RealmPolicy) check(realm string) (*url.URL, error) {
	if realm == "" {
		return nil, fmt.Errorf("the Bearer challenge of %s has no realm, so it names no token server to ask", p.registry)
	}
	u, err := url.Parse(realm)
	if err != nil || u.Hostname() == "" || !transport.ValidPort(u.Port()) || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("the challenge of %s names no usable token server: its realm is not an http(s) URL with a host", p.registry)
	}
	target := transport.OriginOf(u)
	if u.User != nil || u.Fragment != "" || strings.HasSuffix(realm, "#") {
		return nil, fmt.Errorf("the challenge of %s names the token server %s with a user name or a fragment, which no realm has", p.registry, target)
	}
	if target == p.registry {
		return u, nil
	}
	for _, trusted := range p.trusted {
		if target == trusted {
			return u, nil
		}
	}
	return nil, &ForeignRealmError{fmt.Errorf("the challenge of %s sends the credential to %s, which is another origin and not trusted", p.registry, target)}
}

// ValidateTrustedTokenHost checks one entry of trusted_token_hosts, `host[:port]`.
func ValidateTrustedTokenHost(host string) error {
	if !transport.IsHost(strings.ToLower(host)) {
		return fault.Invalid("trusted_token_hosts", "every element is a host[:port], without scheme and path")
	}
	return nil
}
