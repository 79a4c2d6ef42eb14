//go:build unix

package terraform

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A CLI that does not end after an interrupt is killed, together with the provider that it started.
func TestKilledRunLeavesNoProvider(t *testing.T) {
	stopLimit = 50 * time.Millisecond
	t.Cleanup(func() { stopLimit = 10 * time.Second })
	program := filepath.Join(t.TempDir(), "cli")
	script := "#!/bin/sh\ntrap '' INT\nsleep 3600 &\necho $! >started.new\nmv started.new started\nwait\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TF_ACC_TERRAFORM_PATH", program)
	workspace, err := NewWorkspace(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer workspace.Close()

	ctx, interrupt := context.WithCancel(t.Context())
	var started []byte
	go func() {
		for len(started) == 0 {
			time.Sleep(time.Millisecond)
			started, _ = os.ReadFile(filepath.Join(workspace.Folder, "started"))
		}
		interrupt()
	}()
	if _, err := workspace.Run(ctx, "plan"); err == nil {
		t.Error("the run succeeded")
	}
	provider, err := strconv.Atoi(strings.TrimSpace(string(started)))
	if err != nil {
		t.Fatal(err)
	}
	waitForEnd(t, provider)
}

// waitForEnd returns once the process is gone, or is a zombie that waits for its parent.
func waitForEnd(t *testing.T, process int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		environment, _ := os.ReadFile("/proc/" + strconv.Itoa(process) + "/environ") // empty for a zombie, and but for Linux
		if len(environment) == 0 || syscall.Kill(process, 0) != nil {
			return
		}
	}
	t.Errorf("process %d was left behind", process)
}
