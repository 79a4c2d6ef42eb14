package acrtest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const unauthorizedBody = `^\{"errors":\[\{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka\.ms/acr/authorization ` +
	`for more information\. CorrelationId: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"\}\]\}\n$`

func TestTokenIsVerified(t *testing.T) {
	epoch := time.Date(2030, time.May, 1, 12, 0, 0, 0, time.UTC)
	var now atomic.Int64 // seconds after epoch
	registry, c := start(t, acrtest.Options{Clock: func() time.Time {
		return epoch.Add(time.Duration(now.Load()) * time.Second)
	}})
	registry.PutImage("app", "v1", acrtest.Image{})
	_, otherClient := start(t, acrtest.Options{Clock: func() time.Time { return epoch }})

	token := func(scope string) string { return c.token(acrtest.DefaultUser, acrtest.DefaultPassword, scope) }
	valid := token("repository:app:pull")
	parts := strings.Split(valid, ".")
	widened := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(payload(t, valid), `"pull"`, `"pull","push"`, 1)))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))

	tests := []struct {
		name, token string
		seconds     int64
		status      int
		err         string
	}{
		{"valid", valid, 0, 200, ""},
		{"in its last second", valid, 4499, 200, ""},
		{"expired", valid, 4500, 401, "invalid_token"},
		{"before its time", valid, -1, 401, "invalid_token"},
		{"other signature", parts[0] + "." + parts[1] + "." + flipFirst(parts[2]), 0, 401, "invalid_token"},
		{"other claims", parts[0] + "." + widened + "." + parts[2], 0, 401, "invalid_token"},
		{"without signature", none + "." + parts[1] + ".", 0, 401, "invalid_token"},
		{"two parts", parts[0] + "." + parts[1], 0, 401, "invalid_token"},
		{"other audience", otherClient.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull"), 0, 401, "invalid_token"},
		{"refresh token", registry.RefreshToken(acrtest.DefaultUser), 0, 401, "invalid_token"},
		{"other repository", token("repository:app2:pull"), 0, 401, "insufficient_scope"},
		{"other action", token("repository:app:metadata_read"), 0, 401, "insufficient_scope"},
		{"no scope", c.token(acrtest.DefaultUser, acrtest.DefaultPassword), 0, 401, "insufficient_scope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now.Store(tt.seconds)
			a := c.do("GET", "/v2/app/manifests/v1", "Authorization", "Bearer "+tt.token, "Accept", acceptAll)
			wantStatus(t, a, tt.status)
			challenge := a.header.Get("WWW-Authenticate")
			if tt.err == "" && challenge != "" || !strings.Contains(challenge, tt.err) {
				t.Errorf("challenge %q, want the error %q", challenge, tt.err)
			}
		})
	}
}

