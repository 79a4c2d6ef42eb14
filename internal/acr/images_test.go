package acr_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// putImages stores a different image under each tag of each repository, and returns references to them, each its own
// key, with the digests.
func putImages(registry *acrtest.Registry, repositories, tags int) (references, digests map[string]string) {
	references, digests = map[string]string{}, map[string]string{}
	for i := range repositories {
		for j := range tags {
			repository, tag := fmt.Sprintf("team/app%d", i), fmt.Sprintf("v%d", j)
			reference := repository + ":" + tag
			references[reference] = reference
			digests[reference] = registry.PutImage(repository, tag, acrtest.Image{Author: reference}).String()
		}
	}
	return references, digests
}

// mustReadImages reads, and fails the test if a digest is not the wanted one.
func mustReadImages(t *testing.T, client *acr.Client, references, digests map[string]string) {
	t.Helper()
	results, err := client.Images(t.Context(), acr.ImagesRequest{References: references})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(references) {
		t.Errorf("%d results for %d references", len(results), len(references))
	}
	for key, result := range results {
		repository, _, _ := strings.Cut(references[key], ":")
		want := client.Registry() + "/" + repository + "@" + digests[key]
		if result.Err != nil || result.Digest.String() != digests[key] || result.Image != want {
			t.Errorf("%s is %s with the digest %s, error %v; want %s", key, result.Image, result.Digest, result.Err, want)
		}
	}
}

func TestImagesOfOneRepositoryCostOneToken(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: !http2})
		references, digests := putImages(registry, 1, 100)
		mustReadImages(t, newClient(t, registry), references, digests)
		wantWire(t, registry, "1/1/100")
		if got := registry.UsedConnections(); got > 10 {
			t.Errorf("%d connections, want at most 10", got)
		}
	}
}

func TestImagesOfHundredRepositoriesCostFiveTokens(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references, digests := putImages(registry, 100, 1)
	mustReadImages(t, newClient(t, registry), references, digests)
	wantWire(t, registry, "1/5/100")
	for _, request := range registry.Requests() {
		if scopes := strings.Count(request.RawQuery, "scope="); request.Kind == acrtest.KindToken && scopes != 20 {
			t.Errorf("a token was asked for with %d scopes, want 20: %s", scopes, request.RawQuery)
		}
	}
}

func TestImagesShareATokenAgain(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references, digests := putImages(registry, 20, 1)
	client := newClient(t, registry)
	for range 2 {
		mustReadImages(t, client, references, digests)
	}
	wantWire(t, registry, "1/1/40")
}

func TestReferenceOfTwoKeysIsReadOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	digest := registry.PutImage("app", "v", acrtest.Image{}).String()
	references := map[string]string{"a": "app:v", "b": "app:v", "with the registry": registry.Host() + "/app:v"}
	digests := map[string]string{"a": digest, "b": digest, "with the registry": digest}
	results, err := newClient(t, registry).Images(t.Context(), acr.ImagesRequest{References: references})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range digests {
		if got := results[key]; got.Digest.String() != want || got.Err != nil {
			t.Errorf("%s has the digest %s, error %v; want %s", key, got.Digest, got.Err, want)
		}
	}
	wantWire(t, registry, "1/1/1")
}

func TestImagesOfAnOpenRegistryAreReadOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{NoAuth: true})
	references, digests := putImages(registry, 25, 1)
	mustReadImages(t, newClient(t, registry, anonymous), references, digests)
	if got := len(registry.Requests()); got != len(references) {
		t.Errorf("%d requests for %d images", got, len(references))
	}
}

