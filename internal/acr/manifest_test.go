package acr

import (
	"net/http"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// manifestAnswer is a registry's 200; a header that is empty is left out.
func manifestAnswer(body, contentType string, digests ...string) *response {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	for _, d := range digests {
		header.Add("Docker-Content-Digest", d)
	}
	return &response{status: http.StatusOK, header: header, body: []byte(body)}
}

func TestNewManifest(t *testing.T) {
	sha256, sha512 := digest.SHA256.FromString(indexOCI).String(), digest.SHA512.FromString(indexOCI).String()
	const index = ocispec.MediaTypeImageIndex
	for name, test := range map[string]struct {
		answer  *response
		request ManifestRequest
		want    string
	}{
		"tag":                          {manifestAnswer(indexOCI, index, sha256), ManifestRequest{Tag: "1.0"}, sha256},
		"tag, no digest header":        {manifestAnswer(indexOCI, index), ManifestRequest{Tag: "1.0"}, sha256},
		"digest":                       {manifestAnswer(indexOCI, index, sha256), ManifestRequest{Digest: sha256}, sha256},
		"digest, no header":            {manifestAnswer(indexOCI, index), ManifestRequest{Digest: sha256}, sha256},
		"sha512 by the header":         {manifestAnswer(indexOCI, index, sha512), ManifestRequest{Tag: "1.0"}, sha512},
		"sha512 asked for":             {manifestAnswer(indexOCI, index, sha256), ManifestRequest{Digest: sha512}, sha512},
		"the same header twice":        {manifestAnswer(indexOCI, index, sha256, sha256), ManifestRequest{Tag: "1.0"}, sha256},
		"no content type":              {manifestAnswer(indexOCI, "", sha256), ManifestRequest{Tag: "1.0"}, sha256},
		"content type with parameters": {manifestAnswer(indexOCI, index+"; charset=utf-8", sha256), ManifestRequest{Tag: "1.0"}, sha256},
		"content type in capitals":     {manifestAnswer(indexOCI, strings.ToUpper(index), sha256), ManifestRequest{Tag: "1.0"}, sha256},
	} {
		t.Run(name, func(t *testing.T) {
			test.request.Repository = "team/app"
			m, reason, err := newManifest(test.answer, test.request)
			if err != nil || reason != "" {
				t.Fatalf("reason %q: %v", reason, err)
			}
			if m.Digest.String() != test.want || m.Repository != "team/app" || m.MediaType != index {
				t.Errorf("manifest = %s of %s, %s; want %s", m.Digest, m.Repository, m.MediaType, test.want)
			}
		})
	}
}

// Hardening items 15 and 16.
func TestNewManifestRefuses(t *testing.T) {
	actual := digest.SHA256.FromString(indexOCI).String()
	const index = ocispec.MediaTypeImageIndex
	for name, test := range map[string]struct {
		answer    *response
		requested string
		reason    fault.Reason
		parts     []string
	}{
		"header of other bytes":        {manifestAnswer(indexOCI, index, digestA), "", fault.DigestMismatch, []string{actual, digestA}},
		"second header of other bytes": {manifestAnswer(indexOCI, index, actual, digestA), "", fault.DigestMismatch, []string{actual, digestA}},
		"sha512 header of other bytes": {manifestAnswer(indexOCI, index, digest.SHA512.FromString("x").String()), "", fault.DigestMismatch, []string{digest.SHA512.FromString(indexOCI).String(), digest.SHA512.FromString("x").String()}},
		"other digest asked for":       {manifestAnswer(indexOCI, index, actual), digestA, fault.DigestMismatch, []string{actual, digestA}},
		"other digest, no header":      {manifestAnswer(indexOCI, index), digestA, fault.DigestMismatch, []string{actual, digestA}},
		"header as asked, other bytes": {manifestAnswer(indexOCI+" ", index, actual), actual, fault.DigestMismatch, []string{actual}},
		"malformed header":             {manifestAnswer(indexOCI, index, "sha256:abc"), "", fault.BadAnswer, []string{actual, `"sha256:abc"`, "malformed"}},
		"empty header":                 {manifestAnswer(indexOCI, index, ""), "", fault.BadAnswer, []string{actual, "malformed"}},
		"header in capitals":           {manifestAnswer(indexOCI, index, strings.ToUpper(actual)), "", fault.BadAnswer, []string{"malformed"}},
		"header of a list":             {manifestAnswer(indexOCI, index, actual+", "+actual), "", fault.BadAnswer, []string{"malformed"}},
		"header of no known algorithm": {manifestAnswer(indexOCI, index, "md5:00000000000000000000000000000000"), "", fault.BadAnswer, []string{actual, "md5:"}},
		"HTML":                         {manifestAnswer("<html></html>", "text/html; charset=utf-8"), "", fault.BadAnswer, []string{`"text/html" is not a manifest's`}},
		"plain text":                   {manifestAnswer("x", "text/plain"), "", fault.BadAnswer, []string{`"text/plain"`}},
		"binary":                       {manifestAnswer("x", "application/octet-stream"), "", fault.BadAnswer, []string{`"application/octet-stream"`}},
		"malformed content type":       {manifestAnswer(indexOCI, "application/;json"), "", fault.BadAnswer, []string{"content type", "malformed"}},
		"schema 1":                     {manifestAnswer(`{"schemaVersion":1}`, "application/vnd.docker.distribution.manifest.v1+prettyjws", digestA), "", fault.Schema1, []string{"schema 1"}},
		"schema 1, unsigned":           {manifestAnswer(`{"schemaVersion":1}`, "application/vnd.docker.distribution.manifest.v1+json"), "", fault.Schema1, []string{"schema 1"}},
		"schema 1 as JSON":             {manifestAnswer(`{"schemaVersion":1,"fsLayers":[]}`, "application/json"), "", fault.Schema1, []string{"schema 1"}},
		"empty body":                   {manifestAnswer("", index), "", fault.BadAnswer, []string{"sent as " + index, "no manifest"}},
		"JSON array":                   {manifestAnswer("[]", index), "", fault.BadAnswer, []string{"sent as " + index, "another shape"}},
		"no content type, no manifest": {manifestAnswer("x", ""), "", fault.BadAnswer, []string{"sent as no content type"}},
		"manifest confusion":           {manifestAnswer(`{"manifests":[],"layers":[]}`, index), "", fault.BadAnswer, []string{"sent as " + index, "both"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, reason, err := newManifest(test.answer, ManifestRequest{Repository: "app", Tag: "1.0", Digest: test.requested})
			if err == nil || m != nil {
				t.Fatalf("manifest = %+v, error = %v", m, err)
			}
			if reason != test.reason {
				t.Errorf("reason = %q, want %q (%v)", reason, test.reason, err)
			}
			for _, part := range test.parts {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error = %q, want %q in it", err, part)
				}
			}
		})
	}
}

func TestManifestRequestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		request  ManifestRequest
		argument string // empty for a good request
	}{
		"tag":           {ManifestRequest{Repository: "app", Tag: "1.0"}, ""},
		"digest":        {ManifestRequest{Repository: "app", Digest: digestA}, ""},
		"access token":  {ManifestRequest{Repository: "app", Tag: "1.0", AccessToken: secret.New("opaque")}, ""},
		"no repository": {ManifestRequest{Tag: "1.0"}, "repository"},
		"no reference":  {ManifestRequest{Repository: "app"}, "tag"},
		"bad tag":       {ManifestRequest{Repository: "app", Tag: "a/b"}, "tag"},
		"bad digest":    {ManifestRequest{Repository: "app", Digest: "sha256:abc"}, "digest"},
		"bad token":     {ManifestRequest{Repository: "app", Tag: "1.0", AccessToken: secret.New("a\nb")}, "access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			wantArgument(t, test.request.validate(), test.argument)
		})
	}
}

// wantArgument fails the test unless err puts the blame on the argument; empty for no error.
func wantArgument(t *testing.T, err error, argument string) {
	t.Helper()
	if argument == "" {
		if err != nil {
			t.Errorf("error = %v, want none", err)
		}
		return
	}
	failed, ok := fault.As(err)
	if !ok || failed.Reason != fault.InvalidArgument || failed.Argument != argument {
		t.Errorf("error = %v, want one on %s", err, argument)
	}
}
