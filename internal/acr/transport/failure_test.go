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
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// systemError is an error of the operating system, of a call that a connection makes.
type systemError struct {
	call    string // as Go names it in the error's text
	number  syscall.Errno
	detail  string // what the error says
	verdict verdict
}

const (
	saysRefused     = "the connection was refused, or there is no route to the host"
	saysBroken      = "the connection broke before the answer was complete"
	saysNoReply     = "the host did not answer, and the operating system gave up connecting"
	saysCompression = "the body's compression is broken or was not requested"
	saysSilent      = "the other side fell silent, and the operating system gave up the connection"
)

// asNetError wraps the number as package net does.
func (e systemError) asNetError() error {
	operation := "read"
	if strings.HasPrefix(e.call, "connect") {
		operation = "dial"
	}
	return &net.OpError{Op: operation, Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: os.NewSyscallError(e.call, e.number)}
}

// Each system has its own numbers: see systemErrors, of which there is one for each.
func TestErrorsOfThisSystemAreKnown(t *testing.T) {
	transport := &Transport{config: Config{RequestTimeout: 30 * time.Second}}
	for _, e := range systemErrors {
		err := fmt.Errorf("wrapped: %w", e.asNetError())
		failed := transport.diagnose(err)
		if failed.Reason != fault.Unreachable || failed.Detail != e.detail {
			t.Errorf("%v: %s, %q; want %s, %q", err, failed.Reason, failed.Detail, fault.Unreachable, e.detail)
		}
		if got := verdictOn(err); got != e.verdict {
			t.Errorf("%v: verdict %d, want %d", err, got, e.verdict)
		}
	}
}

func TestFailuresThatAreNoSystems(t *testing.T) {
	transport := &Transport{config: Config{RequestTimeout: 30 * time.Second}}
	lookup := func(dns net.DNSError) error {
		dns.Name = "r.example"
		return &net.OpError{Op: "dial", Net: "tcp", Err: &dns}
	}
	for name, test := range map[string]struct {
		err     error
		reason  fault.Reason
		detail  string
		verdict verdict
	}{
		"unknown host":                {lookup(net.DNSError{IsNotFound: true}), fault.Unreachable, "the host name r.example is unknown", once},
		"silent name server":          {lookup(net.DNSError{IsTimeout: true}), fault.Unreachable, "no name server answered in time for the host name r.example", once},
		"broken name server":          {lookup(net.DNSError{IsTemporary: true}), fault.Unreachable, "the name server could not look up the host name r.example", again},
		"name server and end of time": {lookup(net.DNSError{IsTimeout: true, UnwrapErr: context.DeadlineExceeded}), fault.TimedOut, "no complete answer within 30s", once},
		"end of time":                 {context.DeadlineExceeded, fault.TimedOut, "no complete answer within 30s", once},
		"end of the dialler's time":   {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, fault.TimedOut, "no complete answer within 30s", once},
		"early end":                   {io.ErrUnexpectedEOF, fault.Unreachable, saysBroken, again},
		"closed":                      {fmt.Errorf("read: %w", net.ErrClosed), fault.Unreachable, saysBroken, again},
		"stream error":                {errors.New("stream error: stream ID 1; INTERNAL_ERROR"), fault.Unreachable, saysBroken, again},
		"GOAWAY":                      {errors.New("http2: server sent GOAWAY and closed the connection"), fault.Unreachable, saysBroken, again},
		"ping without an answer":      {errors.New("http2: client connection lost"), fault.Unreachable, saysBroken, again},
		"other dial error":            {&net.OpError{Op: "dial", Err: errors.New("no suitable address")}, fault.Unreachable, "no connection could be made", again},
		"proxy 407":                   {&proxyRefusal{status: 407}, fault.ProxyRefused, "the proxy answered 407", never},
		"proxy 503":                   {&proxyRefusal{status: 503}, fault.ProxyRefused, "the proxy answered 503", again},
		"encoding not asked for":      {wire.ErrEncoding, fault.BadAnswer, saysCompression, never},
		"no gzip":                     {gzip.ErrHeader, fault.BadAnswer, saysCompression, never},
		"wrong sum of gzip":           {fmt.Errorf("read: %w", gzip.ErrChecksum), fault.BadAnswer, saysCompression, never},
		"broken within gzip":          {flate.CorruptInputError(7), fault.BadAnswer, saysCompression, never},
		"too large":                   {fmt.Errorf("%w: the body", wire.ErrTooLarge), fault.TooLarge, "too large: the body", never},
		"header too large":            {errors.New("net/http: server response headers exceeded 65536 bytes; aborted"), fault.TooLarge, "the response headers are over the limit of 65536 bytes", never},
		"no TLS":                      {tls.RecordHeaderError{}, fault.NotARegistry, "", never},
		"unknown authority":           {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, fault.CertificateRejected, "the certificate is signed by an authority that this machine does not know", never},
		"TLS refused":                 {errors.New("remote error: tls: handshake failure"), fault.CertificateRejected, "the TLS handshake failed", never},
		"redirect not followed":       {refuseRedirect("in a %s", "circle"), fault.BadRedirect, "in a circle", never},
		"no HTTP":                     {errors.New(`malformed HTTP response "SSH-2.0"`), fault.BadAnswer, "the answer is not valid HTTP", never},
	} {
		failed := transport.diagnose(test.err)
		if failed.Reason != test.reason || test.detail != "" && failed.Detail != test.detail {
			t.Errorf("%s: %s, %q; want %s, %q", name, failed.Reason, failed.Detail, test.reason, test.detail)
		}
		if got := verdictOn(test.err); got != test.verdict {
			t.Errorf("%s: verdict %d, want %d", name, got, test.verdict)
		}
	}
}

// What this machine's own sockets return, whatever the system.
func TestErrorsOfRealSockets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0) // closing sends a reset
			_ = conn.Close()
		}
	}()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for address, want := range map[string]string{listener.Addr().String(): saysBroken, closed.Addr().String(): saysRefused} {
		target := &url.URL{Scheme: "http", Host: address, Path: "/"}
		transport, err := New(Config{Registry: target, RequestTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer transport.Close()
		_, err = transport.Do(t.Context(), Request{Method: http.MethodGet, URL: target, Limit: 1})
		failed, ok := fault.As(err)
		if !ok || failed.Reason != fault.Unreachable || failed.Detail != want {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
