package acr_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// entraToken is the token that Entra ID issues and the registry exchanges.
const entraToken = "entra-token-of-a-test"

// takesEntra returns the options of a registry that accepts one identity.
func takesEntra() acrtest.Options {
	return acrtest.Options{Entra: func(accessToken string) string {
		if accessToken == entraToken {
			return "principal"
		}
		return ""
	}}
}

// byEntra makes the client sign in with the fake, with the identity that the block or the environment names.
func byEntra(t testing.TB, login *entratest.Fake, block entra.Block, env map[string]string) func(*acr.Config) {
	t.Helper()
	whole := map[string]string{
		"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID, "AZURE_AUTHORITY_HOST": login.Login,
	}
	for name, text := range env {
		whole[name] = text
	}
	getenv := func(name string) string { return whole[name] }
	identity, err := entra.FromBlock(block, getenv, "public")
	if identity == nil && err == nil {
		identity, err = entra.FromEnvironment(block, getenv, "public")
	}
	if err != nil || identity == nil {
		t.Fatalf("identity %v, error %v", identity, err)
	}
	return func(c *acr.Config) {
		c.Credential = auth.NewEntra(identity)
		c.CACertPEM += login.CAPEM
	}
}

// bySecret signs in with a client secret.
func bySecret(t testing.TB, login *entratest.Fake) func(*acr.Config) {
	t.Helper()
	return byEntra(t, login, entra.Block{}, map[string]string{"ARM_CLIENT_SECRET": entratest.ClientSecret})
}

// wantExchanges fails the test unless the registry saw exactly so many exchanges and requests for a token.
func wantExchanges(t *testing.T, registry *acrtest.Registry, exchanges, tokens int) {
	t.Helper()
	if e, k := registry.Count(acrtest.KindExchange), registry.Count(acrtest.KindToken); e != exchanges || k != tokens {
		t.Errorf("%d exchanges and %d requests for a token, want %d and %d", e, k, exchanges, tokens)
	}
}

