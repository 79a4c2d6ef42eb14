//go:build unix

package entra

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a terminal's Ctrl-C from a command, and lets its context end all that it has started.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
