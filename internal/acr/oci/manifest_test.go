package oci

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	digestA   = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB   = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	configOCI = `{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + digestA + `","size":2}`
	layerOCI  = `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"` + digestB + `","size":3}`
	imageOCI  = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":` + configOCI + `,"layers":[` + layerOCI + `]}`
	childOCI  = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + digestA + `","size":7,"platform":{"architecture":"arm64","os":"linux","variant":"v8"}}`
	indexOCI  = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + childOCI + `]}`
)

func TestDecodeManifest(t *testing.T) {
	config := &Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digestA, Size: 2}
	layers := []Descriptor{{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digestB, Size: 3}}
	children := []Descriptor{{
		MediaType: ocispec.MediaTypeImageManifest, Digest: digestA, Size: 7,
		Platform: &ocispec.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"},
	}}
	for name, test := range map[string]struct {
		contentType, body string
		want              Manifest // Body and Size left out
	}{
		"OCI image": {ocispec.MediaTypeImageManifest, imageOCI, Manifest{
			MediaType: ocispec.MediaTypeImageManifest, SchemaVersion: 2, Config: config, Layers: layers,
		}},
		"OCI index": {ocispec.MediaTypeImageIndex, indexOCI, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, SchemaVersion: 2, Manifests: children,
		}},
		"media type of the header alone": {ocispec.MediaTypeImageIndex, `{"manifests":[]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{},
		}},
		"media type of the body alone": {"", `{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{},
		}},
		"index as JSON": {"application/json", indexOCI, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, SchemaVersion: 2, Manifests: children,
		}},
		"index of OCI's without a media type": {"application/json", `{"schemaVersion":2,"manifests":[` + childOCI + `]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, SchemaVersion: 2, Manifests: children,
		}},
		"image of OCI's without a media type": {"", `{"schemaVersion":2,"config":` + configOCI + `,"layers":[` + layerOCI + `]}`, Manifest{
			MediaType: ocispec.MediaTypeImageManifest, SchemaVersion: 2, Config: config, Layers: layers,
		}},
		"Docker image, CRLF and escaped slashes": {MediaTypeDockerManifest, "{\r\n  \"schemaVersion\": 2,\r\n  \"mediaType\": \"application\\/vnd.docker.distribution.manifest.v2+json\",\r\n  \"config\": " + configOCI + ",\r\n  \"layers\": []\r\n}\r\n", Manifest{
			MediaType: MediaTypeDockerManifest, SchemaVersion: 2, Config: config, Layers: []Descriptor{},
		}},
		"Docker list": {MediaTypeDockerList, `{"schemaVersion":2,"manifests":[` + childOCI + `]}`, Manifest{
			MediaType: MediaTypeDockerList, SchemaVersion: 2, Manifests: children,
		}},
		"artifact with subject and annotations": {ocispec.MediaTypeImageManifest, `{"artifactType":"application/spdx+json","subject":` + layerOCI + `,"annotations":{"a":"b","":""},"config":` + configOCI + `,"layers":[]}`, Manifest{
			MediaType: ocispec.MediaTypeImageManifest, ArtifactType: "application/spdx+json", Config: config, Subject: &layers[0],
			Layers: []Descriptor{}, Annotations: map[string]string{"a": "b", "": ""},
		}},
		"absent and null are one": {ocispec.MediaTypeImageIndex, `{"mediaType":"","annotations":null,"config":null,"layers":null,"subject":null,"manifests":[]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{},
		}},
		"image without layers": {ocispec.MediaTypeImageManifest, `{"schemaVersion":2,"config":` + configOCI + `}`, Manifest{
			MediaType: ocispec.MediaTypeImageManifest, SchemaVersion: 2, Config: config,
		}},
		"Docker image with null for layers": {MediaTypeDockerManifest, `{"schemaVersion":2,"config":` + configOCI + `,"layers":null}`, Manifest{
			MediaType: MediaTypeDockerManifest, SchemaVersion: 2, Config: config,
		}},
		"image with an empty list of layers": {ocispec.MediaTypeImageManifest, `{"schemaVersion":2,"config":` + configOCI + `,"layers":[]}`, Manifest{
			MediaType: ocispec.MediaTypeImageManifest, SchemaVersion: 2, Config: config, Layers: []Descriptor{},
		}},
		"Docker list with null for manifests": {"", `{"schemaVersion":2,"mediaType":"` + MediaTypeDockerList + `","manifests":null}`, Manifest{
			MediaType: MediaTypeDockerList, SchemaVersion: 2, Manifests: []Descriptor{},
		}},
		"index without manifests": {ocispec.MediaTypeImageIndex, `{"schemaVersion":2}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, SchemaVersion: 2, Manifests: []Descriptor{},
		}},
		"manifest of another type": {"application/vnd.cncf.oras.artifact.manifest.v1+json", `{"artifactType":"x","blobs":[]}`, Manifest{
			MediaType: "application/vnd.cncf.oras.artifact.manifest.v1+json", ArtifactType: "x",
		}},
		"keys in another case are others": {ocispec.MediaTypeImageIndex, `{"manifests":[],"Layers":[1],"CONFIG":{}}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{},
		}},
		"unknown keys at every level": {ocispec.MediaTypeImageIndex, `{"x":[{"y":1}],"manifests":[{"digest":"` + digestA + `","urls":["u"],"x":{},"platform":{"os":"linux","architecture":"amd64","x":1,"os.version":"10.0","os.features":["f"]}}]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{{Digest: digestA, Platform: &ocispec.Platform{OS: "linux", Architecture: "amd64", OSVersion: "10.0", OSFeatures: []string{"f"}}}},
		}},
		"digest of an unknown algorithm": {ocispec.MediaTypeImageIndex, `{"manifests":[{"digest":"blake3:abc","size":0}]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{{Digest: "blake3:abc"}},
		}},
		"largest size": {ocispec.MediaTypeImageIndex, `{"manifests":[{"digest":"` + digestA + `","size":9223372036854775807}]}`, Manifest{
			MediaType: ocispec.MediaTypeImageIndex, Manifests: []Descriptor{{Digest: digestA, Size: 1<<63 - 1}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeManifest([]byte(test.body), test.contentType)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Body) != test.body || got.Size != int64(len(test.body)) {
				t.Errorf("body = %q of %d bytes, want %q", got.Body, got.Size, test.body)
			}
			test.want.Body, test.want.Size = got.Body, got.Size
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("manifest = %+v\nwant %+v", *got, test.want)
			}
		})
	}
}

