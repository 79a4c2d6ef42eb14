package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// A token differs at each read, but the plan shows no change until something uses it.
func TestBearerToken(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull,push", "registry:catalog:*"}}})
	registry.PutImage("app", "1.0", acrtest.Image{})
	realm := registry.URL() + "/oauth2/token"
	timestamp := knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`))
	granted := func(kind, name string, actions ...string) knownvalue.Check {
		return knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(object{
			"type": str(kind), "name": str(name), "actions": list(actions...),
		})})
	}

	applyTwice(t, providerBlock(registry)+`
		data "acr_bearer_token" "discovered" {
		  repository = "app"
		}
		data "acr_bearer_token" "wider" {
		  repository = "app"
		  actions    = ["push", "delete"]
		}
		data "acr_bearer_token" "catalog" {
		  scopes = ["registry:catalog:*"]
		}`,
		attributes("data.acr_bearer_token.discovered", object{
			"access_token": knownvalue.StringRegexp(regexp.MustCompile(`^eyJ`)),
			"realm":        str(realm),
			"service":      str(registry.Host()),
			"scope":        str("repository:app:pull"),
			"granted":      granted("repository", "app", "pull"),
			"issued_at":    timestamp,
			"expires_at":   timestamp,
		}),
		attributes("data.acr_bearer_token.wider", object{
			"scope":   str("repository:app:pull,delete,push"),
			"granted": granted("repository", "app", "pull", "push"),
		}),
		attributes("data.acr_bearer_token.catalog", object{
			"scope":   str("registry:catalog:*"),
			"granted": granted("registry", "catalog", "*"),
		}),
		[]statecheck.StateCheck{statecheck.ExpectSensitiveValue("data.acr_bearer_token.discovered", tfjsonpath.New("access_token"))},
	)
	for _, request := range registry.Requests() {
		if request.Method != "GET" {
			t.Errorf("%s %s: discovery sends only GET", request.Method, request.Path)
		}
	}
}

// A token with fewer permissions is returned, with a warning that names the missing ones.
func TestBearerTokenWarnsOfMissingActions(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	state, diagnostics := configuredFor(t, defaultUser(registry)).
		read("acr_bearer_token", values{"repository": "app", "actions": []string{"delete", "push"}})
	wanted{summary: "Token with fewer permissions than asked for", says: []string{"Not granted: repository:app:delete, repository:app:push"}}.check(t, diagnostics)
	if severity := diagnostics[0].Severity.String(); severity != "WARNING" {
		t.Errorf("want a warning, got %s", severity)
	}
	if text(state["access_token"]) == "null" {
		t.Error("there is no token")
	}
}

// Of an opaque token, only the request is known.
func TestBearerTokenOpaque(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{OpaqueTokens: true})
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_bearer_token", values{"repository": "app"})
	for _, attribute := range []string{"granted", "issued_at", "expires_at"} {
		if !state[attribute].IsNull() {
			t.Errorf("%s is not null", attribute)
		}
	}
	if scope := text(state["scope"]); scope != "repository:app:pull" {
		t.Errorf("scope = %s", scope)
	}
}

func TestBearerTokenRefuses(t *testing.T) {
	refused{
		"both repository and scopes": {
			values{"repository": "app", "scopes": []string{"registry:catalog:*"}},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{"exactly one of repository and scopes is needed, and both are given"}},
		},
		"neither repository nor scopes": {
			values{},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{"exactly one of repository and scopes is needed, and neither is given"}},
		},
		"actions without a repository": {
			values{"scopes": []string{"registry:catalog:*"}, "actions": []string{"pull"}},
			wanted{attribute: "actions", summary: "Invalid Attribute Combination", says: []string{"scopes"}},
		},
		"no scope at all": {
			values{"scopes": []string{}},
			wanted{attribute: "scopes", summary: "Invalid Attribute Value", says: []string{"at least 1"}},
		},
		"a scope without actions": {
			values{"scopes": []string{"registry:catalog:*", "repository:app"}},
			wanted{attribute: "scopes[1]", summary: "Invalid value", says: []string{`"repository:app"`}},
		},
		"an action that is two": {
			values{"repository": "app", "actions": []string{"pull,push"}},
			wanted{attribute: "actions[]", summary: "Invalid value", says: []string{`"pull,push"`}},
		},
	}.check(t, "acr_bearer_token")
}

func TestBearerTokenFails(t *testing.T) {
	failing{
		"a token where none is needed": {
			options:   acrtest.Options{NoAuth: true},
			arguments: values{"repository": "app"},
			want:      wanted{summary: "No token to hand out", says: []string{"Leave `acr_bearer_token` out"}},
		},
	}.check(t, "acr_bearer_token")
}

// Terraform keeps only UTF-8, in a state as in a plan.
func TestBearerTokenOfAServiceWithOtherBytes(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{ServiceName: "r\xff.example"})
	applyTwice(t, providerBlock(registry)+`
		data "acr_bearer_token" "this" {
		  repository = "app"
		}`,
		attributes("data.acr_bearer_token.this", object{"service": str("r\uFFFD.example")}),
	)
}

func TestBearerTokenHasItsUsername(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	token := configuredFor(t, defaultUser(registry)).mustRead("acr_bearer_token", values{"repository": "app"})
	if got := text(token["username"]); got != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("username = %q", got)
	}
	if !strings.HasPrefix(text(token["access_token"]), "eyJ") {
		t.Error("no access token")
	}
}
