//go:build !unix

package terraform

import "os/exec"

// ownGroup has no counterpart here: Ctrl-C reaches the CLI a second time.
func ownGroup(*exec.Cmd) {}
