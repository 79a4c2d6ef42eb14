package acr

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Hardening item 19, here and below.
func TestParseRegistry(t *testing.T) {
	for value, want := range map[string]string{
		"example.azurecr.io":                    "example.azurecr.io",
		"Example.AzureCR.IO":                    "example.azurecr.io",
		"example.azurecr.cn":                    "example.azurecr.cn",
		"example-abc123.azurecr.io":             "example-abc123.azurecr.io",
		"example.westeurope.geo.azurecr.io":     "example.westeurope.geo.azurecr.io",
		"localhost":                             "localhost",
		"localhost:5000":                        "localhost:5000",
		"127.0.0.1:65535":                       "127.0.0.1:65535",
		"[::1]:5000":                            "[::1]:5000",
		"registry":                              "registry",
		strings.Repeat("a", 63) + ".azurecr.io": strings.Repeat("a", 63) + ".azurecr.io",
	} {
		if got, err := ParseRegistry(value); err != nil || got != want {
			t.Errorf("registry %q = %q, %v; want %q", value, got, err, want)
		}
	}
	for value, advice := range map[string]string{
		"https://example.azurecr.io":      `write "example.azurecr.io"`,
		"https://Example.azurecr.io/":     `write "example.azurecr.io"`,
		"http://localhost:5000/v2/":       `write "localhost:5000"`,
		"example.azurecr.io/team/app":     `write "example.azurecr.io"`,
		" example.azurecr.io\n":           `write "example.azurecr.io"`,
		"docker://example.azurecr.io":     `write "example.azurecr.io"`,
		"":                                "example.azurecr.io",
		" ":                               "example.azurecr.io",
		"example.azurecr.io:":             "host[:port]",
		"example.azurecr.io:port":         "host[:port]",
		"example.azurecr.io:65536":        "host[:port]",
		"example.azurecr.io:100000":       "host[:port]",
		"example.azurecr.io:-1":           "host[:port]",
		":5000":                           "host[:port]",
		"example_name.azurecr.io":         "host[:port]",
		"example..azurecr.io":             "host[:port]",
		"-example.azurecr.io":             "host[:port]",
		"example.azurecr.io?x":            "host[:port]",
		"example.azurecr.io#x":            "host[:port]",
		"exämple.azurecr.io":              "host[:port]",
		"example.azurecr.io\x00":          "host[:port]",
		"example.azurecr.io example.com":  "host[:port]",
		"example.azurecr.io\r\nHost: x":   "host[:port]",
		"//example.azurecr.io":            "host[:port]",
		"https://https://x.azurecr.io":    "host[:port]",
		"user:pw@example.azurecr.io":      "host[:port]",
		"https://u:pw@example.azurecr.io": "host[:port]",
		"[::1":                            "host[:port]",
		"::1":                             "host[:port]",
		"example.azurecr.io/@pw":          "host[:port]",
	} {
		_, err := ParseRegistry(value)
		wantArgument(t, err, "registry")
		if err != nil && (!strings.Contains(err.Error(), advice) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("registry %q: error = %q, want %q in it and no user information", value, err, advice)
		}
	}
}

func TestValidateTrustedTokenHost(t *testing.T) {
	for _, host := range []string{"auth.example", "Auth.Example:8443", "localhost:5001", "[::1]:5001"} {
		wantArgument(t, ValidateTrustedTokenHost(host), "")
	}
	for _, host := range []string{"", "https://auth.example", "auth.example/token", "*.example", "u@auth.example", "auth.example:0x1", "auth.example:65536", " auth.example"} {
		wantArgument(t, ValidateTrustedTokenHost(host), "trusted_token_hosts")
	}
}

