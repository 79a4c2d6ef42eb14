package acr

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
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
		faulttest.WantArgument(t, err, "registry")
		if err != nil && (!strings.Contains(err.Error(), advice) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("registry %q: error = %q, want %q in it and no user information", value, err, advice)
		}
	}
}
