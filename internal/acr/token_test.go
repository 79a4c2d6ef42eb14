package acr_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestTokenAnswerIsReadOrRefused(t *testing.T) {
	const token = "opaque-token-sentinel"
	for _, test := range []struct {
		name, body string
		want       string // empty: an error
	}{
		{"access_token", `{"access_token":"` + token + `"}`, token},
		{"token", `{"token":"` + token + `"}`, token},
		{"both", `{"token":"other","access_token":"` + token + `"}`, token},
		{"access_token null, token", `{"access_token":null,"token":"` + token + `"}`, token},
		{"access_token empty, token", `{"access_token":"","token":"` + token + `"}`, token},
		{"access_token number, token", `{"access_token":12,"token":"` + token + `"}`, token},
		{"more keys", `{"refresh_token":"` + token + `","access_token":"` + token + `","x":{"y":[1]}}`, token},
		{"refresh_token alone", `{"refresh_token":"` + token + `"}`, ""},
		{"neither", `{}`, ""},
		{"null", `{"access_token":null}`, ""},
		{"both null", `{"access_token":null,"token":null}`, ""},
		{"number", `{"access_token":12345}`, ""},
		{"object", `{"access_token":{"token":"` + token + `"}}`, ""},
		{"array", `{"access_token":["` + token + `"]}`, ""},
		{"true", `{"access_token":true}`, ""},
		{"empty", `{"access_token":""}`, ""},
		{"line break in the token", `{"access_token":"` + token + `\r\nX-Header: 1"}`, ""},
		{"space in the token", `{"access_token":"` + token + ` x"}`, ""},
		{"letter that no header has", `{"access_token":"` + token + `é"}`, ""},
		{"NUL", `{"access_token":"` + token + `\u0000"}`, ""},
		{"duplicate key", `{"access_token":"` + token + `","access_token":"other"}`, ""},
		{"JSON array", `["` + token + `"]`, ""},
		{"JSON string", `"` + token + `"`, ""},
		{"JSON null", `null`, ""},
		{"nothing", ``, ""},
		{"garbage", "\x00\xff" + token, ""},
		{"HTML", `<html>` + token + `</html>`, ""},
		{"form", `access_token=` + token, ""},
		{"cut off", `{"access_token":"` + token, ""},
		{"two values", `{"access_token":"` + token + `"}{"access_token":"other"}`, ""},
		{"key in capitals", `{"ACCESS_TOKEN":"` + token + `"}`, ""},
		{"100,000 levels", `{"x":` + strings.Repeat("[", 100_000), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected := answering("", test.body, "Content-Type: application/json")
			injected.Kind = acrtest.KindToken
			registry.Inject(injected)
			got, err := newClient(t, registry).Token(t.Context(), acr.TokenRequest{Repository: "app"})
			if test.want == "" {
				faulttest.Want(t, err, fault.BadAnswer, "/oauth2/token", "no token")
				wantNoSecret(t, "the error", err.Error(), token)
				wantNoSecret(t, "the error", err.Error(), "other")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Value.Reveal() != test.want {
				t.Errorf("token = %q, want %q", got.Value.Reveal(), test.want)
			}
		})
	}
}

func TestLifetimeOutOfRangeIsUnknown(t *testing.T) {
	for _, test := range []struct {
		expires string
		want    time.Duration // 0: unknown
	}{
		{`300`, 5 * time.Minute}, {`3600.5`, time.Hour}, {`1`, time.Second}, {`31536000`, 365 * 24 * time.Hour},
		{`0`, 0}, {`-1`, 0}, {`-1e308`, 0}, {`1e308`, 0}, {`1e999`, 0}, {`9223372036854775808`, 0}, {`31536001`, 0}, {`0.1`, 0},
		{`"300"`, 5 * time.Minute}, {`"soon"`, 0}, {`null`, 0}, {`true`, 0}, {`[]`, 0}, {`{}`, 0}, {`""`, 0},
	} {
		t.Run(test.expires, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected := answering("", `{"access_token":"opaque","expires_in":`+test.expires+`}`, "Content-Type: application/json")
			injected.Kind = acrtest.KindToken
			registry.Inject(injected)
			token, err := newClient(t, registry).Token(t.Context(), acr.TokenRequest{Repository: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if test.want == 0 && !token.ExpiresAt.IsZero() {
				t.Errorf("expires at %s, want unknown", token.ExpiresAt)
			}
			if test.want > 0 && token.ExpiresAt.Sub(token.IssuedAt) != test.want {
				t.Errorf("lifetime = %s, want %s", token.ExpiresAt.Sub(token.IssuedAt), test.want)
			}
		})
	}
}

func TestTokenHandsOutWhatWasGranted(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	client := newClient(t, registry)
	token, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app", Actions: []string{"push", "metadata_read"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"repository:app:pull,metadata_read,push"}; !slices.Equal(token.Scopes, want) {
		t.Errorf("scopes = %v, want %v", token.Scopes, want)
	}
	if want := []string{"repository:app:metadata_read", "repository:app:push"}; !slices.Equal(token.MissingActions(), want) {
		t.Errorf("missing = %v, want %v", token.MissingActions(), want)
	}
	if got := token.ExpiresAt.Sub(token.IssuedAt).Seconds(); got != 4500 {
		t.Errorf("lifetime = %v s, want 4500", got)
	}
	wantWire(t, registry, "1/1/0")
}

func TestTokenForWholeScopes(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	client := newClient(t, registry)
	token, err := client.Token(t.Context(), acr.TokenRequest{Scopes: []string{"registry:catalog:*", "repository:app:pull"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(token.MissingActions()) != 0 || len(token.Claims.Access) != 2 {
		t.Errorf("access = %+v, missing %v; want both scopes", token.Claims.Access, token.MissingActions())
	}
	if path := registry.Requests()[0].Path; path != "/v2/" {
		t.Errorf("the challenge was asked of %s, want /v2/", path)
	}
}

// A token that is handed out gets its own challenge, whatever is already known.
func TestTokenAlwaysDiscoversAnew(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client := newClient(t, registry)
	if err := readApp(t, client); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/1")
	for range 2 {
		if _, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"}); err != nil {
			t.Fatal(err)
		}
	}
	wantWire(t, registry, "3/3/1")
}
