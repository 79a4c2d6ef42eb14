package provider_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestImageConfig(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{BlobRedirect: true})
	full := acrtest.Image{
		Architecture: "arm64", Variant: "v8", Author: "Example", Created: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC),
		Labels: map[string]string{"org.opencontainers.image.revision": "4f1c"}, Env: []string{"PATH=/bin", "MODE=a=b"},
		Entrypoint: []string{"/app"}, Cmd: []string{"serve"}, User: "1000", WorkingDir: "/srv",
		ExposedPorts: []string{"9090/tcp", "8080/tcp"}, Volumes: []string{"/data"},
	}
	registry.PutIndex("app", "multi", acrtest.Index{Images: []acrtest.Image{{}, full}})
	child := registry.PutImage("app", "", full)
	plain := registry.PutImage("app", "plain", acrtest.Image{})
	applyTwice(t, providerBlock(registry)+`
		data "acr_image_config" "full" {
		  repository = "app"
		  tag        = "multi"
		  platform   = "linux/arm64"
		}
		data "acr_image_config" "plain" {
		  repository = "app"
		  digest     = "`+plain.String()+`"
		}`,
		attributes("data.acr_image_config.full", object{
			"digest": str(child.String()), "created": str("2025-03-01T12:00:00Z"), "author": str("Example"),
			"architecture": str("arm64"), "os": str("linux"), "variant": str("v8"),
			"labels":     knownvalue.MapExact(object{"org.opencontainers.image.revision": str("4f1c")}),
			"env":        knownvalue.MapExact(object{"PATH": str("/bin"), "MODE": str("a=b")}),
			"entrypoint": list("/app"), "cmd": list("serve"), "user": str("1000"), "working_dir": str("/srv"),
			"exposed_ports": list("8080/tcp", "9090/tcp"), "volumes": list("/data"),
			"body": knownvalue.StringRegexp(regexp.MustCompile(`"architecture":"arm64"`)),
		}),
		attributes("data.acr_image_config.plain", object{
			"digest": str(plain.String()), "created": null(), "author": null(), "variant": null(), "user": null(), "working_dir": null(),
			"labels": knownvalue.MapSizeExact(0), "env": knownvalue.MapSizeExact(0), "entrypoint": null(), "cmd": null(),
			"exposed_ports": list(), "volumes": list(),
		}),
	)
}

func TestImageConfigRefuses(t *testing.T) {
	refused{
		"an image configuration by neither": {
			values{"repository": "app"},
			wanted{attribute: "tag", summary: "Invalid value", says: []string{"exactly one of tag and digest is needed, and neither is given"}},
		},
	}.check(t, "acr_image_config")
}

func TestImageConfigFails(t *testing.T) {
	failing{
		"an image configuration of a tag that does not exist": {
			arguments: values{"repository": "app", "tag": "9.9"},
			want:      wanted{attribute: "tag", summary: "Tag or digest not found", says: []string{"/app:9.9", "404"}},
		},
		"an index's configuration without a platform": {
			arguments: values{"repository": "multi", "tag": "1.0"},
			want:      wanted{attribute: "platform", summary: "Platform not found", says: []string{"linux/amd64, linux/arm64"}},
		},
		"an artifact's image configuration": {
			arguments: values{"repository": "chart", "tag": "1.0"},
			want:      wanted{attribute: "tag", summary: "Not a container image", says: []string{"application/vnd.example.chart", "acr_manifest"}},
		},
		"the configuration of an image in a locked repository": {
			arrange: func(registry *acrtest.Registry) {
				registry.SetRepositoryAttributes("app", acrtest.Attributes{ListEnabled: true})
			},
			arguments: values{"repository": "app", "tag": "1.0"},
			want:      wanted{summary: "Image locked or in quarantine", says: []string{"quarantine", "AcrQuarantineReader"}},
		},
	}.check(t, "acr_image_config")
}
