package oci

import (
	"reflect"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
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
		"label a number":    {`{"config":{"Labels":{"a":1}}}`, "another shape"},
		"labels an array":   {`{"config":{"Labels":["a"]}}`, "another shape"},
		"entrypoint a text": {`{"config":{"Entrypoint":"/app"}}`, "another shape"},
		"env null":          {`{"config":{"Env":[1]}}`, "another shape"},
		"os a number":       {`{"os":1}`, "another shape"},
		"deep nesting":      {`{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "nested too deeply"},
		"too many values":   {`{"x":[` + strings.Repeat("0,", maxConfigValues) + `0]}`, "too many values"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseImageConfig([]byte(test.body))
			if err == nil {
				t.Fatalf("it was read as %+v", got)
			}
			if !strings.Contains(err.Error(), "the body is no image configuration: ") || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("error = %q, want %q in it", err, test.fault)
			}
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
	for mediaType, want := range map[string]bool{
		ocispec.MediaTypeImageConfig: true, MediaTypeDockerConfig: true,
		ocispec.MediaTypeEmptyJSON: false, "application/vnd.cncf.helm.config.v1+json": false, "": false,
	} {
		if got := (&Manifest{Config: &Descriptor{MediaType: mediaType}}).HasImageConfig(); got != want {
			t.Errorf("%q is an image's = %t, want %t", mediaType, got, want)
		}
	}
	if (&Manifest{}).HasImageConfig() {
		t.Error("a manifest without config has one")
	}
}
