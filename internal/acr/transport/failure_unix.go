//go:build !windows

package transport

import "syscall"

// The operating system's errors of a connection, as Linux, macOS and the like number them.
var (
	systemRefusals = []syscall.Errno{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN}
	systemBreaks   = []syscall.Errno{syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENETRESET}
	systemTimeOuts = []syscall.Errno{syscall.ETIMEDOUT}
)
