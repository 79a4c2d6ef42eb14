// Package faulttest asserts errors of the client.
package faulttest

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// Want fails the test unless err is a *fault.Error with the reason, whose text holds all parts. It returns that error.
func Want(t testing.TB, err error, reason fault.Reason, parts ...string) *fault.Error {
	t.Helper()
	failed, ok := fault.As(err)
	if !ok {
		t.Fatalf("error = %v, want %s", err, reason)
	}
	if failed.Reason != reason {
		t.Errorf("reason = %q, want %q (%v)", failed.Reason, reason, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
	return failed
}

// WantArgument fails the test unless err is about the argument; with an empty argument, unless err is nil.
func WantArgument(t testing.TB, err error, argument string) {
	t.Helper()
	if argument == "" {
		if err != nil {
			t.Errorf("error = %v, want none", err)
		}
		return
	}
	failed, ok := fault.As(err)
	if !ok || !fault.IsOfArgument(err) || failed.Argument != argument {
		t.Errorf("error = %v, want one on %s", err, argument)
	}
}
