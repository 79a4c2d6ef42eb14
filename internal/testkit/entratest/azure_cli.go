package entratest

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// CLI is a fake of the Azure CLI, a script for /bin/sh.
type CLI struct {
	Dir string // holds only `az`; it comes first in PATH
}

// The Azure CLI's states. Each is what the script does when it is called.
const (
	cliSignedOut = "echo 'ERROR: Please run \"az login\" to setup account. CLI_SAID_THIS' >&2; exit 1\n"
	cliBroken    = "echo 'Traceback (most recent call last): CLI_SAID_THIS' >&2; exit 1\n"
	cliHanging   = "sleep 600\n" // in a process of its own, as the Azure CLI is Python behind a script
)

// CLISaid is a word of what the failing fakes write to standard error.
const CLISaid = "CLI_SAID_THIS"

// SignedIn makes a CLI with a session that prints the token.
func SignedIn(t testing.TB, token string) *CLI { return newCLI(t, printing(token)) }

// SignedInAsMachine makes a CLI with the session of a managed identity, which takes no tenant.
func SignedInAsMachine(t testing.TB, token string) *CLI {
	return newCLI(t, `case "$*" in *--tenant*) echo "ERROR: Tenant shouldn't be specified for managed identity account" >&2; exit 1;; esac`+
		"\n"+printing(token))
}

// SignedInWithColour makes a CLI with a session that prints colour codes around the token, and a warning before it.
func SignedInWithColour(t testing.TB, token string) *CLI {
	return newCLI(t, `printf 'WARNING: a new version is out\033[0m\n'`+"\n"+printing(token)+`printf '\033[0m'`+"\n")
}

func printing(token string) string {
	return `echo '{"accessToken":"` + token + `","expiresOn":"2099-01-01 00:00:00.000000","expires_on":4070908800,` +
		`"tenant":"` + TenantID + `","tokenType":"Bearer"}'` + "\n"
}

// SignedOut makes a CLI without a session.
func SignedOut(t testing.TB) *CLI { return newCLI(t, cliSignedOut) }

// Broken makes a CLI that fails in its own way.
func Broken(t testing.TB) *CLI { return newCLI(t, cliBroken) }

// Failing makes a CLI that fails with the text on standard error.
func Failing(t testing.TB, text string) *CLI {
	return newCLI(t, "cat >&2 <<'END'\n"+text+"\nEND\nexit 1\n")
}

// Hanging makes a CLI that never ends.
func Hanging(t testing.TB) *CLI { return newCLI(t, cliHanging) }

func newCLI(t testing.TB, does string) *CLI {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for the Azure CLI is a shell script")
	}
	dir := t.TempDir()
	script := "#!/bin/sh\necho $$ >'" + dir + "/process'\npwd >'" + dir + "/folder'\n" +
		"echo \"$AZURE_CONFIG_DIR\" >'" + dir + "/config-folder'\necho \"$*\" >>'" + dir + "/calls'\n" + does
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return &CLI{dir}
}

// Path returns a value for PATH with the fake first.
func (c *CLI) Path() string { return c.Dir + string(os.PathListSeparator) + os.Getenv("PATH") }

// Calls returns the arguments of each call so far.
func (c *CLI) Calls() []string {
	content, err := os.ReadFile(filepath.Join(c.Dir, "calls"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

// Folder returns the folder in which the last call ran, empty before a call.
func (c *CLI) Folder() string {
	content, _ := os.ReadFile(filepath.Join(c.Dir, "folder"))
	return strings.TrimSpace(string(content))
}

// ConfigFolder returns the last call's AZURE_CONFIG_DIR, empty without one and before a call.
func (c *CLI) ConfigFolder() string {
	content, _ := os.ReadFile(filepath.Join(c.Dir, "config-folder"))
	return strings.TrimSpace(string(content))
}

// Process returns the id of the last call's process, 0 before a call. If it leads a group, that is the group's id too.
func (c *CLI) Process() int {
	content, _ := os.ReadFile(filepath.Join(c.Dir, "process"))
	id, _ := strconv.Atoi(strings.TrimSpace(string(content)))
	return id
}
