package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// A token that is in no state signs in a second provider: the null GUID as user name, the token as password, as Azure
// accepts Entra ID tokens.
func TestEphemeralTokenConfiguresAnotherProvider(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	digest := registry.PutImage("app", "1.0", acrtest.Image{})
	workspace := newWorkspace(t, fmt.Sprintf(`
provider "acr" {
  registry    = %[1]q
  username    = %[2]q
  password    = %[3]q
  ca_cert_pem = %[4]q
}

ephemeral "acr_bearer_token" "app" {
  repository = "app"
}

provider "acr" {
  alias       = "handed"
  registry    = %[1]q
  username    = "00000000-0000-0000-0000-000000000000"
  password    = ephemeral.acr_bearer_token.app.access_token
  ca_cert_pem = %[4]q
}

data "acr_manifest" "app" {
  provider   = acr.handed
  repository = "app"
  tag        = "1.0"
}

output "digest" {
  value = data.acr_manifest.app.digest
}
`, registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM()))
	if refuses(t, workspace) {
		return
	}

	apply(t, workspace)

	var read string
	output(t, workspace, "digest", &read)
	if read != digest.String() {
		t.Errorf("the second provider read %s, the image is %s", read, digest)
	}
	// The first token was asked for with the password, the second with the first.
	var tokens, manifests int
	for _, request := range registry.Requests() {
		switch {
		case request.Kind == acrtest.KindToken && request.AuthScheme == "Basic":
			tokens++
		case request.Kind == acrtest.KindResource && request.Path == "/v2/app/manifests/1.0":
			manifests++
		}
	}
	if tokens < 2 || manifests == 0 {
		t.Errorf("%d tokens and %d manifests were asked for, want one token for each of the two providers", tokens, manifests)
	}
}

// A provider of another project, which speaks protocol 5, reads the same with the token as our own data sources.
func TestTokenHandedToHTTPProvider(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for _, tag := range []string{"1.0", "1.1", "2.0"} {
		registry.PutImage("app", tag, acrtest.Image{Labels: map[string]string{"version": tag}})
	}
	// The http provider does not treat a manifest's media type as text; the tag list is plain JSON.
	workspace := workspaceWith(t,
		terraform.Providers{"acrkit/acr": filepath.Dir(provider), "hashicorp/http": httpProvider(t)},
		requiredProviders("hashicorp/http")+fmt.Sprintf(`
provider "acr" {
  registry    = %[1]q
  username    = %[2]q
  password    = %[3]q
  ca_cert_pem = %[4]q
}

data "acr_bearer_token" "app" {
  repository = "app"
  actions    = ["metadata_read"]
}

data "http" "tags" {
  url = "https://%[1]s/acr/v1/app/_tags"
  request_headers = {
    Authorization = "Bearer ${data.acr_bearer_token.app.access_token}"
  }
}

data "acr_tags" "app" {
  repository = "app"
}

data "acr_manifest" "app" {
  for_each   = toset(data.acr_tags.app.names)
  repository = "app"
  tag        = each.value
}

# Sensitive, since newer CLIs take the answer to a request with a token for that, while older ones refuse nonsensitive().
output "theirs" {
  value     = { for tag in jsondecode(data.http.tags.body).tags : tag.name => tag.digest }
  sensitive = true
}

output "ours" {
  value = { for name, manifest in data.acr_manifest.app : name => manifest.digest }
}
`, registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM()))
	trustThroughEnvironment(t, workspace, registry.CAPEM())

	apply(t, workspace)

	var theirs, ours map[string]string
	output(t, workspace, "theirs", &theirs)
	output(t, workspace, "ours", &ours)
	for _, tag := range []string{"1.0", "1.1", "2.0"} {
		if theirs[tag] == "" || theirs[tag] != ours[tag] {
			t.Errorf("tag %s: hashicorp/http read %q, acr read %q", tag, theirs[tag], ours[tag])
		}
	}
	if len(theirs) != 3 || len(ours) != 3 {
		t.Errorf("hashicorp/http read %v, acr read %v, want three tags each", theirs, ours)
	}
	if !slices.ContainsFunc(registry.Requests(), func(r acrtest.Request) bool {
		return r.Header.Get("User-Agent") == "Go-http-client/2.0" && r.AuthScheme == "Bearer" && r.Status == 200
	}) {
		t.Error("the registry saw no request of hashicorp/http with a token")
	}
}

// trustThroughEnvironment makes every provider of the workspace trust the authority.
func trustThroughEnvironment(t *testing.T, workspace *terraform.Workspace, authority string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, []byte(authority), 0o600); err != nil {
		t.Fatal(err)
	}
	workspace.Set("SSL_CERT_FILE", path)
}
