package acr

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// What a final answer with each status means for the read of a manifest.
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
		{403, "DENIED", fault.Denied}, {403, "", fault.Denied}, {424, "", fault.CacheRule}, {424, "UNKNOWN", fault.CacheRule},
		{404, "NAME_UNKNOWN", fault.RepositoryNotFound}, {404, "MANIFEST_UNKNOWN", fault.ManifestNotFound}, {404, "", fault.NotARegistry},
		{405, "REGISTRY_DISALLOWED_OPERATION", fault.Disallowed}, {405, "UNSUPPORTED", fault.RequestRefused}, {405, "", fault.RequestRefused},
		{407, "", fault.ProxyRefused}, {400, "", fault.RequestRefused}, {406, "", fault.RequestRefused},
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

// ACR has one code for several refusals; their messages distinguish them.
func TestWordsOfARefusal(t *testing.T) {
	client, err := NewClient(Config{Registry: "r.azurecr.io"})
	if err != nil {
		t.Fatal(err)
	}
	r := client.request(getManifest, "app", "v", nil)
	for _, test := range []struct {
		status        int
		code, message string
		want          fault.Reason
	}{
		{403, "DENIED", "client with IP '192.0.2.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.", fault.Firewall},
		{403, "DENIED", "requested access to pull from source 'docker.io/library/x' for cache rule 'x' has been denied", fault.CacheRule},
		{403, "DENIED", "requested access to the resource is denied", fault.Denied},
		{403, "FORBIDDEN", "no", fault.Denied},
		{401, "UNAUTHORIZED", "authentication required with source registry for cache rule 'x'", fault.CacheRule},
		{401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.", fault.InvalidToken},
	} {
		body := []byte(fmt.Sprintf(`{"errors":[{"code":%q,"message":%q}]}`, test.code, test.message))
		answer := &transport.Response{Status: test.status, Header: http.Header{}, Body: body}
		if got := client.refusal(r, answer); got.Reason != test.want || got.Message != test.message {
			t.Errorf("%s: %q with %q, want %q", test.message, got.Reason, got.Message, test.want)
		}
		refused := &auth.Refusal{Answer: answer}
		if failed, ok := fault.As(client.tokenRefused(refused)); test.status == 403 && (!ok || failed.Reason != test.want) {
			t.Errorf("of the token server, %s: %v, want %q", test.message, failed, test.want)
		}
	}
}

// How registries say that they have no such API, and how they do not.
func TestLacksAPI(t *testing.T) {
	client, err := NewClient(Config{Registry: "r.azurecr.io"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		status int
		code   string
		want   bool
	}{
		{404, "", true}, {404, "NOT_FOUND", true}, {404, "UNSUPPORTED", true},
		{404, "NAME_UNKNOWN", false}, {404, "MANIFEST_UNKNOWN", false}, {404, "TAG_UNKNOWN", false},
		{405, "", true}, {405, "UNSUPPORTED", true}, {405, "REGISTRY_DISALLOWED_OPERATION", false},
		{406, "", true}, {410, "", true}, {501, "", true}, {501, "UNSUPPORTED", true},
		{400, "", true}, {400, "UNSUPPORTED", true}, {400, "NAME_INVALID", false},
		{401, "", false}, {403, "DENIED", false}, {403, "UNSUPPORTED", true}, {429, "", false}, {500, "", false}, {503, "", false},
	} {
		answer := &transport.Response{Status: test.status, Header: http.Header{}}
		if test.code != "" {
			answer.Body = []byte(`{"errors":[{"code":"` + test.code + `"}]}`)
		}
		if got := lacksAPI(client.refusal(client.request(listTags, "app", "", nil), answer)); got != test.want {
			t.Errorf("%d %s means that there is no such API = %t, want %t", test.status, test.code, got, test.want)
		}
	}
	if lacksAPI(nil) || lacksAPI(context.Canceled) || lacksAPI(&fault.Error{Reason: fault.Unreachable}) || lacksAPI(unsent{&fault.Error{Status: 404}}) {
		t.Error("what is no answer means that there is no such API")
	}
}
