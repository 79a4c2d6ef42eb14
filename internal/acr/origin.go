package acr

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// origin is what two URLs must share to be trusted alike: scheme, host and port (RFC 6454 section 4).
type origin struct {
	scheme, host, port string
}

// originOf gives the origin of an absolute URL; the host's case and a default port make no difference.
func originOf(u *url.URL) origin {
	o := origin{scheme: secret.LowerASCII(u.Scheme), host: secret.LowerASCII(u.Hostname()), port: u.Port()}
	if o.port == "" {
		o.port = defaultPort(o.scheme)
	}
	return o
}

// hostOrigin gives the origin of a host[:port] under a scheme.
func hostOrigin(scheme, hostport string) origin {
	return originOf(&url.URL{Scheme: scheme, Host: hostport})
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// String writes the origin the way a person does, without a default port.
func (o origin) String() string {
	return o.scheme + "://" + o.hostport()
}

func (o origin) hostport() string {
	if o.port != defaultPort(o.scheme) {
		return net.JoinHostPort(o.host, o.port)
	}
	if strings.Contains(o.host, ":") {
		return "[" + o.host + "]"
	}
	return o.host
}

// isLoopback reports whether the host can only be this machine: localhost or a loopback address.
func (o origin) isLoopback() bool {
	if o.host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(o.host)
	return err == nil && address.Unmap().IsLoopback()
}

// realmPolicy decides which token server may be asked: it would be sent the credential, and the challenge that names
// it comes from whoever answered (CVE-2020-15157 is what happens otherwise).
type realmPolicy struct {
	registry origin
	trusted  []origin
}

// newRealmPolicy trusts the registry's own origin, and each given host[:port] over https. Over http a host is trusted
// only where registry and host are both this machine, since the credential would cross the network in the clear.
func newRealmPolicy(registry origin, trustedHosts []string) realmPolicy {
	p := realmPolicy{registry: registry}
	for _, host := range trustedHosts {
		p.trusted = append(p.trusted, hostOrigin("https", host))
		plain := hostOrigin("http", host)
		if registry.scheme == "http" && registry.isLoopback() && plain.isLoopback() {
			p.trusted = append(p.trusted, plain)
		}
	}
	return p
}

// check parses a challenge's realm and gives the URL to ask for a token, or an error that names both origins.
// `*.azurecr.io` is multi-tenant, so a sibling host is as foreign as any.
func (p realmPolicy) check(realm string) (*url.URL, error) {
	u, err := url.Parse(realm)
	if err != nil || u.Host == "" || !validPort(u.Port()) || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("the challenge of %s names no usable token server: its realm is not an http(s) URL with a host", p.registry)
	}
	target := originOf(u)
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
	return nil, fmt.Errorf("the challenge of %s sends the credential to %s, which is another origin and not among trusted_token_hosts", p.registry, target)
}
