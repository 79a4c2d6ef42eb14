package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestRepository(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for i, tag := range []string{"v1", "v2", "latest"} {
		registry.PutImage("team/app", tag, acrtest.Image{Author: fmt.Sprint(i % 2)})
	}
	registry.SetRepositoryAttributes("team/app", acrtest.Attributes{ReadEnabled: true, ListEnabled: true})
	timestamp := knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT.*Z$`))
	applyTwice(t, providerBlock(registry)+`
		data "acr_repository" "app" {
		  name = "team/app"
		}`,
		attributes("data.acr_repository.app", object{
			"tag_count": number(3), "manifest_count": number(2), "created_time": timestamp, "last_update_time": timestamp,
			"delete_enabled": boolean(false), "write_enabled": boolean(false), "read_enabled": boolean(true), "list_enabled": boolean(true),
		}),
	)
}

func TestRepositoryRefuses(t *testing.T) {
	refused{
		"a repository's name with a tag": {
			values{"name": "app:1.0"},
			wanted{attribute: "name", summary: "Invalid value", says: []string{`"app:1.0"`}},
		},
	}.check(t, "acr_repository")
}

func TestRepositoryFails(t *testing.T) {
	failing{
		"properties of a repository that does not exist": {
			arguments: values{"name": "missing"},
			want:      wanted{attribute: "name", summary: "Repository not found", says: []string{"/missing", "404"}},
		},
		"properties where none are known": {
			options:   acrtest.Options{WithoutACRAPI: true},
			arguments: values{"name": "app"},
			want:      wanted{summary: "Not offered by this registry"},
		},
	}.check(t, "acr_repository")
}
