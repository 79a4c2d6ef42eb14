package auth

import (
	"net/url"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestRealmPolicyTrusts(t *testing.T) {
	for name, test := range map[string]struct {
		registry string
		trusted  []string
		realm    string
	}{
		"own origin":                   {"https://r.azurecr.io", nil, "https://r.azurecr.io/oauth2/token"},
		"own origin, no path":          {"https://r.azurecr.io", nil, "https://r.azurecr.io"},
		"own origin, a query":          {"https://r.azurecr.io", nil, "https://r.azurecr.io/token?a=b"},
		"other case":                   {"https://r.azurecr.io", nil, "HTTPS://R.AzureCR.IO/oauth2/token"},
		"default port in the realm":    {"https://r.azurecr.io", nil, "https://r.azurecr.io:443/oauth2/token"},
		"default port in the registry": {"https://r.azurecr.io:443", nil, "https://r.azurecr.io/oauth2/token"},
		"same port":                    {"https://r.example:5000", nil, "https://r.example:5000/token"},
		"trusted host":                 {"https://r.example", []string{"auth.example"}, "https://auth.example/token"},
		"trusted host, other case":     {"https://r.example", []string{"Auth.Example"}, "https://aUTH.example:443/token"},
		"trusted host with port":       {"https://r.example", []string{"x.example", "auth.example:8443"}, "https://auth.example:8443/token"},
		"trusted default port":         {"https://r.example", []string{"auth.example:443"}, "https://auth.example/token"},
		"trusted sibling":              {"https://r.azurecr.io", []string{"s.azurecr.io"}, "https://s.azurecr.io/oauth2/token"},
		"plain registry on loopback":   {"http://localhost:5000", nil, "http://localhost:5000/token"},
		"plain registry on port 80":    {"http://127.0.0.1", nil, "http://127.0.0.1:80/token"},
		"plain trusted on loopback":    {"http://localhost:5000", []string{"127.0.0.1:5001"}, "http://127.0.0.1:5001/token"},
		"https trusted of plain":       {"http://localhost:5000", []string{"auth.example"}, "https://auth.example/token"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := policyOf(t, test.registry, test.trusted).check(test.realm)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.EqualFold(got.String(), test.realm) {
				t.Errorf("URL = %s, want %s", got, test.realm)
			}
		})
	}
}

