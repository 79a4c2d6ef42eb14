package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

func TestInterruptLeavesNothing(t *testing.T) {
	temporary := project(t, map[string]string{"a_test.go": `package a

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestForever(t *testing.T) {
	os.WriteFile(t.TempDir()+"/file", nil, 0o600)
	child := exec.Command("sleep", "3600")
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child.Start()
	os.WriteFile(os.TempDir()+"/started", nil, 0o600)
	select {}
}
`})
	ctx, interrupt := context.WithCancel(t.Context())
	var folder string // that the tests have for TMPDIR
	go func() {
		var started []string
		for len(started) == 0 {
			time.Sleep(time.Millisecond)
			started, _ = filepath.Glob(filepath.Join(temporary, "acr*", "started"))
		}
		folder = filepath.Dir(started[0])
		interrupt()
	}()
	err := report(t, ctx, func(string) {})
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("it ended with %v, want interrupted", err)
	}
	wantEmpty(t, temporary)
	if running := processesWith("TMPDIR=" + folder); len(running) > 0 {
		t.Errorf("the processes %v were left behind", running)
	}
}