func TestEachWaySignsInOnceFor50Reads(t *testing.T) {
	certificate := entratest.NewCertificate(t)
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(entratest.FederatedToken), 0o600); err != nil {
		t.Fatal(err)
	}
	certificateFile := filepath.Join(t.TempDir(), "certificate.pfx")
	if err := os.WriteFile(certificateFile, certificate.PKCS12(false), 0o600); err != nil {
		t.Fatal(err)
	}
	yes := true
	for name, test := range map[string]struct {
		block  entra.Block
		env    map[string]string
		logins int // requests to the services that sign in
	}{
		"client secret": {env: map[string]string{"ARM_CLIENT_SECRET": entratest.ClientSecret}, logins: 2},
		"certificate": {
			block:  entra.Block{ClientCertificatePath: certificateFile, ClientCertificatePassword: secret.New(entratest.CertificatePassword)},
			logins: 2,
		},
		"federated token": {block: entra.Block{OIDCToken: secret.New(entratest.FederatedToken)}, logins: 2},
		"token file":      {block: entra.Block{OIDCTokenFilePath: tokenFile}, logins: 2},
		"GitHub": {
			block: entra.Block{UseOIDC: &yes}, logins: 3,
			env: map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": entratest.GitHubPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": entratest.RequestToken},
		},
		"Azure DevOps": {
			block: entra.Block{UseOIDC: &yes}, logins: 3,
			env: map[string]string{"SYSTEM_OIDCREQUESTURI": entratest.AzureDevOpsPath, "SYSTEM_ACCESSTOKEN": entratest.RequestToken,
				"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID": entratest.ServiceConnection},
		},
		"AKS": {
			block: entra.Block{UseAKSWorkloadIdentity: &yes}, logins: 2,
			env: map[string]string{"AZURE_TENANT_ID": entratest.TenantID, "AZURE_CLIENT_ID": entratest.ClientID, "AZURE_FEDERATED_TOKEN_FILE": tokenFile},
		},
		"virtual machine": {
			block: entra.Block{UseMSI: &yes, ClientID: entratest.NewIdentity()}, logins: 1,
			env: map[string]string{"ARM_MSI_ENDPOINT": entratest.IMDSPath},
		},
		"App Service": {block: entra.Block{UseMSI: &yes, ClientID: entratest.NewIdentity()}, logins: 1},
		"Azure CLI":   {block: entra.Block{UseCLI: &yes}, logins: 0},
	} {
		t.Run(name, func(t *testing.T) {
			login := entratest.New(t, entraToken)
			login.Key = certificate.Public()
			env := map[string]string{}
			for variable, text := range test.env {
				switch text {
				case entratest.GitHubPath, entratest.AzureDevOpsPath:
					text = login.Login + text
				case entratest.IMDSPath:
					text = login.Metadata + text
				}
				env[variable] = text
			}
			cli := entratest.SignedIn(t, entraToken)
			t.Setenv("PATH", cli.Path())
			if name == "App Service" {
				t.Setenv("IDENTITY_ENDPOINT", login.Metadata+entratest.AppServicePath)
				t.Setenv("IDENTITY_HEADER", entratest.IdentityHeader)
			}
			registry := acrtest.StartT(t, takesEntra())
			for i := range 50 {
				registry.PutImage("app", fmt.Sprintf("v%d", i), acrtest.Image{})
			}
			var log journal
			client := newClient(t, registry, byEntra(t, login, test.block, env), func(c *acr.Config) { c.Log = log.add })
			if len(login.Log()) != 0 || len(registry.Requests()) != 0 || cli.Calls() != nil {
				t.Errorf("requests before the first read: %v, %v, %v", login.Log(), registry.Requests(), cli.Calls())
			}
			if err := together(50, parallelism, func(i int) error {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprintf("v%d", i)})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			wantWire(t, registry, "1/1/50")
			wantExchanges(t, registry, 1, 1)
			if len(login.Log()) != test.logins {
				t.Errorf("requests to sign in = %v, want %d", login.Log(), test.logins)
			}
			if calls := len(cli.Calls()); calls != 0 && name != "Azure CLI" || calls != 1 && name == "Azure CLI" {
				t.Errorf("%d calls of the Azure CLI", calls)
			}
			wantNoEntraSecret(t, registry, log.text.String())
		})
	}
}

// Azure's metadata service is away for moments, in ways that are final elsewhere.
func TestMetadataServiceIsAskedAgain(t *testing.T) {
	yes := true
	for _, status := range []int{404, 410, 429, 500, 503} {
		registry, login := acrtest.StartT(t, takesEntra()), entratest.New(t, entraToken)
		registry.PutImage("app", "v", acrtest.Image{})
		login.RefuseOnce(entratest.IMDSPath, status)
		client := newClient(t, registry, byEntra(t, login, entra.Block{UseMSI: &yes, ClientID: entratest.NewIdentity()}, map[string]string{
			"ARM_MSI_ENDPOINT": login.Metadata + entratest.IMDSPath,
		})).WithoutBackOff()
		if err := readApp(t, client); err != nil || len(login.Log()) != 2 {
			t.Errorf("%d: %v after %v", status, err, login.Log())
		}
	}
	registry, login := acrtest.StartT(t, takesEntra()), entratest.New(t, entraToken)
	login.Refuse(entratest.IMDSPath, 404, "")
	err := readApp(t, newClient(t, registry, byEntra(t, login, entra.Block{UseMSI: &yes, ClientID: entratest.NewIdentity()}, map[string]string{
		"ARM_MSI_ENDPOINT": login.Metadata + entratest.IMDSPath,
	})).WithoutBackOff())
	faulttest.Want(t, err, fault.NoManagedIdentity, "404", "after 6 attempts")
}

