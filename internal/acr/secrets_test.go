package acr_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
)

// sentinel is a password whose bytes look different in each encoding.
const sentinel = `sentinel-p/w+"q&ü=`

// wantNoSecret fails the test if a text holds the secret, in any form in which one may be written.
func wantNoSecret(t *testing.T, what, text, secret string) {
	t.Helper()
	for _, form := range secretscan.Find([]byte(text), secret) {
		t.Errorf("%s shows the secret (%s): %.300s", what, form, text)
	}
}

// Whatever holds a secret prints a placeholder, however it is printed and however deep the secret is.
func TestSecretsDoNotPrint(t *testing.T) {
	text := secret.New(sentinel)
	credential := auth.Basic{Username: "user", Password: text}
	config := acr.Config{Registry: home, Credential: credential}
	client, err := acr.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"secret":            text,
		"pointer":           &text,
		"slice":             []secret.Text{text},
		"map":               map[string]secret.Text{"k": text},
		"credential":        credential,
		"config":            config,
		"pointer to config": &config,
		"request":           acr.ManifestRequest{Repository: "app", AccessToken: text},
		"token":             auth.Token{Value: text},
		"client":            client,
		"copy of a client":  []any{client},
		"error":             &fault.Error{Detail: fmt.Sprint(text)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range "vsqxXdoObctTeEfFgGpUw" {
				for _, flags := range []string{"", "+", "#", " ", "-20.3", "0"} {
					format := "%" + flags + string(verb)
					wantNoSecret(t, format, fmt.Sprintf(format, value), sentinel)
					if t.Failed() {
						t.FailNow()
					}
				}
			}
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "k", value, slog.Group("g", "k", value))
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "k", value, slog.Group("g", "k", value))
			wantNoSecret(t, "slog", out.String(), sentinel)
			if encoded, err := json.Marshal(value); err == nil {
				wantNoSecret(t, "JSON", string(encoded), sentinel)
			}
			func() {
				defer func() { wantNoSecret(t, "a panic", fmt.Sprint(recover())+string(debug.Stack()), sentinel) }()
				panic(value)
			}()
		})
	}
	for format, want := range map[string]string{"%v": "(secret)", "%s": "(secret)", "%q": "(secret)", "%#v": "(secret)", "%x": "(secret)", "%d": "(secret)"} {
		if got := fmt.Sprintf(format, text); got != want {
			t.Errorf("%s prints %q, want %q", format, got, want)
		}
	}
}

// echo answers with a status and, everywhere it can, with the content of this request and of earlier ones.
func echo(status int, more func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said := r.Header.Get("Authorization")
		if _, credential, found := strings.Cut(said, " "); found {
			said = credential
			if pair, err := base64.StdEncoding.DecodeString(credential); err == nil {
				_, password, _ := strings.Cut(string(pair), ":")
				said += " " + string(pair) + " " + password + " " + url.QueryEscape(password) + " " + url.PathEscape(password) + " " +
					strings.ToLower(url.QueryEscape(password)) + " " + strings.ToUpper(url.PathEscape(password)) + " " + base64.URLEncoding.EncodeToString([]byte(password)) + " " + fmt.Sprintf("%+q", password)
			}
		}
		said += " " + more(r)
		body, _ := json.Marshal(map[string]any{"errors": []any{map[string]any{"code": "CODE " + said, "message": "you said " + said, "detail": said}}})
		w.Header()["X-Ms-Correlation-Request-Id"] = []string{strings.ReplaceAll(said, "\n", "")}
		w.Header().Set("X-Said", strings.ReplaceAll(said, "\n", ""))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// If a server repeats what it was sent, that gets into no error and no log.
func TestErrorsDoNotRepeatASecretThatTheServerEchoes(t *testing.T) {
	for _, opaque := range []bool{false, true} {
		for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken, acrtest.KindResource} {
			for _, status := range []int{400, 401, 403, 404, 409, 429, 500} {
				t.Run(fmt.Sprintf("%s %d opaque=%v", kind, status, opaque), func(t *testing.T) {
					registry := acrtest.StartT(t, acrtest.Options{Users: map[string]string{"user": sentinel}, OpaqueTokens: opaque})
					registry.PutImage("app", "v", acrtest.Image{})
					registry.PutImage("other", "v", acrtest.Image{})
					var log journal
					client := newClient(t, registry, func(c *acr.Config) {
						c.Credential = auth.Basic{Username: "user", Password: secret.New(sentinel), Source: "the test"}
						c.Log = log.add
						c.MaxRetries = 1
					}).WithoutBackOff()
					// A first read, so that the server knows a token to repeat.
					if kind != acrtest.KindChallenge {
						if err := readApp(t, client); err != nil {
							t.Fatal(err)
						}
					}
					var token string
					for _, request := range registry.Requests() {
						if bearer, found := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer "); found {
							token = bearer
						}
					}
					registry.Inject(acrtest.Fault{Kind: kind, Handler: echo(status, func(*http.Request) string {
						return "https://account.blob.core.windows.net/x?sv=1&sig=signed%2Furl%3D " + token + " " + sentinel
					})})
					_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "other", Tag: "v"})
					if err == nil {
						t.Fatal("no error")
					}
					log.add(t.Context(), fmt.Sprintf("%v %+v %#v", err, err, err), nil)
					for _, secret := range []string{sentinel, "user:" + sentinel, "sig=signed", "signed%2Furl", token} {
						if secret != "" {
							wantNoSecret(t, "the error or the log", log.text.String(), secret)
						}
					}
				})
			}
		}
	}
}

