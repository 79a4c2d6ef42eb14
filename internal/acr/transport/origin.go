package transport

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Origin is what two URLs must share to be trusted alike: scheme, host and port (RFC 6454 section 4). Compare origins
// with ==.
type Origin struct {
	scheme, host, port string
}

// OriginOf returns the origin of an absolute URL. It ignores the host's case and a default port.
func OriginOf(u *url.URL) Origin {
	o := Origin{scheme: secret.LowerASCII(u.Scheme), host: secret.LowerASCII(u.Hostname()), port: u.Port()}
	if o.port == "" {
		o.port = defaultPort(o.scheme)
	}
	return o
}

// HostOrigin returns the origin of a host[:port] under a scheme.
func HostOrigin(scheme, hostport string) Origin {
	return OriginOf(&url.URL{Scheme: scheme, Host: hostport})
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// String returns the origin as a person writes it, without a default port: `https://r.azurecr.io`.
func (o Origin) String() string {
	return o.scheme + "://" + o.Hostport()
}

// Hostport returns `host[:port]`, without a default port.
func (o Origin) Hostport() string {
	if o.port != defaultPort(o.scheme) {
		return net.JoinHostPort(o.host, o.port)
	}
	if strings.Contains(o.host, ":") {
		return "[" + o.host + "]"
	}
	return o.host
}

// IsHTTP reports whether requests to the origin cross the network in the clear.
func (o Origin) IsHTTP() bool { return o.scheme == "http" }

// IsLoopback reports whether the host can only be this machine: localhost or a loopback address.
func (o Origin) IsLoopback() bool {
	if o.host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(o.host)
	return err == nil && address.Unmap().IsLoopback()
}

// BareHost returns value without spaces, scheme and path.
func BareHost(value string) string {
	value = strings.TrimSpace(value)
	if _, rest, found := strings.Cut(value, "://"); found {
		value = rest
	}
	host, _, _ := strings.Cut(value, "/")
	return host
}

// IsHost reports whether value is `host[:port]` in lower case, by the grammar of a reference's domain and with a port
// in range.
func IsHost(hostport string) bool {
	named, err := reference.WithName(hostport + "/x")
	if err != nil || reference.Domain(named) != hostport || hostport != strings.ToLower(hostport) {
		return false
	}
	u, err := url.Parse("https://" + hostport)
	return err == nil && ValidPort(u.Port())
}

// ValidPort reports whether the port of a parsed URL, which consists of digits, is empty or in range.
func ValidPort(port string) bool {
	if port == "" {
		return true
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && number > 0
}
