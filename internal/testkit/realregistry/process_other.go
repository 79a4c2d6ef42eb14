//go:build !linux

package realregistry

import "os/exec"

// dieWithParent has no counterpart outside of Linux: a registry outlives a test that is killed.
func dieWithParent(*exec.Cmd) {}
