package acr_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestReadIsChallengeTokenRequest(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	want := registry.PutImage("team/app", "1.0", acrtest.Image{})
	client := newClient(t, registry)

	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "team/app", Tag: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Digest != want {
		t.Errorf("digest = %s, want %s", manifest.Digest, want)
	}
	var kinds, schemes []string
	for _, request := range registry.Requests() {
		kinds = append(kinds, string(request.Kind))
		schemes = append(schemes, request.AuthScheme)
	}
	if want := []string{"challenge", "token", "resource"}; !slices.Equal(kinds, want) {
		t.Errorf("requests = %v, want %v", kinds, want)
	}
	if want := []string{"", "Basic", "Bearer"}; !slices.Equal(schemes, want) {
		t.Errorf("authorization = %v, want %v", schemes, want)
	}
	token := registry.Requests()[1]
	if want := "scope=repository%3Ateam%2Fapp%3Apull&service=" + strings.ReplaceAll(registry.Host(), ":", "%3A"); token.RawQuery != want {
		t.Errorf("token query = %s, want %s", token.RawQuery, want)
	}

	if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "team/app", Tag: "1.0"}); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/2")
}

func TestFiftyTagsShareChallengeAndToken(t *testing.T) {
	for _, proto := range []struct {
		name        string
		options     acrtest.Options
		connections int
	}{
		{"HTTP/1.1", acrtest.Options{DisableHTTP2: true}, 10},
		{"HTTP/2", acrtest.Options{}, 1},
	} {
		t.Run(proto.name, func(t *testing.T) {
			registry := acrtest.StartT(t, proto.options)
			for i := range 50 {
				registry.PutImage("app", fmt.Sprintf("v%d", i), acrtest.Image{Author: fmt.Sprint(i)})
			}
			client := newClient(t, registry)
			err := together(50, parallelism, func(i int) error {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprintf("v%d", i)})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			wantWire(t, registry, "1/1/50")
			if got := registry.UsedConnections(); got > proto.connections {
				t.Errorf("connections = %d, want at most %d", got, proto.connections)
			}
		})
	}
}

func TestHundredRepositoriesForeseeTheirScope(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for i := range 100 {
		registry.PutImage(fmt.Sprintf("app%d", i), "v", acrtest.Image{})
	}
	client := newClient(t, registry)
	err := together(100, parallelism, func(i int) error {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: fmt.Sprintf("app%d", i), Tag: "v"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/100/100")
}

func TestOpenRegistryAnswersAtOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{NoAuth: true})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	for range 3 {
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	wantWire(t, registry, "3/0/0")

	_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"})
	faulttest.Want(t, err, fault.NoTokenNeeded)
	_, err = client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "absent"})
	if !fault.IsMissing(err) {
		t.Errorf("error = %v, want a missing manifest", err)
	}
}

// Run with -race in CI.
func TestTwoHundredReadsShareTenConnections(t *testing.T) {
	for protocol, options := range protocols {
		t.Run(protocol, func(t *testing.T) {
			registry := acrtest.StartT(t, options)
			for i := range 20 {
				registry.PutImage(fmt.Sprint("app", i), "v", acrtest.Image{})
			}
			client := newClient(t, registry, func(c *acr.Config) { c.RequestTimeout = time.Minute })
			err := together(200, 200, func(i int) error {
				repository := fmt.Sprint("app", i%20)
				switch i % 4 {
				case 0:
					_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: repository})
					return err
				case 1:
					_, err := client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"})
					return err
				default:
					_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"})
					return err
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := registry.UsedConnections(); got > 10 {
				t.Errorf("connections = %d, want at most 10", got)
			}
			if got := registry.Count(acrtest.KindChallenge); got != 1 {
				t.Errorf("challenges = %d, want 1", got)
			}
		})
	}
}

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
		if got, err := acr.ParseRegistry(value); err != nil || got != want {
			t.Errorf("registry %q = %q, %v; want %q", value, got, err, want)
		}
	}
	for value, says := range map[string]string{
		"https://example.azurecr.io":      `more than the login server "example.azurecr.io"`,
		"https://Example.azurecr.io/":     `more than the login server "example.azurecr.io"`,
		"http://localhost:5000/v2/":       `more than the login server "localhost:5000"`,
		"example.azurecr.io/team/app":     `more than the login server "example.azurecr.io"`,
		" example.azurecr.io\n":           `more than the login server "example.azurecr.io"`,
		"docker://example.azurecr.io":     `more than the login server "example.azurecr.io"`,
		"":                                "example.azurecr.io",
		" ":                               "example.azurecr.io",
		"example.azurecr.io:":             "host[:port]",
		"example.azurecr.io:port":         "host[:port]",
		"example.azurecr.io:65536":        "host[:port]",
		"example.azurecr.io:100000":       "host[:port]",
		"example.azurecr.io:-1":           "host[:port]",
		"example.azurecr.io:0":            "host[:port]",
		"example.azurecr.io:00000":        "host[:port]",
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
		_, err := acr.ParseRegistry(value)
		faulttest.WantArgument(t, err, "registry")
		if err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "pw")) {
			t.Errorf("registry %q: error = %q, want %q in it and no user information", value, err, says)
		}
	}
}
