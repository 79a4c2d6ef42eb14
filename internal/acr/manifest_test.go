package acr

import (
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestManifestRequestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		request  ManifestRequest
		argument string // empty for a good request
	}{
		"tag":           {ManifestRequest{Repository: "app", Tag: "1.0"}, ""},
		"digest":        {ManifestRequest{Repository: "app", Digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, ""},
		"access token":  {ManifestRequest{Repository: "app", Tag: "1.0", AccessToken: secret.New("opaque")}, ""},
		"no repository": {ManifestRequest{Tag: "1.0"}, "repository"},
		"no reference":  {ManifestRequest{Repository: "app"}, "tag"},
		"bad tag":       {ManifestRequest{Repository: "app", Tag: "a/b"}, "tag"},
		"bad digest":    {ManifestRequest{Repository: "app", Digest: "sha256:abc"}, "digest"},
		"bad token":     {ManifestRequest{Repository: "app", Tag: "1.0", AccessToken: secret.New("a\nb")}, "access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			faulttest.WantArgument(t, test.request.validate(), test.argument)
		})
	}
}
