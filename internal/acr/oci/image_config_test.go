package oci

import (
	"reflect"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestDecodeImageConfig(t *testing.T) {
	const whole = `{
  "created": "2023-02-01T09:30:00.123456789Z", "author": "someone", "architecture": "arm", "os": "linux", "variant": "v7",
  "config": {
    "User": "1000:1000", "WorkingDir": "/srv", "Entrypoint": ["/app", "--flag=a b"], "Cmd": [], "StopSignal": "SIGTERM",
    "Env": ["PATH=/bin:/usr/bin", "A=1", "EMPTY=", "NO_VALUE", "A=b=c"],
    "ExposedPorts": {"9090/udp": {}, "8080/tcp": {}}, "Volumes": {"/var": {}, "/data": {}},
    "Labels": {"org.opencontainers.image.version": "1.0", "empty": ""}
  },
  "rootfs": {"type": "layers", "diff_ids": []}, "history": [{"created_by": "x", "empty_layer": true}]
}`
	for name, test := range map[string]struct {
		body string
		want ImageConfig // Body left out
	}{
		"everything": {whole, ImageConfig{
			Created: "2023-02-01T09:30:00.123456789Z", Author: "someone", Architecture: "arm", OS: "linux", Variant: "v7",
			User: "1000:1000", WorkingDir: "/srv", Entrypoint: []string{"/app", "--flag=a b"}, Cmd: []string{},
			Env:          map[string]string{"PATH": "/bin:/usr/bin", "A": "b=c", "EMPTY": "", "NO_VALUE": ""},
			ExposedPorts: []string{"8080/tcp", "9090/udp"}, Volumes: []string{"/data", "/var"},
			Labels: map[string]string{"org.opencontainers.image.version": "1.0", "empty": ""},
		}},
		"nothing":     {`{}`, ImageConfig{Env: map[string]string{}}},
		"no config":   {`{"architecture":"amd64","os":"linux","config":null}`, ImageConfig{Architecture: "amd64", OS: "linux", Env: map[string]string{}}},
		"all null":    {`{"created":null,"config":{"Env":null,"Cmd":null,"Entrypoint":null,"Labels":null,"Volumes":null,"ExposedPorts":null,"User":null}}`, ImageConfig{Env: map[string]string{}}},
		"other case":  {`{"Architecture":"amd64","config":{"labels":{"a":"b"},"env":["A=1"]}}`, ImageConfig{Env: map[string]string{}}},
		"Windows":     {`{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","config":{"WorkingDir":"C:\\app"}}`, ImageConfig{OS: "windows", Architecture: "amd64", WorkingDir: `C:\app`, Env: map[string]string{}}},
		"one text":    {`{"config":{"Entrypoint":"/bin/start","Cmd":""}}`, ImageConfig{Entrypoint: []string{"/bin/start"}, Cmd: []string{""}, Env: map[string]string{}}},
		"odd entries": {`{"config":{"Env":["","=x"],"ExposedPorts":{"":{}}}}`, ImageConfig{Env: map[string]string{"": "x"}, ExposedPorts: []string{""}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseImageConfig([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Body) != test.body {
				t.Errorf("body = %q, want %q", got.Body, test.body)
			}
			test.want.Body = got.Body
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("config = %+v\nwant %+v", *got, test.want)
			}
		})
	}
}

func TestDecodeImageConfigRefuses(t *testing.T) {
	for name, test := range map[string]struct{ body, fault string }{
		"empty body":        {``, "not valid JSON"},
		"HTML":              {`<html>`, "not valid JSON"},
		"array":             {`[]`, "another shape"},
		"truncated":         {`{"os":"linux"`, "not valid JSON"},
		"duplicate keys":    {`{"os":"linux","os":"windows"}`, "same key twice"},
		"duplicate labels":  {`{"config":{"Labels":{"a":"1","a":"2"}}}`, "same key twice"},
		"duplicate ports":   {`{"config":{"ExposedPorts":{"1/tcp":{},"1/tcp":{}}}}`, "same key twice"},
		"invalid UTF-8":     {"{\"author\":\"\xff\"}", "not valid JSON"},
		"label a number":    {`{"config":{"Labels":{"a/b":1}}}`, "its config.Labels is JSON of another shape"},
		"labels an array":   {`{"config":{"Labels":["a"]}}`, "its config.Labels is JSON of another shape"},
		"entrypoint nested": {`{"config":{"Entrypoint":[["/app"]]}}`, "its config.Entrypoint.0 is JSON of another shape"},
		"command a number":  {`{"config":{"Cmd":1}}`, "its config.Cmd is JSON of another shape"},
		"env a text":        {`{"config":{"Env":"A=1"}}`, "its config.Env is JSON of another shape"},
		"env a number":      {`{"config":{"Env":[1]}}`, "its config.Env.0 is JSON of another shape"},
		"ports a list":      {`{"config":{"ExposedPorts":["80/tcp"]}}`, "its config.ExposedPorts is JSON of another shape"},
		"os a number":       {`{"os":1}`, "its os is JSON of another shape"},
		"deep nesting":      {`{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "nested too deeply"},
		"too many values":   {`{"x":[` + strings.Repeat("0,", maxConfigValues) + `0]}`, "too many values"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseImageConfig([]byte(test.body))
			if err == nil {
				t.Fatalf("it was read as %+v", got)
			}
			reason := fault.MalformedImage
			if strings.HasPrefix(test.fault, "too many") {
				reason = fault.TooLarge
			}
			faulttest.Want(t, err, reason, "the body is not an image configuration: ", test.fault)
		})
	}
}

func TestDecodeImageConfigOfMuchText(t *testing.T) {
	half := strings.Repeat("a", maxConfigText/2-5)
	body := `{"author":"` + half + `","config":{"Env":["NAME=` + half + `"],"Cmd":["cmd"],"Labels":{"k":"l"}}}`
	if _, err := ParseImageConfig([]byte(body)); err != nil {
		t.Errorf("as much as there may be: %v", err)
	}
	_, err := ParseImageConfig([]byte(strings.Replace(body, "cmd", "commands", 1)))
	faulttest.Want(t, err, fault.TooLarge, "4194304 bytes")
}

func TestHasImageConfig(t *testing.T) {
	const artifact = "application/vnd.cncf.oras.artifact.manifest.v1+json"
	for _, test := range []struct {
		manifest, config string
		want             bool
	}{
		{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, true},
		{ocispec.MediaTypeImageManifest, mediaTypeDockerConfig, true},
		{ocispec.MediaTypeImageManifest, ocispec.MediaTypeEmptyJSON, false},
		{ocispec.MediaTypeImageManifest, "application/vnd.cncf.helm.config.v1+json", false},
		{ocispec.MediaTypeImageManifest, "application/octet-stream", false},
		{ocispec.MediaTypeImageManifest, "", false},
		{artifact, "application/json", false},
		{MediaTypeDockerManifest, mediaTypeDockerConfig, true},
		{MediaTypeDockerManifest, ocispec.MediaTypeImageConfig, true},
		{MediaTypeDockerManifest, "application/octet-stream", true},
		{MediaTypeDockerManifest, "application/json", true},
		{MediaTypeDockerManifest, "text/html", true},
		{MediaTypeDockerManifest, "", true},
		{MediaTypeDockerManifest, "application/vnd.docker.plugin.v1+json", false},
	} {
		manifest := Manifest{MediaType: test.manifest, Config: &Descriptor{MediaType: test.config}}
		if got := manifest.HasImageConfig(); got != test.want {
			t.Errorf("a config of %q in %s is an image's = %t, want %t", test.config, test.manifest, got, test.want)
		}
	}
	if (&Manifest{MediaType: MediaTypeDockerManifest}).HasImageConfig() {
		t.Error("a manifest without config has one")
	}
}
