package acr_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// A token server that grants less than requested still answers 200 (recorded). The registry then says what is missing,
// and another request would change nothing.
func TestInsufficientScopeNamesWhatTheTokenLacks(t *testing.T) {
	registry := startApp(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	registry.PutImage("other", "v", acrtest.Image{})
	client := newClient(t, registry)
	_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.InsufficientScope, "401", "repository:app:metadata_read")
	wantWire(t, registry, "1/1/1") // two would be allowed, but the token was fresh
	_, err = client.Repositories(t.Context(), acr.RepositoriesRequest{})
	faulttest.Want(t, err, fault.InsufficientScope, "401", "registry:catalog:*")
	_, err = client.Manifest(t.Context(), acr.ManifestRequest{Repository: "other", Tag: "v"})
	faulttest.Want(t, err, fault.InsufficientScope, "401", "repository:other:pull")
}

func TestInsufficientScopeWithoutAScopeNamesWhatIsNeeded(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusUnauthorized, Header: http.Header{
		"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",error="insufficient_scope"`, registry.URL())},
	}})
	_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.InsufficientScope, "the token does not cover repository:app:pull")
}

// A registry that names the missing permission has the API, even if it sends no error code: a list without details would
// hide that. The token was fresh, so one request with it is enough.
func TestMissingPermissionDoesNotMeanThatTheAPIIsMissing(t *testing.T) {
	for path, read := range map[string]func(*acr.Client) error{
		"/acr/v1/app/_tags": func(client *acr.Client) error {
			_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
			return err
		},
		"/acr/v1/_catalog": func(client *acr.Client) error {
			_, err := client.Repositories(t.Context(), acr.RepositoriesRequest{})
			return err
		},
		"/referrers/": func(client *acr.Client) error {
			_, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: digest.FromString("app").String()})
			return err
		},
	} {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: path, Status: http.StatusUnauthorized, ContentType: "text/plain", Header: http.Header{
			"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",error="insufficient_scope"`, registry.URL())},
		}})
		faulttest.Want(t, read(newClient(t, registry)), fault.InsufficientScope, "401", "the token does not cover")
		wantWire(t, registry, "1/1/1")
	}
}

// What a token server refuses says nothing about the API that the token is for.
func TestRefusedTokenDoesNotMeanThatTheAPIIsMissing(t *testing.T) {
	for status, reason := range map[int]fault.Reason{
		http.StatusBadRequest:       fault.RequestRefused,
		http.StatusNotFound:         fault.NotARegistry,
		http.StatusMethodNotAllowed: fault.RequestRefused,
		http.StatusNotImplemented:   fault.RegistryFault,
	} {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Status: status, ContentType: "text/plain"})
		for name, read := range map[string]func(*acr.Client) error{
			"repository": func(client *acr.Client) error {
				_, err := client.Repository(t.Context(), "app")
				return err
			},
			"tags": func(client *acr.Client) error {
				_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
				return err
			},
			"referrers": func(client *acr.Client) error {
				_, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: digest.FromString("x").String()})
				return err
			},
		} {
			registry.ResetLog()
			err := read(newClient(t, registry))
			faulttest.Want(t, err, reason, "/oauth2/token for a token: "+strconv.Itoa(status))
			if got := wire(registry); got != "1/1/0" {
				t.Errorf("%s took %s requests, want 1/1/0", name, got)
			}
		}
	}
}