// Everything else causes an error, which names both origins if the realm has one.
func TestRealmPolicyRefuses(t *testing.T) {
	const home = "https://r.azurecr.io"
	for name, test := range map[string]struct {
		registry string
		trusted  []string
		realm    string
		target   string // origin that the error names
	}{
		"foreign host":                  {home, nil, "https://evil.example/oauth2/token", "https://evil.example"},
		"sibling":                       {home, nil, "https://s.azurecr.io/oauth2/token", "https://s.azurecr.io"},
		"sub-domain":                    {home, nil, "https://a.r.azurecr.io/", "https://a.r.azurecr.io"},
		"parent domain":                 {home, nil, "https://azurecr.io/", "https://azurecr.io"},
		"host as a prefix":              {home, nil, "https://r.azurecr.io.evil.example/", "https://r.azurecr.io.evil.example"},
		"host as a suffix":              {home, nil, "https://evilr.azurecr.io/", "https://evilr.azurecr.io"},
		"trailing dot":                  {home, nil, "https://r.azurecr.io./", "https://r.azurecr.io."},
		"foreign port":                  {home, nil, "https://r.azurecr.io:8443/", "https://r.azurecr.io:8443"},
		"port with a zero":              {home, nil, "https://r.azurecr.io:0443/", "https://r.azurecr.io:0443"},
		"http of an https registry":     {home, nil, "http://r.azurecr.io/oauth2/token", "http://r.azurecr.io"},
		"http on the https port":        {home, nil, "http://r.azurecr.io:443/oauth2/token", "http://r.azurecr.io:443"},
		"metadata service":              {home, nil, "http://169.254.169.254/metadata/identity", "http://169.254.169.254"},
		"metadata service by https":     {home, nil, "https://169.254.169.254/", "https://169.254.169.254"},
		"private address":               {home, nil, "https://10.0.0.1/", "https://10.0.0.1"},
		"loopback":                      {home, nil, "https://localhost/", "https://localhost"},
		"IPv6":                          {home, nil, "https://[::1]:8443/", "https://[::1]:8443"},
		"user name":                     {home, nil, "https://u@r.azurecr.io/", home},
		"user name and password":        {home, nil, "https://u:p@r.azurecr.io/", home},
		"empty user name":               {home, nil, "https://@r.azurecr.io/", home},
		"host in place of a user name":  {home, nil, "https://r.azurecr.io@evil.example/", "https://evil.example"},
		"fragment":                      {home, nil, "https://r.azurecr.io/#x", home},
		"empty fragment":                {home, nil, "https://r.azurecr.io/#", home},
		"dotted capital I":              {home, nil, "https://r.azurecr.\u0130o/", "https://r.azurecr.\u0130o"},
		"Kelvin sign":                   {"https://k.azurecr.io", nil, "https://\u212a.azurecr.io/", "https://\u212a.azurecr.io"},
		"full-width letters":            {home, nil, "https://\uff52.azurecr.io/", "https://\uff52.azurecr.io"},
		"empty":                         {home, nil, "", ""},
		"space":                         {home, nil, " ", ""},
		"relative path":                 {home, nil, "/oauth2/token", ""},
		"relative to the scheme":        {home, nil, "//r.azurecr.io/oauth2/token", ""},
		"host without scheme":           {home, nil, "r.azurecr.io/oauth2/token", ""},
		"other scheme":                  {home, nil, "ftp://r.azurecr.io/", ""},
		"file":                          {home, nil, "file:///etc/passwd", ""},
		"opaque":                        {home, nil, "https:r.azurecr.io/", ""},
		"no host":                       {home, nil, "https:///oauth2/token", ""},
		"port alone":                    {home, nil, "https://:443/", "https://"},
		"space before":                  {home, nil, " https://r.azurecr.io/", ""},
		"control character":             {home, nil, "https://r.azurecr.io/\x01", ""},
		"backslash":                     {home, nil, `https://r.azurecr.io\@evil.example/`, ""},
		"percent-encoded dot":           {home, nil, "https://r%2eazurecr.io/", ""},
		"port 0":                        {home, nil, "https://r.azurecr.io:0/", ""},
		"bad port":                      {home, nil, "https://r.azurecr.io:port/", ""},
		"trusted host by http":          {home, []string{"auth.example"}, "http://auth.example/token", "http://auth.example"},
		"trusted host on another port":  {home, []string{"auth.example"}, "https://auth.example:8443/", "https://auth.example:8443"},
		"trusted port is not every":     {home, []string{"auth.example:8443"}, "https://auth.example/", "https://auth.example"},
		"sub-domain of a trusted host":  {home, []string{"auth.example"}, "https://a.auth.example/", "https://a.auth.example"},
		"plain loopback as trusted":     {home, []string{"localhost:5000"}, "http://localhost:5000/", "http://localhost:5000"},
		"plain trusted off loopback":    {"http://localhost:5000", []string{"auth.example"}, "http://auth.example/", "http://auth.example"},
		"plain registry, other port":    {"http://localhost:5000", nil, "http://localhost:5001/", "http://localhost:5001"},
		"plain registry off loopback":   {"http://r.example", []string{"localhost"}, "http://localhost/", "http://localhost"},
		"another name for this machine": {"http://localhost:5000", nil, "http://127.0.0.1:5000/", "http://127.0.0.1:5000"},
		"https realm of plain registry": {"http://localhost:5000", nil, "https://localhost:5000/", "https://localhost:5000"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := policyOf(t, test.registry, test.trusted).check(test.realm)
			if err == nil {
				t.Fatalf("%q was trusted as %s", test.realm, got)
			}
			for _, part := range []string{test.registry, test.target} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error = %q, want %q in it", err, part)
				}
			}
			if strings.Contains(err.Error(), "u:p") || strings.Contains(err.Error(), "/oauth2") {
				t.Errorf("error %q quotes more than the origin", err)
			}
		})
	}
}

func TestValidateTrustedTokenHost(t *testing.T) {
	for _, host := range []string{"auth.example", "Auth.Example:8443", "localhost:5001", "[::1]:5001"} {
		faulttest.WantArgument(t, ValidateTrustedTokenHost(host), "")
	}
	for _, host := range []string{"", "https://auth.example", "auth.example/token", "*.example", "u@auth.example", "auth.example:0x1", "auth.example:65536", "auth.example:0", " auth.example"} {
		faulttest.WantArgument(t, ValidateTrustedTokenHost(host), "trusted_token_hosts")
	}
}

func policyOf(t *testing.T, registry string, trusted []string) RealmPolicy {
	t.Helper()
	u, err := url.Parse(registry)
	if err != nil {
		t.Fatal(err)
	}
	return NewRealmPolicy(transport.OriginOf(u), trusted)
}
