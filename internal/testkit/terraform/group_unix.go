//go:build unix

package terraform

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a terminal's Ctrl-C from the CLI, so that the cancelled context alone interrupts it: at a second
// interrupt the CLI would leave at once, without its providers.
func ownGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup kills what is left of a command's group once it has ended: the providers of a CLI that was killed.
func endGroup(command *exec.Cmd) {
	if command.Process != nil { // nil where it could not be started
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
	}
}