// The same applies to the token of a write.
func TestErrorsOfWritesDoNotRepeatASecret(t *testing.T) {
	for name, write := range map[string]func(*acr.Client, string) error{
		"PUT": func(c *acr.Client, digest string) error {
			_, err := c.PutTag(t.Context(), acr.TagRequest{Repository: "app", Tag: "prod", Digest: digest})
			return err
		},
		"DELETE": func(c *acr.Client, digest string) error { return c.Untag(t.Context(), "app", "v", digest) },
		"PATCH": func(c *acr.Client, _ string) error {
			return lock(t, c, acr.Lockable{Repository: "app"}, acr.ChangeableAttributes{WriteEnabled: new(bool)})
		},
	} {
		for _, status := range []int{201, 202, 400, 403, 405, 500} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				registry := acrtest.StartT(t, acrtest.Options{Users: map[string]string{acrtest.DefaultUser: sentinel}, OpaqueTokens: true})
				digest := registry.PutImage("app", "v", acrtest.Image{})
				var token string
				registry.Inject(acrtest.Fault{Method: name, Kind: acrtest.KindResource, Handler: echo(status, func(r *http.Request) string {
					token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
					return sentinel
				})})
				var log journal
				client := newClient(t, registry, withPassword(sentinel), func(c *acr.Config) { c.Log, c.MaxRetries = log.add, 0 })
				err := write(client, digest.String())
				log.add(t.Context(), fmt.Sprintf("%v %+v %#v", err, err, err), nil)
				for _, secret := range []string{sentinel, token} {
					wantNoSecret(t, "the error or the log", log.text.String(), secret)
				}
			})
		}
	}
}

// A refresh token goes in a form, which a server can repeat as well. Its failures were recorded with an empty body.
func TestErrorsDoNotRepeatARefreshToken(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Handler: echo(http.StatusForbidden, func(r *http.Request) string {
		_ = r.ParseForm()
		return r.PostForm.Get("refresh_token") + " " + r.PostForm.Encode()
	})})
	refresh := "opaque/refresh+token=" + sentinel
	client := newClient(t, registry, func(c *acr.Config) {
		c.Credential = auth.RefreshToken{Token: secret.New(refresh), Source: "the test"}
	})
	err := readApp(t, client)
	faulttest.Want(t, err, fault.Denied, "403", "identity token")
	wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err), refresh)
}

// The caller's own token is a secret like the client's.
func TestErrorsDoNotRepeatTheCallersOwnToken(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: echo(http.StatusForbidden, func(*http.Request) string { return "" })})
	token := "opaque-token-of-the-caller"
	_, err := newClient(t, registry, anonymous).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", AccessToken: secret.New(token)})
	faulttest.Want(t, err, fault.Denied)
	wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err), token)
}

// Anyone with a signed URL can read the blob: the URL is in no error, whatever fails behind the redirect.
func TestErrorsDoNotRepeatASignedURL(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"refused": {Status: http.StatusForbidden, Message: "https://x/y?sig=signature-sentinel"},
		"reset":   {Reset: true},
		"bad redirect": {Handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "ftp://host/y?sig=signature-sentinel")
			w.WriteHeader(http.StatusFound)
		}},
		"no HTTP": {Handler: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = conn.Write([]byte("sig=signature-sentinel is no HTTP\r\n\r\n"))
			_ = conn.Close()
		}},
		"malformed header": {Handler: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nsig=signature-sentinel\r\n\r\n"))
			_ = conn.Close()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{DisableHTTP2: true})
			target := "https://" + registry.BlobHost() + "/x?sv=1&sig=signature-sentinel"
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/blobs/", Redirect: target})
			injected.Kind = acrtest.KindBlob
			registry.Inject(injected)
			var log journal
			client := newClient(t, registry, func(c *acr.Config) { c.Log = log.add }).WithoutBackOff()
			_, err := client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
			if err == nil {
				t.Fatal("no error")
			}
			wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err), "signature-sentinel")
			wantNoSecret(t, "the log", log.text.String(), "signature-sentinel")
		})
	}
}

