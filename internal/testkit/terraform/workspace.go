// Package terraform runs the Terraform or OpenTofu CLI the way a person does: real processes, a built provider, and a
// separate folder. The demo, the end-to-end tests and the measurements share it.
package terraform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// stopLimit is the time that a cancelled run has to end by itself before it is killed. A test shortens it.
var stopLimit = 10 * time.Second

// Workspace is a folder with a configuration, and the settings its runs share. [Workspace.Close] removes it.
type Workspace struct {
	// Folder holds what the runs read and write: configuration, state, plan files.
	Folder string

	root        string // the Folder, the CLI's configuration and temporary files
	cli         string
	environment []string
}

// Providers maps a source address without host, "acrkit/acr", to the folder of its built binary,
// terraform-provider-NAME. They are development overrides: they need no `init` and no version.
type Providers map[string]string

// NewWorkspace makes an empty workspace for the CLI of [CLI]. Nothing of the user's Terraform settings and of the
// variables that the provider reads gets into it.
func NewWorkspace(providers Providers) (*Workspace, error) {
	cli, err := CLI()
	if err != nil {
		return nil, err
	}
	overrides, err := overrides(providers)
	if err != nil {
		return nil, err
	}
	// A short path: the providers' sockets lie below it, and a socket's path has little room.
	root, err := os.MkdirTemp("", "acr")
	if err != nil {
		return nil, err
	}
	w := &Workspace{Folder: filepath.Join(root, "work"), root: root, cli: cli, environment: cleanEnvironment()}
	if err := errors.Join(os.Mkdir(w.Folder, 0o700), os.Mkdir(filepath.Join(root, "tmp"), 0o700), w.Configure(overrides)); err != nil {
		w.Close()
		return nil, err
	}
	w.Set("HOME", root)
	w.Set("TMPDIR", filepath.Join(root, "tmp"))
	w.Set("TF_CLI_CONFIG_FILE", w.configFile())
	w.Set("TF_IN_AUTOMATION", "1")
	w.Set("CHECKPOINT_DISABLE", "1")
	return w, nil
}

// CLI returns the path of the Terraform or OpenTofu program: TF_ACC_TERRAFORM_PATH, which the make targets set, else
// terraform, else tofu from PATH.
func CLI() (string, error) {
	if path := os.Getenv("TF_ACC_TERRAFORM_PATH"); path != "" {
		return path, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither terraform nor tofu is on PATH, and TF_ACC_TERRAFORM_PATH is not set")
}

// cleanEnvironment leaves out what would steer the CLI or the provider.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), Steers)
}

// Steers reports whether a variable, NAME or NAME=VALUE, would steer the CLI or the provider, such as one of those that
// sign in to Azure.
func Steers(variable string) bool {
	for _, prefix := range []string{
		"TF_", "ACR_", "DOCKER_", "ARM_", "AZURE_", "AZURESUBSCRIPTION_", "ACTIONS_ID_TOKEN_", "SYSTEM_", "IDENTITY_", "IMDS_", "MSI_", "TFC_",
	} {
		if strings.HasPrefix(variable, prefix) {
			return true
		}
	}
	return false
}

func overrides(providers Providers) (string, error) {
	var entries strings.Builder
	for _, address := range slices.Sorted(maps.Keys(providers)) {
		folder, err := filepath.Abs(providers[address])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&entries, "    %q = %q\n", address, folder)
	}
	return "provider_installation {\n  dev_overrides {\n" + entries.String() + "  }\n  direct {}\n}\n", nil
}

func (w *Workspace) configFile() string { return filepath.Join(w.root, "cli.tfrc") }

// Configure replaces the CLI's configuration file.
func (w *Workspace) Configure(content string) error {
	return os.WriteFile(w.configFile(), []byte(content), 0o600)
}

// Set sets a variable of the environment for all later runs.
func (w *Workspace) Set(name, value string) {
	w.environment = append(w.environment, name+"="+value)
}

// Write puts a file into the Folder.
func (w *Workspace) Write(name, content string) error {
	return os.WriteFile(filepath.Join(w.Folder, name), []byte(content), 0o600)
}

// Run runs the CLI in the Folder and returns what it wrote to standard output. The error holds what it wrote to
// standard error. When the context ends, the run is interrupted as Ctrl-C would, and killed with its providers if it
// does not end.
func (w *Workspace) Run(ctx context.Context, arguments ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	command := w.Command(ctx, arguments...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if ctx.Err() != nil {
		endGroup(command)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", filepath.Base(w.cli), arguments[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), err
}

// Command prepares what [Workspace.Run] runs.
func (w *Workspace) Command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, w.cli, arguments...)
	command.Dir = w.Folder
	command.Env = slices.Clone(w.environment)
	ownGroup(command)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopLimit
	return command
}

// Close removes the workspace with all it holds.
func (w *Workspace) Close() error { return os.RemoveAll(w.root) }
