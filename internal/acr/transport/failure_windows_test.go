package transport

var systemErrors = []systemError{
	{"connectex", 10061, saysRefused, once}, // the target machine actively refused it
	{"connectex", 1225, saysRefused, once},  // the remote computer refused the network connection
	{"connectex", 10065, saysRefused, once}, // a socket operation was attempted to an unreachable host
	{"connectex", 10051, saysRefused, once}, // a socket operation was attempted to an unreachable network
	{"connectex", 10064, saysRefused, once}, // a socket operation failed because the destination host was down
	{"connectex", 10050, saysRefused, once}, // a socket operation encountered a dead network
	{"connectex", 1231, saysRefused, once},  // the network location cannot be reached
	{"connectex", 1232, saysRefused, once},  // likewise, of a host
	{"connectex", 10060, saysNoReply, once}, // the connected party did not properly respond after a period of time
	{"connectex", 121, saysNoReply, once},   // the semaphore timeout period has expired
	{"wsarecv", 10060, saysSilent, once},    // connected host has failed to respond
	{"wsarecv", 10054, saysBroken, again},   // an existing connection was forcibly closed by the remote host
	{"wsasend", 10053, saysBroken, again},   // an established connection was aborted by the software in your host machine
	{"wsarecv", 10052, saysBroken, again},   // keep-alive activity detected a failure
	{"wsasend", 10058, saysBroken, again},   // the socket had already been shut down
	{"wsarecv", 64, saysBroken, again},      // the specified network name is no longer available
	{"wsarecv", 109, saysBroken, again},     // the pipe has been ended
	{"wsarecv", 1236, saysBroken, again},    // the network connection was aborted by the local system
}
