//go:build unix

package entra

import (
	"os/exec"
	"syscall"
)

// setApart keeps a terminal's Ctrl-C from a command, lets its context end all that it has started, and runs it in a folder
// of the system: `az` is Python, which may import what it finds where it runs, and that would be the configuration's folder.
func setApart(command *exec.Cmd) {
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
