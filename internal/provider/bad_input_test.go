package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Arguments that are refused before anything is sent.
func TestDataSourcesRefuse(t *testing.T) {
	tests := map[string]struct {
		typeName  string
		arguments values
		want      wanted
	}{
		"an empty repository": {
			"acr_manifest", values{"repository": "", "tag": "1.0"},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{"empty"}},
		},
		"a repository with capitals": {
			"acr_manifest", values{"repository": "App", "tag": "1.0"},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{`"App"`, "lower-case"}},
		},
		"a repository that climbs": {
			"acr_tags", values{"repository": "app/../other"},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{`"app/../other"`}},
		},
		"a repository's name with a tag": {
			"acr_repository", values{"name": "app:1.0"},
			wanted{attribute: "name", summary: "Invalid value", says: []string{`"app:1.0"`}},
		},
		"a tag that breaks the grammar": {
			"acr_manifest", values{"repository": "app", "tag": "-1.0"},
			wanted{attribute: "tag", summary: "Invalid value", says: []string{`"-1.0"`, "128"}},
		},
		"a digest that is none": {
			"acr_manifest", values{"repository": "app", "digest": "sha256:123"},
			wanted{attribute: "digest", summary: "Invalid value", says: []string{`"sha256:123"`}},
		},
		"both tag and digest": {
			"acr_manifest", values{"repository": "app", "tag": "1.0", "digest": someDigest},
			wanted{attribute: "tag", summary: "Invalid Attribute Combination", says: []string{"one (and only one) of [tag,digest]"}},
		},
		"neither tag nor digest": {
			"acr_manifest", values{"repository": "app"},
			wanted{attribute: "tag", summary: "Invalid Attribute Combination", says: []string{"one (and only one) of [tag,digest]"}},
		},
		"an image configuration by neither": {
			"acr_image_config", values{"repository": "app"},
			wanted{attribute: "tag", summary: "Invalid Attribute Combination", says: []string{"one (and only one) of [tag,digest]"}},
		},
		"a platform without an architecture": {
			"acr_manifest", values{"repository": "app", "tag": "1.0", "platform": "linux"},
			wanted{attribute: "platform", summary: "Invalid value", says: []string{`"linux"`, "linux/amd64"}},
		},
		"an access token with a line break": {
			"acr_manifest", values{"repository": "app", "tag": "1.0", "access_token": "open sesame\n"},
			wanted{attribute: "access_token", summary: "Invalid value", says: []string{"line break"}, hides: []string{"sesame"}},
		},
		"both repository and scopes": {
			"acr_bearer_token", values{"repository": "app", "scopes": []string{"registry:catalog:*"}},
			wanted{attribute: "repository", summary: "Invalid Attribute Combination", says: []string{"one (and only one) of [repository,scopes]"}},
		},
		"neither repository nor scopes": {
			"acr_bearer_token", values{},
			wanted{attribute: "repository", summary: "Invalid Attribute Combination", says: []string{"scopes"}},
		},
		"actions without a repository": {
			"acr_bearer_token", values{"scopes": []string{"registry:catalog:*"}, "actions": []string{"pull"}},
			wanted{attribute: "actions", summary: "Invalid Attribute Combination", says: []string{"scopes"}},
		},
		"no scope at all": {
			"acr_bearer_token", values{"scopes": []string{}},
			wanted{attribute: "scopes", summary: "Invalid Attribute Value", says: []string{"at least 1"}},
		},
		"a scope without actions": {
			"acr_bearer_token", values{"scopes": []string{"registry:catalog:*", "repository:app"}},
			wanted{attribute: "scopes[1]", summary: "Invalid value", says: []string{`"repository:app"`}},
		},
		"an action that is two": {
			"acr_bearer_token", values{"repository": "app", "actions": []string{"pull,push"}},
			wanted{attribute: "actions[]", summary: "Invalid value", says: []string{`"pull,push"`}},
		},
		"an unknown order": {
			"acr_tags", values{"repository": "app", "order_by": "size"},
			wanted{attribute: "order_by", summary: "Invalid Attribute Value Match", says: []string{`"size"`, "time_desc"}},
		},
		"a regular expression that is none": {
			"acr_tags", values{"repository": "app", "name_regex": "("},
			wanted{attribute: "name_regex", summary: "Invalid value", says: []string{"missing closing )"}},
		},
		"a limit of nothing": {
			"acr_repositories", values{"limit": 0},
			wanted{attribute: "limit", summary: "Invalid Attribute Value", says: []string{"at least 1"}},
		},
		"an empty artifact type": {
			"acr_referrers", values{"repository": "app", "digest": someDigest, "artifact_type": ""},
			wanted{attribute: "artifact_type", summary: "Invalid value", says: []string{"empty"}},
		},
	}
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := p.read(test.typeName, test.arguments)
			test.want.check(t, diagnostics)
		})
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// What a registry refuses, or does not have.
func TestRegistryRefuses(t *testing.T) {
	correlation := "correlation id "
	tests := map[string]struct {
		options   acrtest.Options
		block     values // over the default user's
		fault     *acrtest.Fault
		arrange   func(*acrtest.Registry)
		typeName  string
		arguments values
		want      wanted
	}{
		"a wrong password": {
			block:    values{"password": "sesame"},
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{
				summary: "Wrong user name or password",
				says:    []string{"reading the manifest ", "/app:1.0", "/oauth2/token", "401 Unauthorized UNAUTHORIZED", "CorrelationId", `the user "admin"`, "from the provider block"},
				hides:   []string{"sesame", "c2VzYW1l"},
			},
		},
		"a repository that does not exist": {
			typeName: "acr_manifest", arguments: values{"repository": "missing", "tag": "1.0"},
			want: wanted{attribute: "repository", summary: "Repository not found", says: []string{"/missing:1.0", "404 Not Found NAME_UNKNOWN", correlation, "allow_missing"}},
		},
		"a tag that does not exist": {
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "9.9"},
			want: wanted{attribute: "tag", summary: "Tag or digest not found", says: []string{"/app:9.9", "404 Not Found MANIFEST_UNKNOWN", correlation, "acr_tags"}},
		},
		"a digest that does not exist": {
			typeName: "acr_manifest", arguments: values{"repository": "app", "digest": someDigest},
			want: wanted{attribute: "digest", summary: "Tag or digest not found", says: []string{someDigest, "404 Not Found MANIFEST_UNKNOWN"}},
		},
		"tags of a repository that does not exist": {
			typeName: "acr_tags", arguments: values{"repository": "missing"},
			want: wanted{attribute: "repository", summary: "Repository not found", says: []string{"listing the tags of ", "/missing", "404"}},
		},
		"properties of a repository that does not exist": {
			typeName: "acr_repository", arguments: values{"name": "missing"},
			want: wanted{attribute: "name", summary: "Repository not found", says: []string{"/missing", "404"}},
		},
		"an image configuration of a tag that does not exist": {
			typeName: "acr_image_config", arguments: values{"repository": "app", "tag": "9.9"},
			want: wanted{attribute: "tag", summary: "Tag or digest not found", says: []string{"/app:9.9", "404"}},
		},
		"a platform that the index lacks": {
			typeName: "acr_manifest", arguments: values{"repository": "multi", "tag": "1.0", "platform": "linux/s390x"},
			want: wanted{attribute: "platform", summary: "Platform not found", says: []string{"linux/s390x", "linux/amd64, linux/arm64"}},
		},
		"an index's configuration without a platform": {
			typeName: "acr_image_config", arguments: values{"repository": "multi", "tag": "1.0"},
			want: wanted{attribute: "platform", summary: "Platform not found", says: []string{"linux/amd64, linux/arm64"}},
		},
		"an artifact's image configuration": {
			typeName: "acr_image_config", arguments: values{"repository": "chart", "tag": "1.0"},
			want: wanted{attribute: "tag", summary: "Not a container image", says: []string{"application/vnd.example.chart", "acr_manifest"}},
		},
		"an access token that is refused": {
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0", "access_token": "sesame"},
			want: wanted{attribute: "access_token", summary: "Bearer token refused", says: []string{"401", "acr_bearer_token"}, hides: []string{"sesame"}},
		},
		"the catalog for a repository-scoped token": {
			options:  acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}},
			typeName: "acr_repositories", arguments: values{},
			want: wanted{summary: "Permission missing", says: []string{"registry:catalog:*", "never list the catalog"}},
		},
		"an order by time where no times are known": {
			options:  acrtest.Options{WithoutACRAPI: true},
			typeName: "acr_tags", arguments: values{"repository": "app", "order_by": "time_desc"},
			want: wanted{summary: "Not offered by this registry", says: []string{"order_by", "times"}},
		},
		"properties where none are known": {
			options:  acrtest.Options{WithoutACRAPI: true},
			typeName: "acr_repository", arguments: values{"name": "app"},
			want: wanted{summary: "Not offered by this registry"},
		},
		"a token where none is needed": {
			options:  acrtest.Options{NoAuth: true},
			typeName: "acr_bearer_token", arguments: values{"repository": "app"},
			want: wanted{summary: "No token to hand out", says: []string{"Leave `acr_bearer_token` out"}},
		},
		"a firewall": {
			fault: &acrtest.Fault{
				Status: 403, Code: "DENIED",
				Message: "client with IP '192.0.2.4' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
			},
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{summary: "Access denied", says: []string{"403 Forbidden DENIED", "192.0.2.4", "https://aka.ms/acr/firewall"}},
		},
		"an image locked against reading": {
			arrange: func(registry *acrtest.Registry) {
				registry.SetTagAttributes("app", "1.0", acrtest.Attributes{ListEnabled: true})
			},
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0", "allow_missing": true},
			want: wanted{summary: "Image locked or in quarantine", says: []string{"405", "REGISTRY_DISALLOWED_OPERATION", "--read-enabled true"}},
		},
		"the configuration of an image in a locked repository": {
			arrange: func(registry *acrtest.Registry) {
				registry.SetRepositoryAttributes("app", acrtest.Attributes{ListEnabled: true})
			},
			typeName: "acr_image_config", arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{summary: "Image locked or in quarantine", says: []string{"quarantine", "AcrQuarantineReader"}},
		},
		"a foreign realm": {
			options:  acrtest.Options{Realm: "https://tokens.example.com/oauth2/token"},
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{summary: "Token server not trusted", says: []string{"https://tokens.example.com", "https://127.0.0.1:", "trusted_token_hosts"}},
		},
		"too many requests for too long": {
			fault:    &acrtest.Fault{Status: 429, RetryAfter: "3600"},
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{summary: "Too many requests", says: []string{"429", "1h0m0s", "-parallelism"}},
		},
		"other bytes than the digest says": {
			fault:    &acrtest.Fault{Kind: acrtest.KindResource, Tamper: true},
			typeName: "acr_manifest", arguments: values{"repository": "app", "tag": "1.0"},
			want: wanted{summary: "Digest mismatch", says: []string{"sha256:"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, test.options)
			registry.PutImage("app", "1.0", acrtest.Image{})
			registry.PutIndex("multi", "1.0", acrtest.Index{Images: []acrtest.Image{{Architecture: "arm64"}, {Architecture: "amd64"}}, Attestation: true})
			registry.PutArtifact("chart", "1.0", acrtest.Artifact{ArtifactType: "application/vnd.example.chart"})
			if test.fault != nil {
				registry.Inject(*test.fault)
			}
			if test.arrange != nil {
				test.arrange(registry)
			}
			test.want.hides = append(test.want.hides, acrtest.DefaultPassword)
			state, diagnostics := configuredFor(t, defaultUser(registry).plus(test.block)).read(test.typeName, test.arguments)
			test.want.check(t, diagnostics)
			for attribute, value := range state {
				if _, given := test.arguments[attribute]; !given && !value.IsNull() {
					t.Errorf("%s reached the state in spite of the error", attribute)
				}
			}
		})
	}
}

