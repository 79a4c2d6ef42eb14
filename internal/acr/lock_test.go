package acr_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// lock sets locks where there were none.
func lock(t *testing.T, client *acr.Client, l acr.Lockable, set acr.ChangeableAttributes) error {
	t.Helper()
	return client.Lock(t.Context(), l, set, acr.ChangeableAttributes{})
}

func TestLocksAtThreeLevels(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	d := registry.PutImage("app", "v", acrtest.Image{}).String()
	client := newClient(t, registry)
	levels := []acr.Lockable{{Repository: "app"}, {Repository: "app", Tag: "v"}, {Repository: "app", Digest: d}}
	for i, level := range levels {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			want := acr.Attributes{DeleteEnabled: true, WriteEnabled: false, ReadEnabled: true, ListEnabled: true}
			if err := lock(t, client, level, acr.ChangeableAttributes{WriteEnabled: new(bool)}); err != nil {
				t.Fatal(err)
			}
			read, err := client.Locks(t.Context(), level)
			if err != nil {
				t.Fatal(err)
			}
			if *read != want {
				t.Errorf("locks = %+v, want %+v", *read, want)
			}
			for _, later := range levels[i+1:] {
				if other, err := client.Locks(t.Context(), later); err != nil || !other.WriteEnabled {
					t.Errorf("%v is locked by %v: %+v, %v", later, level, other, err)
				}
			}
		})
	}
}

// One PATCH names only what is to change, and its answer is all that is needed.
func TestLockSendsWhatIsToChange(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	var bodies []string
	registry.Inject(acrtest.Fault{Method: http.MethodPatch, Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		bodies = append(bodies, r.Header.Get("Content-Type")+" "+string(body))
		fmt.Fprint(w, `{"changeableAttributes":{"deleteEnabled":false}}`)
	}})
	client := newClient(t, registry)
	off, on := false, true
	for range 2 {
		if err := lock(t, client, acr.Lockable{Repository: "app"}, acr.ChangeableAttributes{DeleteEnabled: &off, ListEnabled: &on}); err != nil {
			t.Fatal(err)
		}
	}
	want := `application/json {"deleteEnabled":false,"listEnabled":true}`
	if !slices.Equal(bodies, []string{want, want}) {
		t.Errorf("bodies = %q, want twice %q", bodies, want)
	}
	wantWire(t, registry, "1/1/2")
}

// What no longer is to be locked is set back to true, and nothing else.
func TestLocksThatAreLifted(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	app, off := acr.Lockable{Repository: "app"}, new(bool)
	registry.SetRepositoryAttributes("app", acrtest.Attributes{})
	if err := newClient(t, registry).Lock(t.Context(), app, acr.ChangeableAttributes{WriteEnabled: off}, acr.ChangeableAttributes{WriteEnabled: off, ListEnabled: off}); err != nil {
		t.Fatal(err)
	}
	locks, err := newClient(t, registry).Locks(t.Context(), app)
	if want := (acr.Attributes{ListEnabled: true}); err != nil || *locks != want {
		t.Errorf("locks = %+v, %v; want %+v", locks, err, want)
	}
}

// Two resources may lock the same in one run: the one that ends does not undo what the other has asked for.
func TestLocksThatThisClientHasSetAreNotLifted(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client, app, off := newClient(t, registry), acr.Lockable{Repository: "app"}, new(bool)
	if err := lock(t, client, app, acr.ChangeableAttributes{WriteEnabled: off}); err != nil {
		t.Fatal(err)
	}
	registry.ResetLog()
	for _, had := range []acr.ChangeableAttributes{{WriteEnabled: off, DeleteEnabled: off}, {WriteEnabled: off}} {
		if err := client.Lock(t.Context(), app, acr.ChangeableAttributes{}, had); err != nil {
			t.Fatal(err)
		}
	}
	if got := methods(registry); !slices.Equal(got, []string{http.MethodPatch}) {
		t.Errorf("requests = %v, want one PATCH, of delete_enabled", got)
	}
	locks, err := client.Locks(t.Context(), app)
	if want := (acr.Attributes{DeleteEnabled: true, ReadEnabled: true, ListEnabled: true}); err != nil || *locks != want {
		t.Errorf("locks = %+v, %v; want %+v", locks, err, want)
	}
	if err := newClient(t, registry).Lock(t.Context(), app, acr.ChangeableAttributes{}, acr.ChangeableAttributes{WriteEnabled: off}); err != nil {
		t.Fatal(err)
	}
	if locks, err = client.Locks(t.Context(), app); err != nil || !locks.WriteEnabled {
		t.Errorf("locks = %+v, %v; want none after another run", locks, err)
	}
}

