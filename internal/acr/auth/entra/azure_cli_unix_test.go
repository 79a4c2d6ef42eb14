//go:build unix

package entra_test

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

// A terminal's Ctrl-C goes to the group of the provider's process. `az` must not fail by it before the provider hears that
// the run was cancelled, and what `az` has started must end with it.
func TestAzureCLIEndsWithItsContextAlone(t *testing.T) {
	cli := entratest.Hanging(t)
	t.Setenv("PATH", cli.Path())
	id := choose(t, entra.Block{UseCLI: on()}, environment{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := id.Token(ctx, entra.Connection{Timeout: time.Hour, Secrets: &secret.Set{}})
		ended <- err
	}()
	await(t, "a call of the Azure CLI", func() bool { return len(cli.Calls()) == 1 })
	if group, err := syscall.Getpgid(cli.Process()); err != nil || group != cli.Process() {
		t.Errorf("the Azure CLI %d is in the group %d, %v; want one of its own", cli.Process(), group, err)
	}
	cancel()
	_ = mustFail(t, <-ended, fault.Canceled)
	await(t, "the end of all its processes", func() bool { return errors.Is(syscall.Kill(-cli.Process(), 0), syscall.ESRCH) })
}

// Whoever writes to the folder of a configuration must not thereby say what `az` runs.
func TestAzureCLIRunsInAFolderOfTheSystem(t *testing.T) {
	cli := entratest.SignedIn(t, entraToken)
	t.Setenv("PATH", cli.Path())
	t.Chdir(t.TempDir())
	id := choose(t, entra.Block{UseCLI: on()}, environment{})
	if _, err := id.Token(t.Context(), entra.Connection{Timeout: time.Hour, Secrets: &secret.Set{}}); err != nil {
		t.Fatal(err)
	}
	if folder := cli.Folder(); folder != "/" {
		t.Errorf("the Azure CLI ran in %q, want /", folder)
	}
}

// A relative AZURE_CONFIG_DIR is one of the folder where Terraform runs.
func TestAzureCLIKeepsItsConfigFolder(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	for folder, want := range map[string]string{"": "", "/elsewhere": "/elsewhere", ".azure": filepath.Join(here, ".azure")} {
		cli := entratest.SignedIn(t, entraToken)
		t.Setenv("PATH", cli.Path())
		t.Setenv("AZURE_CONFIG_DIR", folder)
		id := choose(t, entra.Block{UseCLI: on()}, environment{})
		if _, err := id.Token(t.Context(), entra.Connection{Timeout: time.Hour, Secrets: &secret.Set{}}); err != nil {
			t.Fatal(err)
		}
		if got := cli.ConfigFolder(); got != want {
			t.Errorf("AZURE_CONFIG_DIR = %q for %q, want %q", got, folder, want)
		}
	}
}

func await(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}
