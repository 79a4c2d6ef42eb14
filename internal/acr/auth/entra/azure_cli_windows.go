package entra

import (
	"os"
	"os/exec"
	"syscall"
)

// setApart keeps a console's Ctrl-C from a command, and runs it in a folder of the system: `az` is a batch file, for which
// Windows looks for programs where it runs first, and that would be the configuration's folder.
func setApart(command *exec.Cmd) {
	command.Dir = os.Getenv("SYSTEMROOT")
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