func TestImagesByDigestAndPlatform(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	arm64 := acrtest.Image{Architecture: "arm64"}
	index := registry.PutIndex("app", "v", acrtest.Index{Images: []acrtest.Image{{}, arm64}})
	plain := registry.PutImage("plain", "v", arm64)
	client := newClient(t, registry)
	child, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/arm64"})
	if err != nil {
		t.Fatal(err)
	}
	results, err := client.Images(t.Context(), acr.ImagesRequest{Platform: "linux/arm64", References: map[string]string{
		"by digest": "app@" + index.String(), "plain": "plain:v", "lacks it": "lacking:v",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := results["by digest"].Digest; got != child.Digest {
		t.Errorf("the index has the child %s for the platform, want %s", got, child.Digest)
	}
	if got := results["plain"].Digest; got != plain {
		t.Errorf("the plain image has the digest %s, want %s", got, plain)
	}
	if !fault.IsMissing(results["lacks it"].Err) {
		t.Errorf("a missing repository: %v", results["lacks it"].Err)
	}
}

func TestRevokedTokenOfSeveralRepositoriesIsReplacedByOne(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references, digests := putImages(registry, 5, 1)
	client := newClient(t, registry)
	mustReadImages(t, client, references, digests)
	registry.RevokeTokens()
	registry.ResetLog()
	mustReadImages(t, client, references, digests)
	if tokens := registry.Count(acrtest.KindToken); tokens != 1 {
		t.Errorf("%d tokens, want 1", tokens)
	}
}

// A token server that accepts only one scope: the first answer shows that, and no later read requests several.
func TestRepositoriesAreAskedForOneByOneWhereSeveralScopesAreRefused(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden} {
		registry := acrtest.StartT(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Path: "&scope=", Status: status})
		references, digests := putImages(registry, 25, 4)
		mustReadImages(t, newClient(t, registry), references, digests)
		// 20 and 5 repositories together, then each. Of the ten reads at a time, several may ask before the first has
		// an answer.
		if tokens := registry.Count(acrtest.KindToken); tokens < 27 || tokens > 25+10 {
			t.Errorf("tokens = %d, want 27, or a few more", tokens)
		}
		if challenges, resources := registry.Count(acrtest.KindChallenge), registry.Count(acrtest.KindResource); challenges != 1 || resources != 100 {
			t.Errorf("challenges and resources = %d, %d, want 1 and 100", challenges, resources)
		}
	}
}

func TestRepositoriesThatATokenLeavesOutAreAskedForOneByOne(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Grants: map[string][]string{
		acrtest.DefaultUser: {"repository:team/app0:pull", "repository:team/app1:pull", "repository:team/app2:pull"},
	}})
	references, digests := putImages(registry, 5, 1)
	results, err := newClient(t, registry).Images(t.Context(), acr.ImagesRequest{References: references})
	if err != nil {
		t.Fatal(err)
	}
	for key, result := range results {
		if strings.HasPrefix(key, "team/app3") || strings.HasPrefix(key, "team/app4") {
			faulttest.Want(t, result.Err, fault.InsufficientScope, key)
		} else if result.Err != nil || result.Digest.String() != digests[key] {
			t.Errorf("%s has the digest %s, error %v; want %s", key, result.Digest, result.Err, digests[key])
		}
	}
	wantWire(t, registry, "1/3/5") // five repositories together, then two separately
}

