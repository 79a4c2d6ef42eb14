package oci

import (
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func received(body, contentType string, digests ...string) Received {
	return Received{ContentType: contentType, Digests: digests, Body: []byte(body)}
}

func TestParseManifest(t *testing.T) {
	sha256, sha512 := digest.SHA256.FromString(indexOCI).String(), digest.SHA512.FromString(indexOCI).String()
	const index = ocispec.MediaTypeImageIndex
	for name, test := range map[string]struct {
		answer Received
		wanted string
		want   string
	}{
		"tag":                          {received(indexOCI, index, sha256), "", sha256},
		"tag, no digest header":        {received(indexOCI, index), "", sha256},
		"digest":                       {received(indexOCI, index, sha256), sha256, sha256},
		"digest, no header":            {received(indexOCI, index), sha256, sha256},
		"sha512 by the header":         {received(indexOCI, index, sha512), "", sha512},
		"sha512 asked for":             {received(indexOCI, index, sha256), sha512, sha512},
		"the same header twice":        {received(indexOCI, index, sha256, sha256), "", sha256},
		"no content type":              {received(indexOCI, "", sha256), "", sha256},
		"content type with parameters": {received(indexOCI, index+"; charset=utf-8", sha256), "", sha256},
		"content type in capitals":     {received(indexOCI, strings.ToUpper(index), sha256), "", sha256},
		"a parameter without a value":  {received(indexOCI, index+"; charset", sha256), "", sha256},
		"sent as JSON":                 {received(indexOCI, "application/json; charset=utf-8", sha256), "", sha256},
		"sent as text":                 {received(indexOCI, "text/plain; charset=utf-8", sha256), "", sha256},
		"sent as any file":             {received(indexOCI, "application/octet-stream"), sha256, sha256},
		"sent as any file of S3":       {received(indexOCI, "binary/octet-stream"), sha256, sha256},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest(test.answer, test.wanted)
			if err != nil {
				t.Fatal(err)
			}
			if m.Digest.String() != test.want || m.MediaType != index {
				t.Errorf("manifest = %s, %s; want %s", m.Digest, m.MediaType, test.want)
			}
		})
	}
}

func TestParseManifestRefuses(t *testing.T) {
	actual := digest.SHA256.FromString(indexOCI).String()
	const index = ocispec.MediaTypeImageIndex
	for name, test := range map[string]struct {
		answer    Received
		requested string
		reason    fault.Reason
		parts     []string
	}{
		"header of other bytes":        {received(indexOCI, index, digestA), "", fault.DigestMismatch, []string{actual, digestA}},
		"second header of other bytes": {received(indexOCI, index, actual, digestA), "", fault.DigestMismatch, []string{actual, digestA}},
		"sha512 header of other bytes": {received(indexOCI, index, digest.SHA512.FromString("x").String()), "", fault.DigestMismatch, []string{digest.SHA512.FromString(indexOCI).String(), digest.SHA512.FromString("x").String()}},
		"other digest asked for":       {received(indexOCI, index, actual), digestA, fault.DigestMismatch, []string{actual, digestA}},
		"other digest, no header":      {received(indexOCI, index), digestA, fault.DigestMismatch, []string{actual, digestA}},
		"header as asked, other bytes": {received(indexOCI+" ", index, actual), actual, fault.DigestMismatch, []string{actual}},
		"malformed header":             {received(indexOCI, index, "sha256:abc"), "", fault.BadAnswer, []string{actual, `"sha256:abc"`, "malformed"}},
		"empty header":                 {received(indexOCI, index, ""), "", fault.BadAnswer, []string{actual, "malformed"}},
		"header in capitals":           {received(indexOCI, index, strings.ToUpper(actual)), "", fault.BadAnswer, []string{"malformed"}},
		"header of a list":             {received(indexOCI, index, actual+", "+actual), "", fault.BadAnswer, []string{"malformed"}},
		"header of no known algorithm": {received(indexOCI, index, "md5:00000000000000000000000000000000"), "", fault.BadAnswer, []string{actual, "md5:"}},
		"HTML":                         {received("<html></html>", "text/html; charset=utf-8"), "", fault.BadAnswer, []string{`"text/html" is not a manifest's`}},
		"plain text":                   {received("x", "text/plain"), "", fault.BadAnswer, []string{"sent as text/plain", "not a manifest"}},
		"binary":                       {received("x", "application/octet-stream"), "", fault.BadAnswer, []string{"sent as application/octet-stream", "not a manifest"}},
		"picture":                      {received(indexOCI, "image/png"), "", fault.BadAnswer, []string{`"image/png" is not a manifest's`}},
		"malformed content type":       {received(indexOCI, "application/;json"), "", fault.BadAnswer, []string{"content type", "malformed"}},
		"schema 1":                     {received(`{"schemaVersion":1}`, "application/vnd.docker.distribution.manifest.v1+prettyjws", digestA), "", fault.Schema1, []string{"schema 1"}},
		"schema 1, unsigned":           {received(`{"schemaVersion":1}`, "application/vnd.docker.distribution.manifest.v1+json"), "", fault.Schema1, []string{"schema 1"}},
		"schema 1 as text":             {received(`{"schemaVersion":1,"fsLayers":[]}`, "text/plain; charset=utf-8", digestA), "", fault.Schema1, []string{"schema 1"}},
		"schema 1 as JSON":             {received(`{"schemaVersion":1,"fsLayers":[]}`, "application/json"), "", fault.Schema1, []string{"schema 1"}},
		"empty body":                   {received("", index), "", fault.BadAnswer, []string{"sent as " + index, "not a manifest"}},
		"JSON array":                   {received("[]", index), "", fault.BadAnswer, []string{"sent as " + index, "another shape"}},
		"no content type, no manifest": {received("x", ""), "", fault.BadAnswer, []string{"sent as no content type"}},
		"manifest confusion":           {received(`{"manifests":[],"layers":[]}`, index), "", fault.BadAnswer, []string{"sent as " + index, "both"}},
		"malformed by its header":      {received("[]", index, digest.FromString("[]").String()), "", fault.MalformedImage, []string{"sent as " + index, "another shape"}},
		"malformed as it was asked":    {received("[]", index), digest.FromString("[]").String(), fault.MalformedImage, []string{"another shape"}},
		"too large, though verified":   {received(`{"x":[`+strings.Repeat("0,", maxManifestValues)+`0]}`, index, digest.FromString(`{"x":[`+strings.Repeat("0,", maxManifestValues)+`0]}`).String()), "", fault.TooLarge, []string{"too many values"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseManifest(test.answer, test.requested)
			if m != nil {
				t.Errorf("manifest = %+v", m)
			}
			faulttest.Want(t, err, test.reason, test.parts...)
		})
	}
}
