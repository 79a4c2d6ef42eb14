package acr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// hasBlob reports whether a repository has a blob. Its token includes push.
func (c *Client) hasBlob(ctx context.Context, repository string, d digest.Digest, token *sharedToken) (bool, error) {
	r := c.request(headBlob, repository, d.String(), nil)
	r.shared = token
	r.Step = "looking for " + c.Pin(repository, d)
	answer, err := c.do(ctx, r)
	return err == nil && answer.Status != http.StatusNotFound, err
}

// openBlob begins to read a blob. Errors, also those of the reader, are *fault.Error.
func (c *Client) openBlob(ctx context.Context, repository string, d oci.Descriptor, token *sharedToken) (_ *blobReader, err error) {
	operation := "reading the blob " + c.Pin(repository, d.Digest)
	defer c.finish(&err, operation)
	r := c.request(getBlob, repository, d.Digest.String(), nil)
	r.shared = token
	r.Streamed = true
	r.part = "a manifest names this blob"
	answer, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return &blobReader{
		client: c, ctx: ctx, operation: operation, request: r, answer: answer.Response,
		blob: d, hash: d.Digest.Verifier(), logged: c.transport.Now(),
	}, nil
}

// blobReader reads a blob and checks it against its descriptor. It holds back the last bytes until all of them are
// verified, so whoever passes them on never sends a complete blob that is wrong.
type blobReader struct {
	client    *Client
	ctx       context.Context // of the read, for the log
	operation string
	request   request
	answer    *transport.Response
	blob      oci.Descriptor
	hash      digest.Verifier
	read      int64
	verified  bool
	failed    error     // what Read returned other than io.EOF
	logged    time.Time // when the log last showed how far this is
}

// Read implements io.Reader. Errors are io.EOF and *fault.Error.
func (b *blobReader) Read(p []byte) (n int, err error) {
	if b.verified {
		return 0, io.EOF
	}
	n, err = b.answer.Stream.Read(p[:min(int64(len(p)), b.blob.Size-b.read)])
	_, _ = b.hash.Write(p[:n])
	b.read += int64(n)
	b.logProgress()
	switch {
	case b.read == b.blob.Size:
		if err = b.verify(); err == nil {
			return n, nil
		}
		n = 0
	case errors.Is(err, io.EOF):
		err = badAnswer(b.request, b.answer, mismatched("it ends after %d of %d bytes", b.read, b.blob.Size))
	}
	b.client.finish(&err, b.operation)
	b.failed = err
	return n, err
}

// verify checks the digest once all bytes of the descriptor's size have come, and that no more follow.
func (b *blobReader) verify() error {
	if !b.hash.Verified() {
		return badAnswer(b.request, b.answer, mismatched("its bytes have another digest"))
	}
	more, err := io.ReadFull(b.answer.Stream, make([]byte, 1))
	switch {
	case more > 0:
		return badAnswer(b.request, b.answer, mismatched("it does not end after its %d bytes", b.blob.Size))
	case err != io.EOF:
		return err
	}
	b.verified = true
	return nil
}

func mismatched(format string, values ...any) *fault.Error {
	return &fault.Error{Reason: fault.DigestMismatch, Detail: fmt.Sprintf(format, values...)}
}

// logEvery is how often the log reports on a blob under way.
const logEvery = 10 * time.Second

func (b *blobReader) logProgress() {
	now := b.client.transport.Now()
	if b.client.config.Log == nil || now.Sub(b.logged) < logEvery {
		return
	}
	b.logged = now
	b.client.config.Log(b.ctx, "copying a blob", map[string]any{
		"digest": b.blob.Digest.String(), "progress": fmt.Sprintf("%d of %d bytes", b.read, b.blob.Size),
	})
}

// Close implements io.Closer.
func (b *blobReader) Close() error { return b.answer.Stream.Close() }
