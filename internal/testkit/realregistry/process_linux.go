package realregistry

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the process when a test is killed before it could close its registry.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