// flipFirst changes the first character, all of whose bits count.
func flipFirst(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func payload(t *testing.T, token string) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type access struct {
	Type, Name string
	Actions    []string
}

type tokenClaims struct {
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	GrantType string `json:"grant_type"`
	Access    []access
}

func claimsOf(t *testing.T, token string) tokenClaims {
	t.Helper()
	var claims tokenClaims
	if err := json.Unmarshal([]byte(payload(t, token)), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestTokenClaims(t *testing.T) {
	registry, c := start(t, acrtest.Options{Clock: func() time.Time { return time.Unix(1_900_000_000, 0) }})
	claims := claimsOf(t, c.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull,push", "registry:catalog:*"))
	want := tokenClaims{
		Subject: "admin", Audience: registry.Host(), Issuer: "Azure Container Registry",
		IssuedAt: 1_900_000_000, NotBefore: 1_900_000_000, Expires: 1_900_004_500, GrantType: "access_token",
		Access: []access{{"repository", "app", []string{"pull", "push"}}, {"registry", "catalog", []string{"*"}}},
	}
	if got, want := toJSON(t, claims), toJSON(t, want); got != want {
		t.Errorf("claims\n%s, want\n%s", got, want)
	}
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTokenEndpoint(t *testing.T) {
	registry, c := start(t, acrtest.Options{Users: map[string]string{"admin": "p+w/d=="}})
	ask := func(user, password, query string) answer {
		var header []string
		if user != "" {
			header = []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
		}
		return c.do("GET", "/oauth2/token?"+query, header...)
	}
	service := "service=" + url.QueryEscape(registry.Host())
	tests := []struct {
		name, user, password, query string
		status                      int
		body                        string // a pattern
	}{
		{"right password", "admin", "p+w/d==", service + "&scope=repository:app:pull", 200, `^\{"access_token":"ey[\w-]+\.[\w-]+\.[\w-]+"\}$`},
		{"no scope", "admin", "p+w/d==", service, 200, `^\{"access_token":"`},
		{"two scopes", "admin", "p+w/d==", service + "&scope=repository:a:pull&scope=repository:b:pull", 200, `^\{"access_token":"`},
		{"wrong password", "admin", "p w/d==", service + "&scope=repository:app:pull", 401, unauthorizedBody},
		{"wrong user", "root", "p+w/d==", service + "&scope=repository:app:pull", 401, unauthorizedBody},
		{"anonymous", "", "", service + "&scope=repository:app:pull", 401, unauthorizedBody},
		{"line break", "admin", "p+w/d==\n", service, 500, `^$`},
		{"empty scope", "admin", "p+w/d==", service + "&scope=", 400, `"BAD_REQUEST"`},
		{"malformed scope", "admin", "p+w/d==", service + "&scope=repository", 400, `"BAD_REQUEST"`},
		{"no service", "admin", "p+w/d==", "scope=repository:app:pull", 400, `"BAD_REQUEST"`},
		{"refresh token", acrtest.TokenUser, registry.RefreshToken("admin"), service + "&scope=repository:app:pull", 200, `^\{"access_token":"`},
		{"no refresh token", acrtest.TokenUser, "p+w/d==", service + "&scope=repository:app:pull", 401, unauthorizedBody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ask(tt.user, tt.password, tt.query)
			wantStatus(t, a, tt.status)
			if !regexp.MustCompile(tt.body).MatchString(a.body) {
				t.Errorf("body %q, want %s", a.body, tt.body)
			}
			if a.header.Get("WWW-Authenticate") != "" {
				t.Error("the token endpoint challenges")
			}
		})
	}

	access := c.token("admin", "p+w/d==", "repository:app:pull")
	if got := claimsOf(t, c.token(acrtest.TokenUser, access, "repository:app:pull")).Subject; got != "admin" {
		t.Errorf("an access token as the password stands for %q", got)
	}
}

func TestTokenGrants(t *testing.T) {
	tests := []struct {
		name, user, scope string
		granted           []string
	}{
		{"all", "limited", "repository:app:pull", []string{"pull"}},
		{"fewer", "limited", "repository:app:pull,push", []string{"pull"}},
		{"none", "limited", "repository:other:pull", nil},
		{"no catalog", "limited", "registry:catalog:*", nil},
		{"every repository", "reader", "repository:any/thing:pull,delete", []string{"pull"}},
		{"no limits", "owner", "repository:app:pull,delete", []string{"pull", "delete"}},
		{"anonymous pull", "", "repository:app:pull,push", []string{"pull"}},
		{"anonymous catalog", "", "registry:catalog:*", []string{"*"}},
	}
	_, c := start(t, acrtest.Options{
		Users: map[string]string{"limited": "pw", "reader": "pw", "owner": "pw"},
		Grants: map[string][]string{
			"limited": {"repository:app:pull,metadata_read"},
			"reader":  {"repository:*:pull"},
		},
		AnonymousPull: true,
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			granted := claimsOf(t, c.token(tt.user, "pw", tt.scope)).Access
			if tt.granted == nil {
				if granted == nil || len(granted) > 0 {
					t.Fatalf("access %v, want an empty list", granted)
				}
				return
			}
			if len(granted) != 1 || !slices.Equal(granted[0].Actions, tt.granted) {
				t.Errorf("access %v, want %v", granted, tt.granted)
			}
		})
	}
}

func TestStaleCredentialBreaksAnonymousPull(t *testing.T) {
	_, c := start(t, acrtest.Options{AnonymousPull: true})
	wantStatus(t, c.askToken("admin", "wrong", "repository:app:pull"), 401)
	wantStatus(t, c.askToken("", "", "repository:app:pull"), 200)
}

func TestTokenByPost(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	accessToken := c.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull")
	tests := []struct {
		name, grantType, refreshToken, scope string
		status                               int
	}{
		{"refresh token", "refresh_token", registry.RefreshToken("admin"), "repository:app:pull", 200},
		{"several scopes", "refresh_token", registry.RefreshToken("admin"), "repository:a:pull repository:b:pull,push", 200},
		{"no refresh token", "refresh_token", "stale", "repository:app:pull", 401},
		{"access token", "refresh_token", accessToken, "repository:app:pull", 401},
		{"other grant", "access_token", registry.RefreshToken("admin"), "repository:app:pull", 400},
		{"no scope", "refresh_token", registry.RefreshToken("admin"), "", 400},
		{"garbled scope", "refresh_token", registry.RefreshToken("admin"), registry.Host(), 400},
		{"anonymous", "password", "", "repository:app:pull", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := c.post("/oauth2/token", url.Values{
				"grant_type": {tt.grantType}, "service": {registry.Host()},
				"scope": {tt.scope}, "refresh_token": {tt.refreshToken},
			})
			wantStatus(t, a, tt.status)
			if tt.status != 200 {
				wantEmpty(t, a)
				if id := a.header.Get("X-Ms-Correlation-Request-Id"); (id == "") != (tt.status == 400) {
					t.Errorf("correlation id %q", id)
				}
				return
			}
			var want []access
			for scope := range strings.FieldsSeq(tt.scope) {
				parts := strings.Split(scope, ":")
				want = append(want, access{parts[0], parts[1], strings.Split(parts[2], ",")})
			}
			if tt.name == "anonymous" {
				want = []access{} // a token, which holds nothing
			}
			if got := claimsOf(t, tokenIn(t, a)).Access; !reflect.DeepEqual(got, want) {
				t.Errorf("granted %v, want %v", got, want)
			}
		})
	}
	password := c.post("/oauth2/token", url.Values{
		"grant_type": {"password"}, "service": {registry.Host()}, "scope": {"repository:app:pull"}, "username": {"admin"},
	})
	wantStatus(t, password, 401)
}

func TestRevokedTokens(t *testing.T) {
	for _, opaque := range []bool{false, true} {
		registry, c := start(t, acrtest.Options{OpaqueTokens: opaque, TokenField: "token"})
		registry.PutImage("app", "v1", acrtest.Image{})
		old := c.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull")
		if strings.HasPrefix(old, "ey") == opaque {
			t.Errorf("token %q with OpaqueTokens %v", old, opaque)
		}
		read := func(token string) answer {
			return c.do("GET", "/v2/app/manifests/v1", "Authorization", "bearer "+token, "Accept", acceptAll)
		}
		wantStatus(t, read(old), 200)
		registry.RevokeTokens()
		refused := read(old)
		wantStatus(t, refused, 401)
		if !strings.HasSuffix(refused.header.Get("WWW-Authenticate"), `,error="invalid_token"`) {
			t.Errorf("challenge %q", refused.header.Get("WWW-Authenticate"))
		}
		wantStatus(t, read(c.token(acrtest.DefaultUser, acrtest.DefaultPassword, "repository:app:pull")), 200)
	}
}

func TestBasicAtTheRegistry(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	basic := func(password string) answer {
		req := &http.Request{Header: http.Header{}}
		req.SetBasicAuth(acrtest.DefaultUser, password)
		return c.do("GET", "/v2/app/manifests/v1", "Accept", acceptAll, "Authorization", req.Header.Get("Authorization"))
	}
	wantStatus(t, basic(acrtest.DefaultPassword), 200)
	wrong := basic("wrong")
	wantStatus(t, wrong, 401)
	wantHeader(t, wrong, "WWW-Authenticate", `Basic realm="Azure Container Registry"`)
}