// A path that the login host lacks is final.
func TestLoginHostIsNotAskedAgainAfter404(t *testing.T) {
	registry, login := acrtest.StartT(t, takesEntra()), entratest.New(t, entraToken)
	login.Refuse(entratest.TokenPath, 404, "")
	err := readApp(t, newClient(t, registry, bySecret(t, login)).WithoutBackOff())
	faulttest.Want(t, err, fault.SignInRefused, "404")
	if log := login.Log(); len(log) != 2 {
		t.Errorf("requests = %v", log)
	}
}

// wantNoEntraSecret searches for every secret of a sign-in, including the registry's refresh token.
func wantNoEntraSecret(t *testing.T, registry *acrtest.Registry, text string) {
	t.Helper()
	held := []string{
		entraToken, entratest.ClientSecret, entratest.FederatedToken, entratest.RequestToken, entratest.IdentityHeader, entratest.CertificatePassword,
	}
	for _, request := range registry.Requests() {
		for _, member := range []string{"access_token", "refresh_token"} {
			if sent := request.Form.Get(member); sent != "" {
				held = append(held, sent)
			}
		}
	}
	for _, secret := range held {
		wantNoSecret(t, "the error or the log", text, secret)
	}
}

func TestExchangeIsWhatACRDocuments(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	if err := readApp(t, newClient(t, registry, bySecret(t, entratest.New(t, entraToken)))); err != nil {
		t.Fatal(err)
	}
	requests := registry.Requests()
	var kinds []acrtest.Kind
	for _, request := range requests {
		kinds = append(kinds, request.Kind)
	}
	if want := []acrtest.Kind{acrtest.KindChallenge, acrtest.KindExchange, acrtest.KindToken, acrtest.KindResource}; !slices.Equal(kinds, want) {
		t.Fatalf("requests = %v, want %v", kinds, want)
	}
	exchange, token := requests[1], requests[2]
	if want := "access_token=" + entraToken + "&grant_type=access_token&service=" + strings.ReplaceAll(registry.Host(), ":", "%3A"); exchange.Form.Encode() != want || exchange.RawQuery != "" {
		t.Errorf("exchange = %s?%s, want %s", exchange.Form.Encode(), exchange.RawQuery, want)
	}
	if exchange.Method+" "+exchange.Path != "POST /oauth2/exchange" || exchange.AuthScheme != "" || token.AuthScheme != "" {
		t.Errorf("exchange %s %s with %q, token with %q", exchange.Method, exchange.Path, exchange.AuthScheme, token.AuthScheme)
	}
	token.Form.Del("refresh_token")
	if want := "grant_type=refresh_token&scope=repository%3Aapp%3Apull&service=" + strings.ReplaceAll(registry.Host(), ":", "%3A"); token.Form.Encode() != want {
		t.Errorf("token = %s, want %s", token.Form.Encode(), want)
	}
}

func TestRefreshTokenIsSharedByAllScopes(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	for i := range 20 {
		registry.PutImage(fmt.Sprintf("app%d", i), "v", acrtest.Image{})
	}
	login := entratest.New(t, entraToken)
	client := newClient(t, registry, bySecret(t, login))
	if err := together(20, parallelism, func(i int) error {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: fmt.Sprintf("app%d", i), Tag: "v"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wantExchanges(t, registry, 1, 20)
}

func TestRefreshTokenIsRenewedBeforeItsEnd(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	options := takesEntra()
	options.Clock = clock
	registry := acrtest.StartT(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	registry.PutImage("other", "v", acrtest.Image{})
	client := newClient(t, registry, bySecret(t, entratest.New(t, entraToken)))
	client.SetClock(clock)
	read := func(repository string, exchanges, tokens int) {
		t.Helper()
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"}); err != nil {
			t.Fatal(err)
		}
		wantExchanges(t, registry, exchanges, tokens)
	}
	read("app", 1, 1)
	now = now.Add(11399 * time.Second) // 11,700 s less the five minutes that are left for requests under way
	read("app", 1, 2)
	now = now.Add(time.Second)
	read("other", 2, 3)
}

// A registry that is switched to ABAC permissions refuses every older token, of both kinds.
func TestRefusedRefreshTokenIsHadAnewOnce(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, bySecret(t, entratest.New(t, entraToken)))
	if err := readApp(t, client); err != nil {
		t.Fatal(err)
	}
	registry.RevokeTokens()
	if err := readApp(t, client); err != nil {
		t.Fatal(err)
	}
	wantExchanges(t, registry, 2, 3)
	registry.ResetLog()
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Status: 401, ContentType: "application/json"})
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "other", Tag: "v"})
	faulttest.Want(t, err, fault.ExchangeRefused, "401", "it was sent a refresh token, obtained with a client secret at https://127.0.0.1")
	wantExchanges(t, registry, 1, 2)
}