func TestDecodeManifestRefuses(t *testing.T) {
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	descriptor := func(d string) string { return `{"manifests":[` + d + `]}` }
	for name, test := range map[string]struct{ contentType, body, fault string }{
		"manifests and layers":          {ocispec.MediaTypeImageIndex, `{"manifests":[],"layers":[]}`, "both manifests and layers or config"},
		"manifests and config":          {ocispec.MediaTypeImageManifest, `{"layers":null,"manifests":[],"config":` + configOCI + `}`, "both manifests and layers or config"},
		"image with manifests":          {ocispec.MediaTypeImageManifest, imageOCI[:len(imageOCI)-1] + `,"manifests":[` + childOCI + `]}`, "both manifests and layers or config"},
		"mediaType unlike Content-Type": {ocispec.MediaTypeImageManifest, indexOCI, `its mediaType is "application/vnd.oci.image.index.v1+json"`},
		"image and index at once":       {"application/json", indexOCI[:len(indexOCI)-1] + `,"config":` + configOCI + `}`, "both manifests and layers or config"},
		"JSON with one key of an index": {"application/json", `{"manifests":[]}`, "neither the header nor the body names a media type"},
		"no media type at all":          {"", `{"manifests":[]}`, "neither the header nor the body names a media type"},
		"some other JSON":               {"application/json", `{"status":"ok"}`, "neither the header nor the body names a media type"},
		"schema 1":                      {MediaTypeDockerManifest, `{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[]}`, "Docker schema 1"},
		"image that is an index":        {ocispec.MediaTypeImageManifest, `{"manifests":[]}`, "no config"},
		"index that is an image":        {ocispec.MediaTypeImageIndex, `{"schemaVersion":2,"layers":[]}`, "config or layers"},
		"empty object":                  {ocispec.MediaTypeImageManifest, `{}`, "no config"},
		"empty object as a list":        {MediaTypeDockerList, `{}`, "no manifests"},
		"empty object as an index":      {ocispec.MediaTypeImageIndex, `{}`, "no manifests"},
		"image without config":          {ocispec.MediaTypeImageManifest, `{"schemaVersion":2,"layers":[]}`, "no config"},
		"duplicate keys":                {ocispec.MediaTypeImageIndex, `{"manifests":[],"manifests":[]}`, "same key twice"},
		"duplicate keys by an escape":   {ocispec.MediaTypeImageIndex, `{"manifests":[],"m\u0061nifests":[]}`, "same key twice"},
		"duplicate keys of a child":     {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + digestA + `","digest":"` + digestB + `"}`), "same key twice"},
		"duplicate annotations":         {ocispec.MediaTypeImageIndex, `{"manifests":[],"annotations":{"a":"","a":""}}`, "same key twice"},
		"duplicate unknown keys":        {ocispec.MediaTypeImageIndex, `{"manifests":[],"x":{"y":[{"z":1,"z":2}]}}`, "same key twice"},
		"invalid UTF-8 in a value":      {ocispec.MediaTypeImageIndex, "{\"manifests\":[],\"x\":\"\xff\"}", "not valid JSON"},
		"invalid UTF-8 in a key":        {ocispec.MediaTypeImageIndex, "{\"manifests\":[],\"\xc3\":1}", "not valid JSON"},
		"half a surrogate":              {ocispec.MediaTypeImageIndex, `{"manifests":[],"x":"\ud800"}`, "not valid JSON"},
		"10,000 levels":                 {ocispec.MediaTypeImageIndex, `{"manifests":[],"x":` + nested(10_000) + `}`, "nested too deeply"},
		"1,000,000 levels":              {ocispec.MediaTypeImageIndex, `{"manifests":[],"x":` + nested(1_000_000) + `}`, "too many values"},
		"HTML":                          {ocispec.MediaTypeImageIndex, "<!DOCTYPE html><html></html>", "not valid JSON at byte 0"},
		"empty body":                    {ocispec.MediaTypeImageIndex, "", "not valid JSON at byte 0"},
		"white space":                   {ocispec.MediaTypeImageIndex, " \r\n", "not valid JSON"},
		"byte order mark":               {ocispec.MediaTypeImageIndex, "\ufeff" + indexOCI, "not valid JSON at byte 0"},
		"truncated":                     {ocispec.MediaTypeImageIndex, indexOCI[:len(indexOCI)-1], "not valid JSON"},
		"trailing data":                 {ocispec.MediaTypeImageIndex, indexOCI + "{}", "not valid JSON"},
		"NUL behind":                    {ocispec.MediaTypeImageIndex, indexOCI + "\x00", "not valid JSON"},
		"comment":                       {ocispec.MediaTypeImageIndex, "/**/" + indexOCI, "not valid JSON at byte 0"},
		"JSON array":                    {ocispec.MediaTypeImageIndex, "[" + indexOCI + "]", "JSON of another shape"},
		"JSON text":                     {ocispec.MediaTypeImageIndex, `"manifests"`, "JSON of another shape"},
		"JSON null":                     {ocispec.MediaTypeImageIndex, `null`, "no manifests"},
		"manifests an object":           {ocispec.MediaTypeImageIndex, `{"manifests":{}}`, "does not fit at byte 13"},
		"child a text":                  {ocispec.MediaTypeImageIndex, descriptor(`"x"`), "does not fit"},
		"child null":                    {ocispec.MediaTypeImageIndex, descriptor(`null`), "does not fit"},
		"child empty":                   {ocispec.MediaTypeImageIndex, descriptor(`{}`), "does not fit"},
		"second child empty":            {ocispec.MediaTypeImageIndex, descriptor(childOCI + `,{}`), "does not fit"},
		"digest empty":                  {ocispec.MediaTypeImageIndex, descriptor(`{"digest":""}`), "does not fit"},
		"digest short":                  {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"sha256:abc"}`), "does not fit"},
		"digest in capitals":            {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + strings.ToUpper(digestA) + `"}`), "does not fit"},
		"digest with a path":            {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"x:../../y"}`), "does not fit"},
		"digest a number":               {ocispec.MediaTypeImageIndex, descriptor(`{"digest":1}`), "shape"},
		"size negative":                 {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + digestA + `","size":-1}`), "does not fit"},
		"size a fraction":               {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + digestA + `","size":1.5}`), "does not fit"},
		"size over 64 bits":             {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + digestA + `","size":9223372036854775808}`), "does not fit"},
		"size a text":                   {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + digestA + `","size":"1"}`), "shape"},
		"platform a text":               {ocispec.MediaTypeImageIndex, descriptor(`{"digest":"` + digestA + `","platform":"linux/amd64"}`), "shape"},
		"annotation a number":           {ocispec.MediaTypeImageIndex, `{"manifests":[],"annotations":{"a":1}}`, "shape"},
		"annotations an array":          {ocispec.MediaTypeImageIndex, `{"manifests":[],"annotations":[]}`, "shape"},
		"config a text":                 {ocispec.MediaTypeImageManifest, `{"config":"x","layers":[]}`, "does not fit"},
		"schemaVersion a text":          {ocispec.MediaTypeImageIndex, `{"schemaVersion":"2","manifests":[]}`, "shape"},
		"too many children":             {ocispec.MediaTypeImageIndex, descriptor(strings.Repeat(`{"digest":"a:b"},`, MaxDescriptors) + `{"digest":"a:b"}`), "too many values"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeManifest([]byte(test.body), test.contentType)
			if err == nil {
				t.Fatalf("it was read as %+v", got)
			}
			if !strings.Contains(err.Error(), test.fault) {
				t.Errorf("error = %q, want %q in it", err, test.fault)
			}
			for _, leak := range []string{"acr.", "jsontext", "json:", "Go ", "struct", digestA} {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("error %q holds %q", err, leak)
				}
			}
		})
	}
}

