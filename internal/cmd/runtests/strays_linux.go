package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killStrays ends every process that has the variable in its environment: what a test starts, such as Terraform and the
// providers that Terraform starts, can outlive a test that is interrupted.
func killStrays(variable string) {
	for strays := processesWith(variable); len(strays) > 0; strays = processesWith(variable) {
		for _, process := range strays {
			_ = syscall.Kill(process, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond) // until they are gone
	}
}

// processesWith returns the numbers of the processes that have the variable, NAME=VALUE, in their environment.
func processesWith(variable string) []int {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []int
	for _, path := range environments {
		environment, _ := os.ReadFile(path) // that of another user cannot be read
		if slices.Contains(strings.Split(string(environment), "\x00"), variable) {
			process, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, process)
		}
	}
	return found
}
