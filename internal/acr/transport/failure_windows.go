package transport

import "syscall"

// The operating system's errors of a connection. Package syscall has names like ECONNRESET on Windows too, but with
// other numbers: a failed connection returns Winsock's number, or one of Windows' own if the failure was noticed in the
// background. Source: https://learn.microsoft.com/windows/win32/winsock/windows-sockets-error-codes-2 and "System Error
// Codes" beside it.
const (
	wsaENETDOWN     syscall.Errno = 10050
	wsaENETUNREACH  syscall.Errno = 10051
	wsaENETRESET    syscall.Errno = 10052
	wsaECONNABORTED syscall.Errno = 10053
	wsaECONNRESET   syscall.Errno = 10054
	wsaESHUTDOWN    syscall.Errno = 10058
	wsaETIMEDOUT    syscall.Errno = 10060
	wsaECONNREFUSED syscall.Errno = 10061
	wsaEHOSTDOWN    syscall.Errno = 10064
	wsaEHOSTUNREACH syscall.Errno = 10065

	errorNetnameDeleted     syscall.Errno = 64
	errorBrokenPipe         syscall.Errno = 109
	errorSemTimeout         syscall.Errno = 121
	errorConnectionRefused  syscall.Errno = 1225
	errorNetworkUnreachable syscall.Errno = 1231
	errorHostUnreachable    syscall.Errno = 1232
	errorConnectionAborted  syscall.Errno = 1236
)

var (
	systemRefusals = []syscall.Errno{
		wsaECONNREFUSED, wsaEHOSTUNREACH, wsaENETUNREACH, wsaEHOSTDOWN, wsaENETDOWN,
		errorConnectionRefused, errorNetworkUnreachable, errorHostUnreachable,
	}
	systemBreaks = []syscall.Errno{
		wsaECONNRESET, wsaECONNABORTED, wsaESHUTDOWN, wsaENETRESET, errorNetnameDeleted, errorBrokenPipe, errorConnectionAborted,
	}
	systemTimeOuts = []syscall.Errno{wsaETIMEDOUT, errorSemTimeout}
)