func TestLocksOfWhatIsNotThere(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client := newClient(t, registry)
	for level, reason := range map[acr.Lockable]fault.Reason{
		{Repository: "absent"}:                                       fault.RepositoryNotFound,
		{Repository: "app", Tag: "absent"}:                           fault.ManifestNotFound,
		{Repository: "app", Digest: digest.FromString("x").String()}: fault.ManifestNotFound,
	} {
		_, err := client.Locks(t.Context(), level)
		faulttest.Want(t, err, reason, "reading the locks of ", "404")
		err = lock(t, client, level, acr.ChangeableAttributes{ReadEnabled: new(bool)})
		faulttest.Want(t, err, reason, "changing the locks of ", "404")
	}
}

func TestLocksNeedTheirPermission(t *testing.T) {
	registry := startApp(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull,push,metadata_read"}}})
	client := newClient(t, registry)
	if _, err := client.Locks(t.Context(), acr.Lockable{Repository: "app"}); err != nil {
		t.Error(err)
	}
	err := lock(t, client, acr.Lockable{Repository: "app"}, acr.ChangeableAttributes{ReadEnabled: new(bool)})
	faulttest.Want(t, err, fault.MayNotLock, "repository:app:metadata_write")
}

func TestLocksWithoutACRsAPI(t *testing.T) {
	registry := startApp(t, acrtest.Options{WithoutACRAPI: true})
	client := newClient(t, registry)
	_, err := client.Locks(t.Context(), acr.Lockable{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.UnsupportedAPI)
	err = lock(t, client, acr.Lockable{Repository: "app", Tag: "v"}, acr.ChangeableAttributes{ReadEnabled: new(bool)})
	faulttest.Want(t, err, fault.UnsupportedAPI)
	_, err = client.Manifests(t.Context(), acr.ManifestsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.UnsupportedAPI)
}

// A PATCH may be repeated, whether or not the first took effect.
func TestLostAnswerToALockIsAskedForAgain(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Method: http.MethodPatch, Kind: acrtest.KindResource, Times: 2, Reset: true, ActFirst: true})
	client := newClient(t, registry).WithoutBackOff()
	if err := lock(t, client, acr.Lockable{Repository: "app"}, acr.ChangeableAttributes{WriteEnabled: new(bool)}); err != nil {
		t.Fatal(err)
	}
	locks, err := client.Locks(t.Context(), acr.Lockable{Repository: "app"})
	if err != nil || locks.WriteEnabled {
		t.Errorf("locks = %+v, %v; want writing off", locks, err)
	}
}

func TestLockAnswersThatTellNothing(t *testing.T) {
	for name, body := range map[string]string{
		"another level": `{"changeableAttributes":{"writeEnabled":false}}`,
		"no locks":      `{"tag":{"name":"v"}}`,
		"another shape": `{"tag":{"changeableAttributes":{"writeEnabled":"a word"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(answering("/acr/v1/", body, "Content-Type: application/json"))
			_, err := newClient(t, registry).Locks(t.Context(), acr.Lockable{Repository: "app", Tag: "v"})
			failed := faulttest.Want(t, err, fault.BadAnswer)
			if strings.Contains(failed.Error(), "a word") {
				t.Errorf("the error quotes the body: %v", failed)
			}
		})
	}
}

func TestLockablesAreCheckedBeforeAnythingIsSent(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client := newClient(t, registry)
	d := digest.FromString("x").String()
	for level, argument := range map[acr.Lockable]string{
		{Repository: "App"}:                                "repository",
		{Repository: "app", Tag: d}:                        "tag",
		{Repository: "app", Digest: "sha256:1"}:            "digest",
		{Repository: "app", Tag: "v", Digest: d}:           "tag",
		{Repository: "app", Tag: strings.Repeat("v", 129)}: "tag",
	} {
		_, err := client.Locks(t.Context(), level)
		faulttest.WantArgument(t, err, argument)
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestLockThatIsNotTakenIsAnError(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/acr/v1/", `{"changeableAttributes":{"writeEnabled":true}}`, "Content-Type: application/json"))
	err := lock(t, newClient(t, registry), acr.Lockable{Repository: "app"}, acr.ChangeableAttributes{WriteEnabled: new(bool)})
	faulttest.Want(t, err, fault.BadAnswer, "other locks than requested")
}