// Such a token server reads one scope of several, and its tokens do not say which.
func TestRepositoriesThatAnOpaqueTokenLeavesOutAreReadAllTheSame(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{OpaqueTokens: true})
	references, digests := putImages(registry, 10, 1)
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Path: "&scope=", Times: 1, Handler: func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"access_token":"opens-nothing"}`)
	}})
	mustReadImages(t, newClient(t, registry), references, digests)
}

func TestEveryReferenceIsTried(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references, digests := putImages(registry, 100, 1)
	references["misspelt"] = "team/ap0:v0"
	references["no tag"] = "team/app0"
	references["elsewhere"] = "other.azurecr.io/team/app0:v0"
	client := newClient(t, registry)
	results, err := client.Images(t.Context(), acr.ImagesRequest{References: references})
	if err != nil {
		t.Fatal(err)
	}
	faulttest.Want(t, results["misspelt"].Err, fault.RepositoryNotFound, "reading the manifest "+registry.Host()+"/team/ap0:v0")
	faulttest.Want(t, results["no tag"].Err, fault.InvalidArgument, `"team/app0" needs a tag or a digest`)
	faulttest.Want(t, results["elsewhere"].Err, fault.InvalidArgument, "is an image of other.azurecr.io, and this provider reads from "+registry.Host())
	for key, want := range digests {
		if got := results[key]; got.Err != nil || got.Digest.String() != want {
			t.Errorf("%s has the digest %s, error %v; want %s", key, got.Digest, got.Err, want)
		}
	}
	wantWire(t, registry, "1/6/101")
}

func TestThousandImagesComeFromARegistryThatFailsEveryTenthTime(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: true}) // in which a reset is that of TCP
	registry.Inject(acrtest.Fault{Rate: 0.05, Seed: 1, Status: http.StatusServiceUnavailable})
	registry.Inject(acrtest.Fault{Rate: 0.05, Seed: 2, Reset: true})
	references, digests := putImages(registry, 20, 50)
	mustReadImages(t, newClient(t, registry).WithoutBackOff(), references, digests)
}

func TestHundredImagesComeFromARegistryThatLimitsItsRate(t *testing.T) {
	t.Parallel() // it waits for seconds
	registry := acrtest.StartT(t, acrtest.Options{ManifestsPerSecond: 20})
	references, digests := putImages(registry, 100, 1)
	mustReadImages(t, newClient(t, registry), references, digests)
}

func TestCancelledImagesAreOneError(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	references, _ := putImages(registry, 1, 100)
	reached, hold := make(chan struct{}, 100), make(chan struct{})
	defer close(hold)
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: holdHandler(http.StatusOK, reached, hold)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	results, err := newClient(t, registry).Images(ctx, acr.ImagesRequest{References: references})
	faulttest.Want(t, err, fault.Canceled, "cancelled before an answer came")
	if results != nil {
		t.Errorf("%d results of a cancelled read", len(results))
	}
}

// Ten reads may be under way when the first one fails, and each would wait for the next attempt.
func TestRegistryThatCannotBeReachedIsNotTriedForEveryReference(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: true})
	references, _ := putImages(registry, 1, 100)
	registry.Inject(acrtest.Fault{Reset: true})
	client := newClient(t, registry, func(config *acr.Config) { config.MaxRetries = 0 })
	_, err := client.Images(t.Context(), acr.ImagesRequest{References: references})
	faulttest.Want(t, err, fault.Unreachable)
	if got := len(registry.Requests()); got > 10 {
		t.Errorf("%d requests, want at most 10", got)
	}
}

// With an `az` that hangs, each attempt to sign in takes request_timeout.
func TestFailedSignInIsNotTriedForEveryReference(t *testing.T) {
	registry := acrtest.StartT(t, takesEntra())
	references, _ := putImages(registry, 1, 50)
	cli := entratest.SignedOut(t)
	t.Setenv("PATH", cli.Path())
	yes := true
	client := newClient(t, registry, byEntra(t, entratest.New(t, entraToken), entra.Block{UseCLI: &yes}, nil))
	_, err := client.Images(t.Context(), acr.ImagesRequest{References: references})
	faulttest.Want(t, err, fault.AzureCLISignedOut, "signing in with the Azure CLI's session")
	if got := len(cli.Calls()); got > 10 {
		t.Errorf("%d calls of the Azure CLI, want at most one for each read under way", got)
	}
}

// It would be wrong for every token. Of the ten reads at a time several may ask before the first has an answer.
func TestWrongPasswordIsNotTriedForEveryReference(t *testing.T) {
	for _, repositories := range []int{1, 5, 25} {
		registry := acrtest.StartT(t, acrtest.Options{})
		references, _ := putImages(registry, repositories, 100/repositories)
		results, err := newClient(t, registry, withPassword("acrtest-wrong")).Images(t.Context(), acr.ImagesRequest{References: references})
		faulttest.Want(t, err, fault.WrongCredentials, "401", "/oauth2/token", `"admin"`)
		if results != nil {
			t.Errorf("%d results of a read that nobody may make", len(results))
		}
		if tokens := registry.Count(acrtest.KindToken); tokens < 1 || tokens > acr.ReadsAtATime {
			t.Errorf("%d repositories: %d requests for a token, want 1, or a few more", repositories, tokens)
		}
	}
}
