package transport

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// diagnose returns the error for an attempt without an answer. It never repeats the text of an error that it does not
// know: Go's own errors quote what the server sent.
func (t *Transport) diagnose(err error) *fault.Error {
	reason, detail := t.cause(err)
	var elsewhere *redirectedError
	if errors.As(err, &elsewhere) {
		detail = fmt.Sprintf("after a redirect to %s: %s", elsewhere.to, detail)
	}
	return &fault.Error{Reason: reason, Detail: detail}
}

func (t *Transport) cause(err error) (fault.Reason, string) {
	var (
		refused  *proxyRefusal
		redirect *redirectError
		dns      *net.DNSError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &refused):
		return fault.ProxyRefused, refused.Error()
	case errors.As(err, &redirect):
		return fault.BadRedirect, redirect.Error()
	case errors.Is(err, wire.ErrTooLarge):
		return fault.TooLarge, err.Error()
	case isHeaderTooLarge(err):
		return fault.TooLarge, fmt.Sprintf("the response headers are over the limit of %d bytes", maxHeaderBytes)
	case isCompressionError(err):
		return fault.BadAnswer, "the body's compression is broken or was not requested"
	case errors.As(err, &record):
		return fault.NotARegistry, "the server does not speak TLS"
	case isCertificateError(err):
		return fault.CertificateRejected, certificateDetail(err)
	case isUnknownHost(err) && errors.As(err, &dns):
		return fault.Unreachable, fmt.Sprintf("the host name %s is unknown", dns.Name)
	case isNameServerSilent(err) && errors.As(err, &dns):
		return fault.Unreachable, fmt.Sprintf("no name server answered in time for the host name %s", dns.Name)
	case errors.As(err, &dns) && !isTimeOut(err):
		return fault.Unreachable, fmt.Sprintf("the name server could not look up the host name %s", dns.Name)
	case isGivenUp(err) && isDialError(err):
		return fault.Unreachable, "the host did not answer, and the operating system gave up connecting"
	case isGivenUp(err):
		return fault.Unreachable, "the other side fell silent, and the operating system gave up the connection"
	case errors.Is(err, errSilent):
		return fault.TimedOut, fmt.Sprintf("the server neither accepted nor sent anything for %s", t.config.RequestTimeout)
	case isTimeOut(err):
		return fault.TimedOut, fmt.Sprintf("no complete answer within %s", t.config.RequestTimeout)
	case isRefused(err):
		return fault.Unreachable, "the connection was refused, or there is no route to the host"
	case isBroken(err):
		return fault.Unreachable, "the connection broke before the answer was complete"
	case isDialError(err):
		return fault.Unreachable, "no connection could be made"
	default:
		return fault.BadAnswer, "the answer is not valid HTTP"
	}
}

// isDecided reports whether an attempt failed by a decision that another attempt would meet again.
func isDecided(err error) bool {
	var (
		refused  *proxyRefusal
		redirect *redirectError
		record   tls.RecordHeaderError
	)
	return errors.As(err, &refused) || errors.As(err, &redirect) || errors.As(err, &record) || errors.Is(err, wire.ErrTooLarge) ||
		isHeaderTooLarge(err) || isCompressionError(err) || isCertificateError(err)
}

func isCompressionError(err error) bool {
	var deflate flate.CorruptInputError
	return errors.Is(err, wire.ErrEncoding) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &deflate)
}

func isUnknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// isNameServerSilent reports whether a name server did not answer in time. If the time of the whole attempt is over,
// its context has ended.
func isNameServerSilent(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsTimeout && !errors.Is(err, context.DeadlineExceeded)
}

// isGivenUp reports whether the operating system's own patience ended, which has nothing to do with request_timeout.
func isGivenUp(err error) bool { return isOneOf(err, systemTimeOuts) }

func isTimeOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

func isRefused(err error) bool { return isOneOf(err, systemRefusals) }

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// isBroken reports whether a connection or an HTTP/2 stream broke: a reset or an early end. net/http does not export
// the types of HTTP/2's errors.
func isBroken(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || isOneOf(err, systemBreaks) {
		return true
	}
	text := err.Error()
	for _, broken := range []string{"stream error:", "GOAWAY", "client connection lost", "server closed", "connection reset"} {
		if strings.Contains(text, broken) {
			return true
		}
	}
	return false
}

// isOneOf reports whether the error is one of these of the operating system.
func isOneOf(err error, errnos []syscall.Errno) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && slices.Contains(errnos, errno)
}

// isHeaderTooLarge reports whether a header was over the limit, by the texts of net/http for HTTP/1.1 and HTTP/2, which
// have no exported error value. The last text is that of HTTP/2's decompression, which stops at a single header over
// the limit.
func isHeaderTooLarge(err error) bool {
	text := err.Error()
	for _, refusal := range []string{"server response headers exceeded", "header list larger than", "COMPRESSION_ERROR"} {
		if strings.Contains(text, refusal) {
			return true
		}
	}
	return false
}

func isCertificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		alert        tls.AlertError
	)
	return errors.As(err, &verification) || errors.As(err, &alert) ||
		strings.HasPrefix(err.Error(), "tls:") || strings.HasPrefix(err.Error(), "remote error: tls:")
}

// certificateDetail returns the cause in words for a person who runs Terraform.
func certificateDetail(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "the certificate is signed by an authority that this machine does not know"
	case errors.As(err, &host):
		return "the certificate is not for the host " + host.Host
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate is expired or not yet valid"
	default:
		return "the TLS handshake failed"
	}
}
