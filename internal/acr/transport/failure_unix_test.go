//go:build !windows

package transport

import "syscall"

var systemErrors = []systemError{
	{"connect", syscall.ECONNREFUSED, saysRefused, once},
	{"connect", syscall.EHOSTUNREACH, saysRefused, once},
	{"connect", syscall.ENETUNREACH, saysRefused, once},
	{"connect", syscall.EHOSTDOWN, saysRefused, once},
	{"connect", syscall.ENETDOWN, saysRefused, once},
	{"connect", syscall.ETIMEDOUT, saysNoReply, once},
	{"read", syscall.ETIMEDOUT, saysSilent, once},
	{"read", syscall.ECONNRESET, saysBroken, again},
	{"read", syscall.ECONNABORTED, saysBroken, again},
	{"write", syscall.EPIPE, saysBroken, again},
	{"write", syscall.ENETRESET, saysBroken, again},
}
