package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// content is what another client reads of app: the digest that each tag names, with a mark if the tag is locked, and
// all manifests.
type content struct {
	tags      map[string]string
	manifests int
}

func (c content) equal(other content) bool {
	return maps.Equal(c.tags, other.tags) && c.manifests == other.manifests
}

func contentOf(t *testing.T, registry *acrtest.Registry) content {
	t.Helper()
	workspace := newWorkspace(t, providerBlock(registry)+`
data "acr_tags" "app" {
  repository = "app"
}
data "acr_manifests" "app" {
  repository = "app"
}
output "tags" {
  value = { for tag in data.acr_tags.app.tags : tag.name => "${tag.digest}${tag.write_enabled ? "" : " locked"}" }
}
output "manifests" {
  value = length(data.acr_manifests.app.manifests)
}
`)
	apply(t, workspace)
	var c content
	output(t, workspace, "tags", &c.tags)
	output(t, workspace, "manifests", &c.manifests)
	return c
}

func providerBlock(registry *acrtest.Registry) string {
	return fmt.Sprintf("provider \"acr\" {\n  registry = %q\n  username = %q\n  password = %q\n  ca_cert_pem = %q\n  max_retries = 1\n}\n",
		registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM())
}

// interruption is how a write ends early: the provider is killed while the registry delays a request, or the connection
// breaks for good, either before or after the registry has acted.
type interruption struct {
	name  string
	fault acrtest.Fault
	kills bool
}

var interruptions = []interruption{
	{"killed before the registry acted", acrtest.Fault{Hang: true}, true},
	{"killed after the registry acted", acrtest.Fault{Hang: true, ActFirst: true}, true},
	{"cut before the registry acted", acrtest.Fault{Reset: true}, false},
	{"cut after the registry acted", acrtest.Fault{Reset: true, ActFirst: true}, false},
}

// Whatever interrupts a write, and wherever: the next apply ends in the right state, and nothing is lost or duplicated.
func TestInterruptedWritesAreMendedByTheNextApply(t *testing.T) {
	tagged := func(d digest.Digest) string {
		return fmt.Sprintf("resource \"acr_tag\" \"prod\" {\n  repository = \"app\"\n  tag = \"prod\"\n  digest = %q\n}\n", d)
	}
	const locked = "resource \"acr_lock\" \"v\" {\n  repository = \"app\"\n  tag = \"v\"\n  write_enabled = false\n}\n"
	one, two := acrtest.Image{Author: "1"}, acrtest.Image{Author: "2"}
	digests := acrtest.StartT(t, acrtest.Options{})
	d1, d2 := digests.PutImage("app", "", one), digests.PutImage("app", "", two)
	const nothing = "output \"nothing\" {\n  value = \"left\"\n}\n"

	for _, write := range []struct {
		name          string
		before, after string // configurations
		want          map[string]string
		steps         []acrtest.Fault // which requests can be interrupted
	}{
		{"a tag is made", nothing, tagged(d1), map[string]string{"v": d1.String(), "prod": d1.String()}, []acrtest.Fault{
			{Kind: acrtest.KindChallenge}, {Kind: acrtest.KindToken},
			{Kind: acrtest.KindResource, Method: http.MethodGet, Path: "/manifests/prod"},
			{Kind: acrtest.KindResource, Method: http.MethodGet, Path: "/manifests/sha256"},
			{Kind: acrtest.KindResource, Method: http.MethodPut},
		}},
		{"a tag is moved", tagged(d1), tagged(d2), map[string]string{"v": d1.String(), "prod": d2.String()}, []acrtest.Fault{
			{Kind: acrtest.KindResource, Method: http.MethodPut},
		}},
		{"a tag is removed", tagged(d1), nothing, map[string]string{"v": d1.String()}, []acrtest.Fault{
			{Kind: acrtest.KindResource, Method: http.MethodDelete},
		}},
		{"a lock is set", nothing, locked, map[string]string{"v": d1.String() + " locked"}, []acrtest.Fault{
			{Kind: acrtest.KindResource, Method: http.MethodPatch},
		}},
		{"a lock is lifted", locked, nothing, map[string]string{"v": d1.String()}, []acrtest.Fault{
			{Kind: acrtest.KindResource, Method: http.MethodPatch},
		}},
	} {
		for _, step := range write.steps {
			for _, by := range interruptions {
				if by.fault.ActFirst && (step.Kind != acrtest.KindResource || step.Method == http.MethodGet) {
					continue // a read has not acted
				}
				t.Run(fmt.Sprintf("%s, %s at the %s %s%s", write.name, by.name, step.Kind, step.Method, step.Path), func(t *testing.T) {
					t.Parallel()
					registry := acrtest.StartT(t, acrtest.Options{})
					registry.PutImage("app", "v", one)
					registry.PutImage("app", "", two)
					workspace := newWorkspace(t, providerBlock(registry)+write.before)
					apply(t, workspace)

					fault := by.fault
					fault.Kind, fault.Method, fault.Path = step.Kind, step.Method, step.Path
					if err := workspace.Write("main.tf", requiredProviders()+providerBlock(registry)+write.after); err != nil {
						t.Fatal(err)
					}
					// If the answer to a tag's PUT or DELETE is lost, the retry settles it: it first asks what the tag names.
					settled := !by.kills && fault.ActFirst && step.Method != http.MethodPatch
					if succeeded, printed := interrupt(t, registry, workspace, fault, by.kills); succeeded != settled {
						t.Errorf("the interrupted apply succeeded: %v, want %v\n%s", succeeded, settled, printed)
					}

					apply(t, workspace)
					if got, want := contentOf(t, registry), (content{write.want, 2}); !got.equal(want) {
						t.Errorf("the registry holds %v, want %v", got, want)
					}
					wantEmptyPlan(t, workspace)
				})
			}
		}
	}
}

// interrupt applies what is in the workspace, while the fault or the end of the provider interrupts it. The plan is
// made before the fault is injected.
func interrupt(t *testing.T, registry *acrtest.Registry, workspace *terraform.Workspace, fault acrtest.Fault, kills bool) (succeeded bool, printed string) {
	t.Helper()
	terraformRun(t, workspace, "plan", "-out=plan", "-no-color")
	process := startProvider(t, registry)
	registry.ResetLog()
	defer registry.Inject(fault)()
	if kills {
		go killOnceStruck(registry, fault, process.pid)
	}
	command := workspace.Command(t.Context(), "apply", "-no-color", "plan")
	command.Env = append(command.Env, "TF_REATTACH_PROVIDERS="+process.reattach)
	output, err := command.CombinedOutput()
	return err == nil, string(output)
}

// killOnceStruck kills the process with SIGKILL once a request waits for its answer.
func killOnceStruck(registry *acrtest.Registry, fault acrtest.Fault, pid int) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, request := range registry.Requests() {
			struck := request.Kind == fault.Kind && (fault.Method == "" || request.Method == fault.Method) && strings.Contains(request.Path, fault.Path)
			if struck && request.Acted == fault.ActFirst {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				return
			}
		}
	}
}