// Every reader interprets an accepted manifest in the same way.
func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		imageOCI, indexOCI, `{}`, `[]`, ``,
		`{"manifests":[],"layers":[]}`,
		`{"schemaVersion":1,"fsLayers":[]}`,
		`{"manifests":[],"m\u0061nifests":[]}`,
		`{"manifests":[{"digest":"sha256:abc","size":-1}]}`,
		`{"mediaType":"application\/vnd.oci.image.index.v1+json","manifests":[{"digest":"blake3:abc","annotations":{"a":"b"}}]}`,
		"{\r\n\"config\":" + configOCI + ",\r\n\"layers\":[],\"subject\":" + layerOCI + "}\r\n",
	} {
		for _, contentType := range []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, ""} {
			f.Add([]byte(seed), contentType)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		m, err := decodeManifest(body, contentType)
		if err != nil {
			if text := err.Error(); text == "" || strings.ContainsAny(text, "\r\n") {
				t.Errorf("error = %q", text)
			}
			return
		}
		checkManifest(t, m, body)
		again, err := decodeManifest(body, m.MediaType)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%q is read as %+v and as %+v (%v)", body, m, again, err)
		}
	})
}

func checkManifest(t *testing.T, m *Manifest, body []byte) {
	t.Helper()
	// A strict reader of the library agrees that no object has a key twice, and that all text is UTF-8.
	if err := jsontext.NewDecoder(bytes.NewReader(body)).SkipValue(); err != nil {
		t.Errorf("not strict JSON: %v", err)
	}
	if !bytes.Equal(m.Body, body) || m.Size != int64(len(body)) {
		t.Errorf("the body of %d bytes is kept as %d", len(body), m.Size)
	}
	if m.MediaType == "" || m.SchemaVersion == 1 {
		t.Errorf("media type %q of version %d was accepted", m.MediaType, m.SchemaVersion)
	}
	if m.Manifests != nil && (m.Layers != nil || m.Config != nil) {
		t.Error("it has manifests and layers or config")
	}
	if m.MediaType == ocispec.MediaTypeImageManifest && (m.IsIndex() || m.Config == nil) || m.MediaType == ocispec.MediaTypeImageIndex && m.Manifests == nil {
		t.Errorf("%s is of another shape: %+v", m.MediaType, m)
	}
	all := append(append([]Descriptor{}, m.Layers...), m.Manifests...)
	for _, d := range []*Descriptor{m.Config, m.Subject} {
		if d != nil {
			all = append(all, *d)
		}
	}
	for _, d := range all {
		if d.Size < 0 || !digest.DigestRegexpAnchored.MatchString(string(d.Digest)) || strings.Contains(string(d.Digest), "/") {
			t.Errorf("the descriptor %+v was accepted", d)
		}
	}
	for _, child := range m.Manifests {
		if platform := FormatChild(child); platform != "" && !NamesPlatform(child) {
			t.Errorf("%+v is no child for %s", child, platform)
		}
	}
}

