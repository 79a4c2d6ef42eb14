package entra

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a console's Ctrl-C from a command.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
