package oci

import (
	"bytes"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/hostile"
)

// Memory stays under 64 MiB, whatever is read within the limits or refused.
func TestHostileBodiesTakeLittleMemory(t *testing.T) {
	const index = `{"schemaVersion":2,"manifests":[`
	const many = maxManifestValues - 10 // and maxConfigValues is the same
	readManifest := func(body []byte) error {
		_, err := decodeManifest(body, ocispec.MediaTypeImageIndex)
		return err
	}
	readConfig := func(body []byte) error {
		_, err := ParseImageConfig(body)
		return err
	}
	hostile.WantLittleMemory(t, map[string]hostile.Body{
		"4 MiB of empty descriptors":            {Read: readManifest, Body: []byte(index + strings.Repeat("{},", (MaxManifest-40)/3) + "{}]}"), Refused: true},
		"empty descriptors within the limit":    {Read: readManifest, Body: hostile.Repeated(MaxManifest, index, "{}", "]}", many/2), Refused: true},
		"4 MiB of annotations":                  {Read: readManifest, Body: hostile.Members(MaxManifest, MaxManifest, `{"annotations":{`, `""`, "}}"), Refused: true},
		"as many annotations as there may be":   {Read: readManifest, Body: hostile.Members(MaxManifest, many, `{"manifests":[],"annotations":{`, `""`, "}}")},
		"4 MiB of one annotation":               {Read: readManifest, Body: []byte(`{"manifests":[],"annotations":{"a":"` + strings.Repeat("b", MaxManifest-50) + `"}}`)},
		"unknown members":                       {Read: readManifest, Body: hostile.Members(MaxManifest, many, `{"manifests":[],"x":{`, `1`, "}}")},
		"one descriptor too many":               {Read: readManifest, Body: hostile.Repeated(MaxManifest, index, `{"digest":"a:b"}`, "]}", MaxDescriptors+1), Refused: true},
		"as many descriptors as there may be":   {Read: readManifest, Body: hostile.Repeated(MaxManifest, index, `{"digest":"a:b"}`, "]}", MaxDescriptors)},
		"too many descriptors with annotations": {Read: readManifest, Body: hostile.Repeated(MaxManifest, index, `{"digest":"a:b","annotations":{"":""},"platform":{}}`, "]}", MaxDescriptors+1), Refused: true},
		"descriptors with annotations":          {Read: readManifest, Body: hostile.Repeated(MaxManifest, index, `{"digest":"a:b","annotations":{"":""},"platform":{}}`, "]}", MaxDescriptors)},
		"os.features":                           {Read: readManifest, Body: hostile.Repeated(MaxManifest, index+`{"digest":"a:b","platform":{"os.features":[`, `""`, "]}}]}", many)},
		"4 MiB of empty strings":                {Read: readManifest, Body: []byte(`{"x":[` + strings.Repeat(`"",`, (MaxManifest-20)/3) + `""]}`), Refused: true},
		"4 MiB of brackets":                     {Read: readManifest, Body: []byte(strings.Repeat("[", MaxManifest)), Refused: true},
		"10,000 levels of arrays":               {Read: readManifest, Body: []byte(`{"x":` + string(hostile.Nested("[", "]", 10_000)) + "}"), Refused: true},
		"10,000 levels of objects":              {Read: readManifest, Body: hostile.Nested(`{"x":`, "}", 10_000), Refused: true},
		"10,000 levels of annotations":          {Read: readManifest, Body: hostile.Nested(`{"annotations":`, "}", 10_000), Refused: true},
		"4 MiB of backslashes":                  {Read: readManifest, Body: []byte(`{"x":"` + strings.Repeat(`\\`, MaxManifest/2-8) + `"}`), Refused: true},
		"4 MiB of invalid UTF-8":                {Read: readManifest, Body: bytes.Repeat([]byte{0xff}, MaxManifest), Refused: true},
		"4 MiB of digits":                       {Read: readManifest, Body: []byte(`{"manifests":[],"x":` + strings.Repeat("1", MaxManifest-30) + `}`)},
		"a size of 4 MiB of digits":             {Read: readManifest, Body: []byte(`{"schemaVersion":` + strings.Repeat("1", MaxManifest-30) + `}`), Refused: true},
		"labels":                                {Read: readConfig, Body: hostile.Members(MaxConfig, many, `{"config":{"Labels":{`, `""`, "}}}")},
		"environment":                           {Read: readConfig, Body: hostile.Repeated(MaxConfig, `{"config":{"Env":[`, `"a=b"`, "]}}", many)},
		"ports":                                 {Read: readConfig, Body: hostile.Members(MaxConfig, many, `{"config":{"ExposedPorts":{`, `null`, "}}}")},
		"8 MiB of unknown members of a config":  {Read: readConfig, Body: []byte(`{"x":{` + strings.Repeat(`"":1,`, MaxConfig/5-4) + `"":1}}`), Refused: true},
		"history":                               {Read: readConfig, Body: hostile.Repeated(MaxConfig, `{"history":[`, `{"created_by":"x"}`, "]}", many/2)},
	})
}