// The log of a successful read has its requests, in plain strings, and no secret.
func TestLogNamesRequestsAndNoSecret(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Users: map[string]string{"user": sentinel}, BlobRedirect: true})
	registry.PutImage("app", "v", acrtest.Image{})
	var log journal
	client := newClient(t, registry, func(c *acr.Config) {
		c.Credential = auth.Basic{Username: "user", Password: secret.New(sentinel)}
		c.Log = log.add
	})
	if _, err := client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
		t.Fatal(err)
	}
	text := log.text.String()
	for _, request := range registry.Requests() {
		if request.Kind != acrtest.KindBlob && !strings.Contains(text, registry.URL()+request.Path) {
			t.Errorf("the log does not tell of %s: %s", request.Path, text)
		}
		if _, shown, found := strings.Cut(request.Header.Get("Authorization"), " "); found {
			wantNoSecret(t, "the log", text, shown)
		}
	}
	wantNoSecret(t, "the log", text, sentinel)
	wantNoSecret(t, "the log", text, "sig=")
}

// A server's text appears in an error as one short line without control characters, and never as a raw body.
func TestServerTextIsShortAndPrints(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault acrtest.Fault
		wants []string
		never []string
	}{
		{"long message", acrtest.Fault{Message: strings.Repeat("long ", 1000)}, []string{"DENIED", "long long", "…"}, nil},
		{"long message without spaces", acrtest.Fault{Message: strings.Repeat("x", 4000)}, []string{"xxx", "…"}, nil},
		{"long code", acrtest.Fault{Code: strings.Repeat("CODE", 1000)}, []string{"CODE"}, nil},
		{"long correlation id", acrtest.Fault{Header: http.Header{"X-Ms-Correlation-Request-Id": {strings.Repeat("id", 1000)}}}, []string{"idid"}, nil},
		{"line breaks and a terminal's commands", acrtest.Fault{Message: "one\r\n\x1b[31mtwo\u2028three\u202efour\x00\t\x7f"}, []string{"one", "two", "three", "four"}, nil},
		{"long runs of wide characters", acrtest.Fault{Message: strings.Repeat("名", 2000)}, []string{"名"}, nil},
		{"HTML", acrtest.Fault{ContentType: "text/html", Body: "<html>raw-body</html>"}, []string{"403"}, []string{"raw-body", "<html>"}},
		{"text", acrtest.Fault{ContentType: "text/plain", Body: "raw-body"}, []string{"403"}, []string{"raw-body"}},
		{"JSON of another kind", acrtest.Fault{Body: `{"message":"raw-body"}`}, []string{"403"}, []string{"raw-body"}},
		{"detail", acrtest.Fault{Body: `{"errors":[{"code":"DENIED","message":"short","detail":{"raw-body":"raw-body"}}]}`}, []string{"DENIED", "short"}, []string{"raw-body"}},
		{"second error", acrtest.Fault{Body: `{"errors":[{"code":"DENIED","message":"short"},{"code":"X","message":"raw-body"}]}`}, []string{"DENIED", "short"}, []string{"raw-body"}},
		{"correlation id", acrtest.Fault{Header: http.Header{"X-Ms-Correlation-Request-Id": {"11111111-2222-3333-4444-555555555555"}}}, []string{"11111111-2222-3333-4444-555555555555"}, nil},
	} {
		for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken, acrtest.KindResource} {
			t.Run(test.name+" at "+string(kind), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{})
				injected := test.fault
				injected.Kind, injected.Status = kind, http.StatusForbidden
				registry.Inject(injected)
				err := readApp(t, newClient(t, registry))
				if err == nil {
					t.Fatal("no error")
				}
				text := err.Error()
				if n := utf8.RuneCountInString(text); n > 1200 {
					t.Errorf("the error has %d characters, want a few hundred", n)
				}
				if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("the error holds characters that do not print: %q", text)
				}
				for _, want := range test.wants {
					if !strings.Contains(text, want) {
						t.Errorf("the error %q lacks %q", text, want)
					}
				}
				for _, never := range test.never {
					if strings.Contains(text, never) {
						t.Errorf("the error %q holds %q of the body", text, never)
					}
				}
			})
		}
	}
}

