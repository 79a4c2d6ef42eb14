package examples

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// recipe returns a workspace with one of the recipes, for a registry that stands in for example.azurecr.io.
func recipe(t *testing.T, name string, registry *acrtest.Registry) *terraform.Workspace {
	t.Helper()
	workspace, err := terraform.NewWorkspace(providers(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = workspace.Close() })
	world := network{"example.azurecr.io": registry}
	for name, value := range map[string]string{
		"HTTPS_PROXY": world.startProxy(t), "GODEBUG": "x509usefallbackroots=1", authoritiesVariable: world.writeAuthorities(t),
		"ACR_USERNAME": acrtest.DefaultUser, "ACR_PASSWORD": acrtest.DefaultPassword,
	} {
		workspace.Set(name, value)
	}
	configuration, err := os.ReadFile(filepath.Join("..", "..", "examples", "jobs", name, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := workspace.Write("main.tf", string(configuration)); err != nil {
		t.Fatal(err)
	}
	return workspace
}

// A release that nobody locked fails the recipe that locks the others, by its name.
func TestReleaseThatIsNotLockedFailsTheRun(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for _, release := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		registry.PutImage("shop/checkout", release, acrtest.Image{Author: release})
	}
	workspace := recipe(t, "lock-releases", registry)
	if _, err := workspace.Run(t.Context(), "apply", "-auto-approve", "-no-color"); err == nil || !strings.Contains(err.Error(), "Not locked: 1.2.0.") {
		t.Errorf("applying: %v, want the release that is not locked", err)
	}
	registry.SetTagAttributes("shop/checkout", "1.2.0", acrtest.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true})
	apply(t, workspace)
}

// The promotion recipe after staging has changed: the plan shows the old and the new digest only of what has changed,
// and the apply moves it.
func TestPromotionShowsTheDigestsThatMove(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	before := registry.PutImage("shop/api", "staging", acrtest.Image{Author: "before"})
	registry.PutImage("shop/web", "staging", acrtest.Image{Author: "web"})
	workspace := recipe(t, "promote", registry)
	apply(t, workspace)

	after := registry.PutImage("shop/api", "staging", acrtest.Image{Author: "after"})
	if _, err := workspace.Run(t.Context(), "plan", "-out=plan", "-no-color"); err != nil {
		t.Fatal(err)
	}
	moves := plannedMoves(t, workspace)
	want := map[string][2]string{`acr_tag.production["shop/api"]`: {before.String(), after.String()}}
	if !maps.Equal(moves, want) {
		t.Errorf("the plan moves %v, want %v", moves, want)
	}
	if _, err := workspace.Run(t.Context(), "apply", "-no-color", "plan"); err != nil {
		t.Fatal(err)
	}
	outputs, _ := apply(t, workspace)
	if got, want := outputs["production"].(map[string]any)["shop/api"], "example.azurecr.io/shop/api@"+after.String(); got != want {
		t.Errorf("production is %v, want %s", got, want)
	}
}

// plannedMoves reads from a saved plan which resources change in place, from which digest to which.
func plannedMoves(t *testing.T, workspace *terraform.Workspace) map[string][2]string {
	t.Helper()
	shown, err := workspace.Run(t.Context(), "show", "-json", "plan")
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Changes []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After struct{ Digest string }
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(shown), &plan); err != nil {
		t.Fatal(err)
	}
	moves := map[string][2]string{}
	for _, resource := range plan.Changes {
		if actions := resource.Change.Actions; len(actions) == 1 && actions[0] == "update" {
			moves[resource.Address] = [2]string{resource.Change.Before.Digest, resource.Change.After.Digest}
		}
	}
	return moves
}
