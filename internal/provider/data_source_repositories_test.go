package provider_test

import (
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestRepositories(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{PageSize: 2})
	for _, repository := range []string{"team/app", "team/web", "other"} {
		registry.PutImage(repository, "v1", acrtest.Image{})
	}
	applyTwice(t, providerBlock(registry)+`
		data "acr_repositories" "all" {}
		data "acr_repositories" "team" {
		  prefix     = "team/"
		  name_regex = "b$"
		}
		data "acr_repositories" "first" {
		  limit = 1
		}`,
		attributes("data.acr_repositories.all", object{"names": list("other", "team/app", "team/web")}),
		attributes("data.acr_repositories.team", object{"names": list("team/web")}),
		attributes("data.acr_repositories.first", object{"names": list("other")}),
	)
}

func TestRepositoriesRefuses(t *testing.T) {
	refused{
		"a limit of nothing": {
			values{"limit": 0},
			wanted{attribute: "limit", summary: "Invalid value", says: []string{"0 is not a whole number of at least 1"}},
		},
		"a limit with a fraction": {
			values{"limit": 1.5},
			wanted{attribute: "limit", summary: "Invalid value", says: []string{"1.5 is not a whole number of at least 1"}},
		},
		"a limit beyond every integer": {
			values{"limit": 1e30},
			wanted{attribute: "limit", summary: "Invalid value"},
		},
	}.check(t, "acr_repositories")
}

func TestRepositoriesFails(t *testing.T) {
	failing{
		"the catalog for a repository-scoped token": {
			options:   acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}},
			arguments: values{},
			want:      wanted{summary: "Permission missing", says: []string{"registry:catalog:*", "never list the catalog", "Container Registry Repository Catalog Lister"}},
		},
	}.check(t, "acr_repositories")
}