// A registry may put what it was sent into names, which errors and the log repeat.
func TestErrorsDoNotRepeatASecretInAName(t *testing.T) {
	const password = "sentinel-of-the-password"
	withSecret := func(config *acr.Config) {
		withPassword(password)(config)
		config.MaxRetries = 0
	}
	start := func(t *testing.T) *acrtest.Registry {
		return acrtest.StartT(t, acrtest.Options{Users: map[string]string{acrtest.DefaultUser: password}})
	}
	read := func(tag, platform string) func(*acr.Client) error {
		return func(client *acr.Client) error {
			_, err := client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: tag, Platform: platform})
			return err
		}
	}
	for name, test := range map[string]struct {
		arrange func(*acrtest.Registry)
		read    func(*acr.Client) error
	}{
		"platform": {func(registry *acrtest.Registry) {
			registry.PutIndex("app", "v", acrtest.Index{Images: []acrtest.Image{{OS: password}}})
		}, read("v", "linux/amd64")},
		"artifact type": {func(registry *acrtest.Registry) {
			registry.PutArtifact("app", "v", acrtest.Artifact{ArtifactType: password})
		}, read("v", "")},
		"artifact type that is cut within the password": {func(registry *acrtest.Registry) {
			registry.PutArtifact("app", "v", acrtest.Artifact{ArtifactType: strings.Repeat("x", 301-len(password)) + password})
		}, read("v", "")},
		"algorithm of a digest": {func(registry *acrtest.Registry) {
			registry.PutManifest("app", "v", "application/vnd.oci.image.manifest.v1+json", []byte(
				`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"x:`+password+`","size":2},"layers":[]}`))
		}, read("v", "")},
		"path of the realm": {func(registry *acrtest.Registry) {
			registry.Inject(acrtest.Fault{Kind: acrtest.KindChallenge, Status: http.StatusUnauthorized, Header: http.Header{
				"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/%s/token",service="s"`, registry.URL(), password)},
			}})
		}, read("v", "")},
		"long path of the realm": {func(registry *acrtest.Registry) {
			registry.Inject(acrtest.Fault{Kind: acrtest.KindChallenge, Status: http.StatusUnauthorized, Header: http.Header{
				"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/%s/token",service="s"`, registry.URL(), strings.Repeat("long", 10_000))},
			}})
		}, read("v", "")},
		"path of a link": {func(registry *acrtest.Registry) {
			registry.PutImage("app", "v", acrtest.Image{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Times: 1, Status: http.StatusOK, Body: `{"tags":[]}`,
				Header: http.Header{"Link": {"</" + password + `>; rel="next"`}}})
			registry.Inject(acrtest.Fault{Path: password, Status: http.StatusForbidden})
		}, func(client *acr.Client) error {
			_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := start(t)
			test.arrange(registry)
			var log journal
			err := test.read(newClient(t, registry, withSecret, func(config *acr.Config) { config.Log = log.add }))
			if err == nil {
				t.Fatal("there is no error")
			}
			if strings.Contains(err.Error(), password[:len(password)-1]) || len(err.Error()) > 1500 {
				t.Errorf("the error shows the password, or is too long: %v", err)
			}
			if strings.Contains(log.text.String(), password) {
				t.Errorf("the log shows the password: %s", log.text.String())
			}
		})
	}
}

// The caller's own token does not cross the network in the clear.
func TestOwnTokenIsNotSentInTheClear(t *testing.T) {
	client, err := acr.NewClient(acr.Config{Registry: "registry.example.com", PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	network := &theNet{}
	client.DialWith(network.dial)
	_, err = client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", AccessToken: secret.New("a-token")})
	if failed := faulttest.Want(t, err, fault.InvalidArgument, "in the clear"); failed.Argument != "access_token" {
		t.Errorf("argument = %q, want access_token", failed.Argument)
	}
	network.wantDialled(t)
}

// The correlation id is also the registry's text, even with the wanted status.
func TestCorrelationIDDoesNotRepeatASecret(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/manifests/", "[]", asImage, "X-Ms-Correlation-Request-Id: "+acrtest.DefaultPassword))
	failed := faulttest.Want(t, readApp(t, newClient(t, registry)), fault.BadAnswer)
	wantNoSecret(t, "the correlation id", failed.CorrelationID, acrtest.DefaultPassword)
	if failed.CorrelationID == "" {
		t.Error("there is no correlation id")
	}
}
