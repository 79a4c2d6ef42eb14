package acr

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
	"net/http"
	"strings"
	"syscall"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// retry says whether a failed attempt may be made again.
type retry int

const (
	never retry = iota // the answer would be the same
	once               // a passing fault is possible, but waiting for it many times over is worse than the error
	again              // as often as the client's limit allows
)

// failure is one attempt that brought no answer to keep.
type failure struct {
	err   *fault.Error
	retry retry
}

// statusError says what came back in an answer that is not the one wanted.
func (t *transport) statusError(r request, answer *response) *fault.Error {
	from, _ := decodeErrors(answer.body)
	clean := t.secrets.Redactor().Clean
	detail := ""
	if answer.elsewhere != "" {
		detail = "after a redirect to " + answer.elsewhere
	}
	return &fault.Error{
		Detail:        detail,
		Reason:        statusReason(answer.status, from.Code),
		Operation:     r.operation,
		Step:          r.step,
		Status:        answer.status,
		Code:          clean(from.Code),
		Message:       clean(from.Message),
		CorrelationID: clean(answer.header.Get("X-Ms-Correlation-Request-Id")),
	}
}

// statusFailure is statusError for a status that a retry may mend. Retry-After counts where RFC 9110 section 10.2.3
// and RFC 6585 section 4 give it a meaning.
func (t *transport) statusFailure(r request, answer *response) *failure {
	f := &failure{err: t.statusError(r, answer), retry: again}
	if answer.status != http.StatusTooManyRequests && answer.status != http.StatusServiceUnavailable {
		return f
	}
	f.err.RetryAfter = parseRetryAfter(answer.header.Get("Retry-After"), t.now())
	if f.err.RetryAfter > maxRetryAfter {
		f.retry = never
		f.err.Detail = fmt.Sprintf("the registry asks to wait %s, which is over the limit of %s", f.err.RetryAfter, maxRetryAfter)
	}
	return f
}

// classify says what went wrong where no answer came. It never repeats the text of an error it does not know: Go's
// own quote what the server sent.
func (t *transport) classify(ctx context.Context, r request, err error) *failure {
	if ctx.Err() != nil {
		return &failure{err: cancelled(r), retry: never}
	}
	reason, verdict, detail := t.diagnose(err)
	var elsewhere *redirectedError
	if errors.As(err, &elsewhere) {
		detail = fmt.Sprintf("after a redirect to %s: %s", elsewhere.to, detail)
	}
	return &failure{
		err:   &fault.Error{Reason: reason, Operation: r.operation, Step: r.step, Detail: t.secrets.Redactor().Clean(detail)},
		retry: verdict,
	}
}

func (t *transport) diagnose(err error) (fault.Reason, retry, string) {
	var (
		refused  *proxyRefusal
		redirect *redirectError
		dns      *net.DNSError
		network  net.Error
		record   tls.RecordHeaderError
		deflate  flate.CorruptInputError
	)
	switch {
	case errors.As(err, &refused):
		return fault.ProxyRefused, never, refused.Error()
	case errors.As(err, &redirect):
		return fault.BadRedirect, never, redirect.Error()
	case errors.Is(err, errTooLarge):
		return fault.TooLarge, never, err.Error()
	case isHeaderTooLarge(err):
		return fault.TooLarge, never, fmt.Sprintf("the response headers are over the limit of %d bytes", maxHeaderBytes)
	case errors.Is(err, errEncoding), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &deflate):
		return fault.BadAnswer, never, "the body's compression is broken or was not asked for"
	case errors.As(err, &record):
		return fault.NotARegistry, never, "the server does not speak TLS; a registry on this machine without it needs plain_http = true"
	case isCertificateError(err):
		return fault.CertificateRejected, never, certificateDetail(err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fault.Unreachable, once, fmt.Sprintf("the host name %s is unknown", dns.Name)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fault.TimedOut, once, fmt.Sprintf("no complete answer within request_timeout (%s)", t.timeout)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault.Unreachable, once, "the connection was refused or no way leads there"
	case isBrokenConnection(err):
		return fault.Unreachable, again, "the connection broke before the answer was complete"
	case isDialError(err):
		return fault.Unreachable, again, "no connection could be made"
	default:
		return fault.BadAnswer, never, "the answer is not HTTP as its specification has it"
	}
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// isBrokenConnection knows reset, early end and the failures of one HTTP/2 stream. The types of the latter are not
// exported by net/http.
func isBrokenConnection(err error) bool {
	for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, broken) {
			return true
		}
	}
	text := err.Error()
	for _, broken := range []string{"stream error:", "GOAWAY", "client connection lost", "server closed", "connection reset"} {
		if strings.Contains(text, broken) {
			return true
		}
	}
	return false
}

// isHeaderTooLarge knows the texts of net/http for HTTP/1.1 and HTTP/2, which have no exported error value. The last is
// how HTTP/2 refuses one header over the limit: its decompression stops there.
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

// certificateDetail names the cause in the words of a person who runs Terraform.
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

// badAnswer is an answer that breaks the protocol. The text of err reaches a person: it must not quote the answer.
func (t *transport) badAnswer(r request, answer *response, err error) *fault.Error {
	return &fault.Error{
		Reason:        badReason(err),
		Operation:     r.operation,
		Step:          r.step,
		Status:        answer.status,
		CorrelationID: t.secrets.Redactor().Clean(answer.header.Get("X-Ms-Correlation-Request-Id")),
		Detail:        t.secrets.Redactor().Clean(err.Error()),
	}
}

// badReason tells what is too large from what is wrong.
func badReason(err error) fault.Reason {
	if errors.Is(err, errTooLarge) || errors.Is(err, errTooMany) {
		return fault.TooLarge
	}
	return fault.BadAnswer
}
