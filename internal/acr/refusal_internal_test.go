package acr

import (
	"net/http"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// What a last answer of each status means to a reader of a manifest.
func TestRefusal(t *testing.T) {
	client, err := NewClient(Config{Registry: "r.azurecr.io"})
	if err != nil {
		t.Fatal(err)
	}
	r := client.request(getManifest, "app", "v", nil)
	for _, test := range []struct {
		status int
		code   string
		want   fault.Reason
	}{
		{403, "DENIED", fault.Denied}, {403, "", fault.Denied},
		{404, "NAME_UNKNOWN", fault.RepositoryNotFound}, {404, "MANIFEST_UNKNOWN", fault.ManifestNotFound}, {404, "", fault.NotARegistry},
		{405, "REGISTRY_DISALLOWED_OPERATION", fault.Disallowed}, {405, "UNSUPPORTED", fault.RequestRefused}, {405, "", fault.RequestRefused},
		{407, "", fault.ProxyRefused}, {400, "", fault.RequestRefused}, {424, "", fault.RequestRefused},
		{501, "", fault.RegistryFault}, {505, "", fault.RegistryFault},
		{204, "", fault.BadAnswer}, {206, "", fault.BadAnswer}, {301, "", fault.BadAnswer},
	} {
		answer := &transport.Response{Status: test.status, Header: http.Header{}}
		if test.code != "" {
			answer.Body = []byte(`{"errors":[{"code":"` + test.code + `"}]}`)
		}
		if got := client.refusal(r, answer); got.Reason != test.want || got.Status != test.status || got.Code != test.code {
			t.Errorf("%d %s = %q with %d %s, want %q", test.status, test.code, got.Reason, got.Status, got.Code, test.want)
		}
	}
}