func TestValidateRepository(t *testing.T) {
	for _, name := range []string{"a", "alpine", "library/alpine", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a---b", "0", "localhost/a", "r.example/a", strings.Repeat("a", 255)} {
		wantArgument(t, ValidateRepository(name), "")
	}
	for _, name := range []string{
		"", " ", "/", "a/", "/a", "a//b", "A", "a/B", "a b", "a:b", "a@b", "-a", "a-", ".a", "a.", "a..b", "_a", "a___b", "a.-b",
		"..", "../a", "a/../b", "a/./b", "a%2fb", "a?b", "a#b", "a\\b", "a\n", "a\x00", "ä", "a/b\r\nX: y", "r.example:5000/a", "\xff",
		strings.Repeat("a", 256), strings.Repeat("a/", 200) + "a",
	} {
		wantArgument(t, ValidateRepository(name), "repository")
	}
}

func TestValidateTag(t *testing.T) {
	for _, tag := range []string{"a", "latest", "1.0", "_x", "A-b.C_d", "1", strings.Repeat("a", 128)} {
		wantArgument(t, ValidateTag(tag), "")
	}
	for _, tag := range []string{"", " ", ".a", "-a", "a/b", "a:b", "a b", "a\n", "\na", "ä", "a%2f", "a?b", "a#b", "..", "a@b", "a+b", strings.Repeat("a", 129), "sha256:" + strings.Repeat("a", 64)} {
		wantArgument(t, ValidateTag(tag), "tag")
	}
}

func TestValidateDigest(t *testing.T) {
	for _, value := range []string{digestA, "sha384:" + strings.Repeat("0", 96), "sha512:" + strings.Repeat("f", 128)} {
		wantArgument(t, ValidateDigest(value), "")
	}
	for _, value := range []string{
		"", "sha256", "sha256:", "sha256:abc", strings.ToUpper(digestA), "SHA256:" + strings.Repeat("a", 64), digestA + "a", digestA + "\n",
		" " + digestA, "sha512:" + strings.Repeat("a", 64), "md5:" + strings.Repeat("a", 32), "blake3:" + strings.Repeat("a", 64),
		"sha256:" + strings.Repeat("g", 64), strings.Repeat("a", 64), "sha256:../../" + strings.Repeat("a", 58),
	} {
		wantArgument(t, ValidateDigest(value), "digest")
	}
}

func TestValidateScope(t *testing.T) {
	for _, scope := range []string{
		"registry:catalog:*", "repository:app:pull", "repository:team/app:pull,push", "repository:app:metadata_read,delete",
		"repository(plugin):app:pull", "repository:r.example:5000/app:pull", "repository:*:*", "artifact-repository:a:pull"[9:],
	} {
		wantArgument(t, ValidateScope(scope), "")
	}
	for _, scope := range []string{
		"", " ", "repository", "repository:app", "repository:app:", ":app:pull", "repository::pull", "repository:app:pull push",
		"repository:app:pull,", "repository:app:,pull", "repository:app:Pull", "repository:app:pull\n", "repository:app:pull&scope=x",
		"repository:a b:pull", "repository():app:pull", "REPOSITORY:app:pull", "repository:app:pull repository:b:pull", "repository:äpp:pull",
	} {
		wantArgument(t, ValidateScope(scope), "scopes")
	}
}

func TestValidateAction(t *testing.T) {
	for _, action := range []string{"pull", "metadata_read", "*"} {
		wantArgument(t, ValidateAction(action), "")
	}
	for _, action := range []string{"", "Pull", "pull,push", "pull ", "**", "*pull", "pull1", "push\n", "pull:x", "ä"} {
		wantArgument(t, ValidateAction(action), "actions")
	}
}

func TestValidateAccessToken(t *testing.T) {
	wantArgument(t, ValidateAccessToken(secret.New("opaque")), "")
	wantArgument(t, ValidateAccessToken(jwt(acrClaims)), "")
	for _, token := range []string{"", "made-up\n", "made up", "made-üp"} {
		err := ValidateAccessToken(secret.New(token))
		wantArgument(t, err, "access_token")
		if err != nil && strings.Contains(err.Error(), "made") {
			t.Errorf("error %q shows the token", err)
		}
	}
}