func TestRegistryRefusesTheExchange(t *testing.T) {
	large := strings.Repeat("<p>no</p>", 1<<10)
	for name, test := range map[string]struct {
		options acrtest.Options
		fault   acrtest.Fault
		reason  fault.Reason
		texts   []string
	}{
		"401 with a large page":  {takesEntra(), acrtest.Fault{Status: 401, Body: large}, fault.ExchangeRefused, []string{"401"}},
		"403 with a large page":  {takesEntra(), acrtest.Fault{Status: 403, Body: large}, fault.Denied, []string{"403"}},
		"401 with an empty body": {acrtest.Options{}, acrtest.Fault{}, fault.ExchangeRefused, []string{"401", "a token obtained with a client secret"}},
		"404":                    {acrtest.Options{WithoutExchange: true}, acrtest.Fault{}, fault.NoExchange, []string{"404"}},
		"403 of the firewall":    {takesEntra(), acrtest.Firewall(), fault.Firewall, []string{"403", "DENIED"}},
		"a page":                 {takesEntra(), acrtest.Fault{Status: 200, Body: "<html>", ContentType: "text/html"}, fault.BadAnswer, []string{"no refresh token"}},
		"no token":               {takesEntra(), acrtest.Fault{Status: 200, Body: `{"refresh_token":null}`, ContentType: "application/json"}, fault.BadAnswer, []string{"no refresh token"}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, test.options)
			registry.PutImage("app", "v", acrtest.Image{})
			if test.fault.Status != 0 {
				test.fault.Kind = acrtest.KindExchange
				registry.Inject(test.fault)
			}
			err := readApp(t, newClient(t, registry, bySecret(t, entratest.New(t, entraToken))))
			faulttest.Want(t, err, test.reason, append(test.texts, "exchanging the token of Entra ID at https://"+registry.Host()+"/oauth2/exchange")...)
			wantExchanges(t, registry, 1, 0)
		})
	}
}