// Servers that do not speak the registry protocol.
func TestNotARegistry(t *testing.T) {
	answer := func(status int, contentType, body string, header http.Header) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for name, lines := range header {
				w.Header()[name] = lines
			}
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const page = "<html><body>Sign in</body></html>"
	tests := map[string]struct {
		handler http.HandlerFunc
		want    wanted
	}{
		"a web page": {
			answer(http.StatusOK, "text/html", page, nil),
			wanted{summary: "Not a container registry", says: []string{"200 OK", "text/html"}},
		},
		"a web page that is not there": {
			answer(http.StatusNotFound, "text/html", page, nil),
			wanted{summary: "Not a container registry", says: []string{"404 Not Found", "login server"}},
		},
		"a Basic challenge": {
			answer(http.StatusUnauthorized, "text/plain", "", http.Header{"Www-Authenticate": {`Basic realm="somewhere"`}}),
			wanted{summary: "Not a container registry", says: []string{"401 Unauthorized", "Bearer"}},
		},
		"no challenge": {
			answer(http.StatusUnauthorized, "text/plain", "", nil),
			wanted{summary: "Not a container registry", says: []string{"401 Unauthorized"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			t.Cleanup(server.Close)
			host := strings.TrimPrefix(server.URL, "http://")
			test.want.says = append(test.want.says, "reading the manifest "+host+"/app:1.0")
			test.want.hides = []string{"<html", "Sign in", "sesame"}
			_, diagnostics := configuredFor(t, values{"registry": host, "plain_http": true, "username": "ci", "password": "sesame"}).
				read("acr_manifest", values{"repository": "app", "tag": "1.0"})
			test.want.check(t, diagnostics)
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		host := unusedAddress(t)
		_, diagnostics := configuredFor(t, values{"registry": host, "max_retries": 0}).
			read("acr_manifest", values{"repository": "app", "tag": "1.0"})
		wanted{summary: "Registry unreachable", says: []string{"reading the manifest " + host + "/app:1.0", "refused"}}.check(t, diagnostics)
	})
	t.Run("http where https is expected", func(t *testing.T) {
		server := httptest.NewServer(answer(http.StatusOK, "text/plain", "", nil))
		t.Cleanup(server.Close)
		host := strings.TrimPrefix(server.URL, "http://")
		_, diagnostics := configuredFor(t, values{"registry": host}).read("acr_manifest", values{"repository": "app", "tag": "1.0"})
		wanted{summary: "Not a container registry", says: []string{"does not speak TLS", "plain_http = true"}}.check(t, diagnostics)
	})
}
