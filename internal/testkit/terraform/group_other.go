//go:build !unix

package terraform

import "os/exec"

// ownGroup has no counterpart here: Ctrl-C reaches the CLI a second time.
func ownGroup(*exec.Cmd) {}

// endGroup has no counterpart here: a provider of a CLI that was killed ends by itself.
func endGroup(*exec.Cmd) {}
