package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// stream is exchange for content of any size, sent or received. Its time-out bounds the peer's silence, not the whole
// transfer: it starts again with every part that is sent or received, and pauses while the peer waits for this side.
func (t *Transport) stream(ctx context.Context, r Request) (*Response, error) {
	ctx, end := context.WithCancelCause(ctx)
	silence := t.newSilence(end)
	var content *sentContent
	if r.Content != nil {
		content = &sentContent{reader: r.Content, silence: silence}
		r.Content = content
	}
	answer, err := t.streamed(ctx, r, silence, end)
	silence.pause()
	if content != nil {
		if failed := content.stop(); failed != nil {
			answer, err = nil, failed
		}
	}
	if answer == nil || answer.Stream == nil {
		end(nil)
	}
	return answer, silence.explain(ctx, err)
}

// streamed sends the request and reads the answer to its end, unless the caller reads its body.
func (t *Transport) streamed(ctx context.Context, r Request, silence *silence, end context.CancelCauseFunc) (*Response, error) {
	res, away, err := t.follow(ctx, r)
	if err != nil {
		return nil, err
	}
	if !r.Streamed || res.StatusCode/100 != 2 {
		return r.readWhole(res, away)
	}
	// A Content-Encoding is not looked at: storage sends it for content that was stored compressed, such as a layer, whose
	// digest is that of the bytes as they come.
	answer := newResponse(res, away)
	answer.Stream = &receivedContent{
		transport: t, request: r, from: res.Request.URL, body: res.Body, ctx: ctx, silence: silence, end: end,
	}
	return answer, nil
}

// errSilent is returned if the peer neither accepted nor sent anything for the time of one attempt.
var errSilent = fmt.Errorf("silence: %w", context.DeadlineExceeded)

// silence ends a request whose peer is silent for too long.
type silence struct {
	limit time.Duration
	timer *time.Timer
}

func (t *Transport) newSilence(end context.CancelCauseFunc) *silence {
	limit := t.config.RequestTimeout
	return &silence{limit: limit, timer: time.AfterFunc(limit, func() { end(errSilent) })}
}

// wait starts the wait for the peer.
func (s *silence) wait() { s.timer.Reset(s.limit) }

// pause stops the wait: it is not the peer's turn.
func (s *silence) pause() { s.timer.Stop() }

// explain returns the cause of the context's end if that was silence, instead of an error that only says that it ended.
func (s *silence) explain(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// sentContent is the body of a request under way. http.Transport may go on reading it after an answer came: stop ends
// that, since the reader behind it is the caller's again.
type sentContent struct {
	silence *silence

	mu     sync.Mutex
	reader io.Reader // nil once stopped
	failed error     // of reader
}

func (c *sentContent) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reader == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	c.silence.pause()
	n, err := c.reader.Read(p)
	c.silence.wait()
	if err != nil && err != io.EOF {
		c.failed = err
	}
	return n, err
}

// stop ends the reading and returns the reader's own error, if there was one.
func (c *sentContent) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reader = nil
	return c.failed
}

// receivedContent is the body of an answer. Errors of Read are io.EOF and *fault.Error.
type receivedContent struct {
	transport *Transport
	request   Request
	from      *url.URL
	body      io.ReadCloser
	ctx       context.Context // that of the request, which lasts until Close
	silence   *silence
	end       context.CancelCauseFunc
}

func (c *receivedContent) Read(p []byte) (int, error) {
	c.silence.wait()
	n, err := c.body.Read(p)
	c.silence.pause()
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	err = c.silence.explain(c.ctx, err)
	if !errors.Is(err, errSilent) && c.ctx.Err() != nil {
		return n, cancelled(c.request.Step)
	}
	failed := c.transport.diagnose(c.request.redirected(c.from, err))
	failed.Step = c.request.Step
	return n, failed
}

func (c *receivedContent) Close() error {
	c.silence.pause()
	err := c.body.Close()
	c.end(nil)
	return err
}
