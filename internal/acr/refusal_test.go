package acr_test

import (
	"fmt"
	"net/http"
	"testing"

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
	faulttest.Want(t, err, fault.InsufficientScope, "the token lacks repository:app:pull")
}