// largeIndex returns an OCI index of almost 4 MiB, with as many children as there may be.
func largeIndex() []byte {
	var body bytes.Buffer
	body.WriteString(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + childOCI)
	notes := strings.Repeat("n", 380)
	for i := range MaxDescriptors - 1 {
		fmt.Fprintf(&body, `,{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%064x","size":1234,"platform":{"architecture":"amd64","os":"linux","variant":"v1","os.version":"1"},"annotations":{"a":%q,"b":%q}}`, i, notes, notes)
	}
	body.WriteString("]}")
	return body.Bytes()
}

func TestDecodeLargestIndex(t *testing.T) {
	body := largeIndex()
	if len(body) < MaxManifest*9/10 || len(body) > MaxManifest {
		t.Fatalf("it has %d bytes, want almost 4 MiB", len(body))
	}
	m, err := decodeManifest(body, ocispec.MediaTypeImageIndex)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Manifests) != MaxDescriptors {
		t.Errorf("%d children were read, want %d", len(m.Manifests), MaxDescriptors)
	}
}

func BenchmarkDecodeImage(b *testing.B) {
	b.SetBytes(int64(len(imageOCI)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeManifest([]byte(imageOCI), ocispec.MediaTypeImageManifest); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeIndexOf4MiB(b *testing.B) {
	body := largeIndex()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeManifest(body, ocispec.MediaTypeImageIndex); err != nil {
			b.Fatal(err)
		}
	}
}

// The refusal of what takes the most memory: 4 MiB of empty descriptors.
func BenchmarkRefuseHostileIndexOf4MiB(b *testing.B) {
	body := []byte(`{"manifests":[` + strings.Repeat("{},", (MaxManifest-40)/3) + "{}]}")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeManifest(body, ocispec.MediaTypeImageIndex); err == nil {
			b.Fatal("it was read")
		}
	}
}

func TestManifestIsWhatItsBytesAre(t *testing.T) {
	m, err := decodeManifest([]byte(imageOCI), ocispec.MediaTypeImageManifest)
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range map[digest.Digest]bool{
		digest.FromString(imageOCI): true, digest.SHA512.FromString(imageOCI): true, digestA: false, "": false, "sha256:abc": false,
	} {
		if m.Is(d) != want || (*Manifest)(nil).Is(d) {
			t.Errorf("it is %q = %t, want %t; no manifest is anything", d, m.Is(d), want)
		}
	}
}

// The parts that must be in a repository before the manifest may be put.
func TestPartsOfAManifest(t *testing.T) {
	for name, test := range map[string]struct {
		contentType, body string
		want              []digest.Digest
	}{
		"image":         {ocispec.MediaTypeImageManifest, imageOCI, []digest.Digest{digestA, digestB}},
		"index":         {ocispec.MediaTypeImageIndex, indexOCI, []digest.Digest{digestA}},
		"with subject":  {ocispec.MediaTypeImageManifest, `{"subject":` + layerOCI + `,"config":` + configOCI + `}`, []digest.Digest{digestA}},
		"artifact":      {MediaTypeArtifactManifest, `{"blobs":[` + layerOCI + `]}`, []digest.Digest{digestB}},
		"blobs of else": {ocispec.MediaTypeImageManifest, `{"config":` + configOCI + `,"blobs":[` + layerOCI + `]}`, []digest.Digest{digestA}},
	} {
		m, err := decodeManifest([]byte(test.body), test.contentType)
		if err != nil {
			t.Fatal(err)
		}
		var got []digest.Digest
		for _, part := range m.Parts() {
			got = append(got, part.Digest)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: parts = %v, want %v", name, got, test.want)
		}
	}
}
