//go:build unix

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// stopLimit is how long a run may go on after Ctrl-C: far less than a request may take, and more than the two seconds that
// some versions of Terraform wait for a provider to leave.
const stopLimit = 10 * time.Second

// Ctrl-C ends a run of the real CLI at once, whatever the provider waits for.
func TestCtrlCEndsARunAtOnce(t *testing.T) {
	const (
		oneManifest = `data "acr_manifest" "m" {
			repository = "app"
			tag        = "v"
		}`
		hundredImages = `data "acr_images" "i" {
			references = { for n in range(100) : "k${n}" => "app${n}:v" }
		}`
	)
	askToWait := acrtest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "30"}
	drip := acrtest.Fault{Drip: time.Second}
	silence := acrtest.Fault{Hang: true}
	for _, test := range []struct {
		name  string
		reads string
		kind  acrtest.Kind
		fault acrtest.Fault
		seen  int // the status that the provider has got when Ctrl-C comes
	}{
		{"back-off before the challenge", oneManifest, acrtest.KindChallenge, askToWait, http.StatusTooManyRequests},
		{"back-off before the token", oneManifest, acrtest.KindToken, askToWait, http.StatusTooManyRequests},
		{"back-off before the manifest", oneManifest, acrtest.KindResource, askToWait, http.StatusTooManyRequests},
		{"a dripping token", oneManifest, acrtest.KindToken, drip, http.StatusOK},
		{"a dripping manifest", oneManifest, acrtest.KindResource, drip, http.StatusOK},
		{"a silent registry", oneManifest, acrtest.KindChallenge, silence, 0},
		{"a silent token server", oneManifest, acrtest.KindToken, silence, 0},
		{"a hundred images, in back-off", hundredImages, acrtest.KindChallenge, askToWait, http.StatusTooManyRequests},
		{"a hundred images, before a silent registry", hundredImages, acrtest.KindChallenge, silence, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			registry.PutImage("app", "v", acrtest.Image{})
			test.fault.Kind = test.kind
			registry.Inject(test.fault)
			plan := startPlan(t, registry, test.reads)
			awaitAnswer(t, registry, test.kind, test.seen)

			took := plan.ctrlC(t)
			if took > stopLimit {
				t.Errorf("the run went on for %s after Ctrl-C, want at most %s", took, stopLimit)
			}
			t.Logf("the run ended %s after Ctrl-C", took.Round(time.Millisecond))
			if code := plan.command.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d, want 1: the CLI ended by itself and tells that there is no plan", code)
			}
			if output := plan.output.String(); !strings.Contains(output, "cancelled before an answer came") {
				t.Errorf("the provider did not tell of the cancellation:\n%s", output)
			}
			if got := registry.Count(test.kind); got != 1 {
				t.Errorf("%d requests of the kind %s, want the first alone", got, test.kind)
			}
		})
	}
}

// An `az` that hangs has processes of its own, which Ctrl-C does not reach: the provider ends them.
func TestCtrlCEndsAHangingAzureCLI(t *testing.T) {
	a := startAzure(t)
	cli := entratest.Hanging(t)
	workspace := a.workspace(t, readingTwo)
	workspace.Set("ARM_USE_CLI", "true")
	workspace.Set("PATH", cli.Path())
	plan := startPlanIn(t, workspace)
	for deadline := time.Now().Add(time.Minute); cli.Calls() == nil && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	took := plan.ctrlC(t)
	if took > stopLimit {
		t.Errorf("the run went on for %s after Ctrl-C, want at most %s", took, stopLimit)
	}
	if output := plan.output.String(); len(cli.Calls()) != 1 || !strings.Contains(output, "cancelled before an answer came") {
		t.Errorf("calls of the Azure CLI %q; the provider did not tell of the cancellation:\n%s", cli.Calls(), output)
	}
	awaitEnd(t, -cli.Process())
}

// planRun is `terraform plan` under way.
type planRun struct {
	command *exec.Cmd
	output  bytes.Buffer // what the CLI wrote to standard output and standard error
}

// startPlan begins to plan a configuration that reads from the registry as its default user.
func startPlan(t *testing.T, registry *acrtest.Registry, reads string) *planRun {
	t.Helper()
	workspace := newWorkspace(t, fmt.Sprintf("provider \"acr\" {\n  ca_cert_pem = %q\n}\n", registry.CAPEM())+reads)
	workspace.Set("ACR_REGISTRY", registry.Host())
	workspace.Set("ACR_USERNAME", acrtest.DefaultUser)
	workspace.Set("ACR_PASSWORD", acrtest.DefaultPassword)
	return startPlanIn(t, workspace)
}

func startPlanIn(t *testing.T, workspace *terraform.Workspace) *planRun {
	t.Helper()
	run := &planRun{command: workspace.Command(t.Context(), "plan", "-no-color")}
	run.command.Stdout, run.command.Stderr = &run.output, &run.output
	if err := run.command.Start(); err != nil {
		t.Fatal(err)
	}
	return run
}

// ctrlC interrupts the CLI and its providers, as a terminal does with its foreground process group, and returns the time
// until the last process of the group has ended. It kills those that go on for twice the limit.
func (p *planRun) ctrlC(t *testing.T) time.Duration {
	t.Helper()
	group := -p.command.Process.Pid
	started := time.Now()
	if err := syscall.Kill(group, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(2*stopLimit, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
	defer killer.Stop()
	_ = p.command.Wait() // the caller checks the exit code
	awaitEnd(t, group)
	return time.Since(started)
}

// awaitEnd returns once the last process of a group has ended.
func awaitEnd(t *testing.T, group int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !errors.Is(syscall.Kill(group, 0), syscall.ESRCH); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("processes of the group %d are left", group)
		}
	}
}

// awaitAnswer returns once the registry has had a request of the kind, and has answered it with the status.
func awaitAnswer(t *testing.T, registry *acrtest.Registry, kind acrtest.Kind, status int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, request := range registry.Requests() {
			if request.Kind == kind && request.Status == status {
				return
			}
		}
	}
	t.Fatalf("no request of the kind %s was answered with %d", kind, status)
}