// A token server that is trusted with a password is not trusted with an identity, which may open other Azure registries
// as well.
func TestEntraTokenGoesToTheRegistrysOriginAlone(t *testing.T) {
	elsewhere := acrtest.StartT(t, takesEntra())
	options := takesEntra()
	options.Realm = "https://" + elsewhere.Host() + "/oauth2/token"
	registry := acrtest.StartT(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	login := entratest.New(t, entraToken)
	err := readApp(t, newClient(t, registry, bySecret(t, login), func(c *acr.Config) {
		c.TrustedTokenHosts = []string{elsewhere.Host()}
		c.CACertPEM += elsewhere.CAPEM()
	}))
	faulttest.Want(t, err, fault.ForeignRealm, "https://"+elsewhere.Host(), "the registry's own origin alone")
	if elsewhere.Connections() != 0 || len(login.Log()) != 0 {
		t.Errorf("%d connections elsewhere, requests to sign in %v", elsewhere.Connections(), login.Log())
	}
}

// The refresh token is worth as much as the identity, so a later challenge does not send it elsewhere either.
func TestRefreshTokenGoesToTheRegistrysOriginAlone(t *testing.T) {
	elsewhere := acrtest.StartT(t, takesEntra())
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, bySecret(t, entratest.New(t, entraToken)), func(c *acr.Config) {
		c.TrustedTokenHosts = []string{elsewhere.Host()}
		c.CACertPEM += elsewhere.CAPEM()
	})
	if err := readApp(t, client); err != nil {
		t.Fatal(err)
	}
	challenge := fmt.Sprintf(`Bearer realm="https://%s/oauth2/token",service="%s",scope="repository:app:pull"`, elsewhere.Host(), registry.Host())
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Times: 1, Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {challenge}}})
	faulttest.Want(t, readApp(t, client), fault.ForeignRealm, "https://"+elsewhere.Host(), "the registry's own origin alone")
	if elsewhere.Connections() != 0 {
		t.Errorf("%d connections elsewhere", elsewhere.Connections())
	}
}

func TestExchangeFollowsNoRedirectAway(t *testing.T) {
	elsewhere := acrtest.StartT(t, takesEntra())
	for _, kind := range []acrtest.Kind{acrtest.KindExchange, acrtest.KindToken} {
		registry := acrtest.StartT(t, takesEntra())
		registry.PutImage("app", "v", acrtest.Image{})
		registry.Inject(acrtest.Fault{Kind: kind, Status: 307, Header: http.Header{"Location": {elsewhere.URL() + "/oauth2/exchange"}}})
		err := readApp(t, newClient(t, registry, bySecret(t, entratest.New(t, entraToken)), func(c *acr.Config) { c.CACertPEM += elsewhere.CAPEM() }))
		faulttest.Want(t, err, fault.BadRedirect, "https://"+elsewhere.Host())
	}
	if elsewhere.Connections() != 0 {
		t.Errorf("%d connections elsewhere", elsewhere.Connections())
	}
}

// insecure_skip_verify applies to the registry. The login host's certificate is still checked.
func TestLoginHostIsCheckedThoughTheRegistryIsNot(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	login := entratest.New(t, entraToken)
	unchecked := func(c *acr.Config) { c.InsecureSkipVerify = true }
	if err := readApp(t, newClient(t, registry, bySecret(t, login), unchecked)); err != nil {
		t.Fatal(err)
	}
	before := len(login.Log())
	err := readApp(t, newClient(t, registry, bySecret(t, login), unchecked, func(c *acr.Config) { c.CACertPEM = "" }))
	faulttest.Want(t, err, fault.CertificateRejected, "signing in with a client secret at "+login.Login)
	if len(login.Log()) != before {
		t.Errorf("requests to sign in: %v", login.Log()[before:])
	}
}

func TestExchangeEchoesSecrets(t *testing.T) {
	for _, kind := range []acrtest.Kind{acrtest.KindExchange, acrtest.KindToken, acrtest.KindResource} {
		for _, status := range []int{400, 401, 403, 404, 500} {
			t.Run(fmt.Sprintf("%s %d", kind, status), func(t *testing.T) {
				options := takesEntra()
				options.OpaqueTokens = true // which look like ordinary words to anyone but the client
				registry := acrtest.StartT(t, options)
				registry.PutImage("app", "v", acrtest.Image{})
				var log journal
				client := newClient(t, registry, bySecret(t, entratest.New(t, entraToken)), func(c *acr.Config) {
					c.Log, c.MaxRetries = log.add, 0
				})
				registry.Inject(acrtest.Fault{Kind: kind, Handler: echo(status, func(r *http.Request) string {
					_ = r.ParseForm()
					return r.PostForm.Get("refresh_token") + " " + r.PostForm.Get("access_token") + " " + r.PostForm.Encode() + " " + entraToken
				})})
				err := readApp(t, client)
				if err == nil {
					t.Fatal("no error")
				}
				wantNoEntraSecret(t, registry, log.text.String()+fmt.Sprintf("%v %+v %#v", err, err, err))
			})
		}
	}
}

