//go:build unix

package terraform

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a terminal's Ctrl-C from the CLI, so that the cancelled context alone interrupts it: at a second
// interrupt the CLI would leave at once, without its providers.
func ownGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