func TestCancelledExchangeEnds(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindExchange, Hang: true})
	client := newClient(t, registry, bySecret(t, entratest.New(t, entraToken)))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := client.Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.Canceled)
}

// unasked returns the Azure CLI's session that nobody named.
func unasked(t *testing.T, cli *entratest.CLI) func(*acr.Config) {
	t.Setenv("PATH", cli.Path())
	return byEntra(t, entratest.New(t, entraToken), entra.Block{}, nil)
}

func TestSignedOutAzureCLIThatNobodyAskedForIsNoCredential(t *testing.T) {
	options := takesEntra()
	options.AnonymousPull = true
	registry := acrtest.StartT(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	registry.PutImage("other", "v", acrtest.Image{})
	cli := entratest.SignedOut(t)
	client := newClient(t, registry, unasked(t, cli))
	for _, repository := range []string{"app", "other"} {
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	wantExchanges(t, registry, 0, 2)
	if calls := cli.Calls(); len(calls) != 1 {
		t.Errorf("calls of the Azure CLI = %q", calls)
	}
	_, err := client.Login(t.Context())
	faulttest.Want(t, err, fault.NotSignedIn, "the Azure CLI has no session")
}

// An identity that was asked for is not replaced by anonymous access.
func TestSignedOutAzureCLIThatWasAskedForIsAnError(t *testing.T) {
	options := takesEntra()
	options.AnonymousPull = true
	registry := acrtest.StartT(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	t.Setenv("PATH", entratest.SignedOut(t).Path())
	yes := true
	byCLI := byEntra(t, entratest.New(t, entraToken), entra.Block{UseCLI: &yes}, nil)
	faulttest.Want(t, readApp(t, newClient(t, registry, byCLI)), fault.AzureCLISignedOut, "signing in with the Azure CLI's session")
	wantExchanges(t, registry, 0, 0)
}

func TestAnonymousRefusalSaysWhatTheAzureCLISaid(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, unasked(t, entratest.SignedOut(t)))
	err := readApp(t, client)
	faulttest.Want(t, err, fault.NoCredential, "the Azure CLI has no session: `az account get-access-token` failed")
	wantNoSecret(t, "the error", err.Error(), entratest.CLISaid)
}

// An Azure CLI that fails causes an error: somebody who is signed in must not become anonymous.
func TestBrokenAzureCLIIsAnError(t *testing.T) {
	options := takesEntra()
	options.AnonymousPull = true
	registry := acrtest.StartT(t, options)
	registry.PutImage("app", "v", acrtest.Image{})
	faulttest.Want(t, readApp(t, newClient(t, registry, unasked(t, entratest.Broken(t)))), fault.AzureCLIFailed)
	wantExchanges(t, registry, 0, 0)
}

func TestLoginHandsOutANewRefreshToken(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, bySecret(t, entratest.New(t, entraToken)))
	if err := readApp(t, client); err != nil {
		t.Fatal(err)
	}
	login, err := client.Login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantExchanges(t, registry, 2, 1)
	if left := time.Until(login.ExpiresAt); left < 3*time.Hour || left > 11700*time.Second {
		t.Errorf("ends in %s", left)
	}
	byPassword := func(c *acr.Config) {
		c.Credential = auth.Basic{Username: auth.NullUsername, Password: login.RefreshToken, Source: "the test"}
	}
	if err := readApp(t, newClient(t, registry, byPassword)); err != nil {
		t.Errorf("with the refresh token as password: %v", err)
	}
	_, err = newClient(t, registry).Login(t.Context())
	faulttest.Want(t, err, fault.NotSignedIn, "the user \"admin\" and a password from the test")
}
