package server

import (
	"context"
	"sync/atomic"
	"time"
)

// callContext is the context of one call. Until the call ends it is the same as its parent: values, deadline and
// cancellation pass through. After that it is cancelled, and keeps nothing alive even if somebody keeps it.
type callContext struct {
	within atomic.Pointer[context.Context] // the parent, made cancellable; over once the call has ended
}

// over is the context that replaces the parent once a call has ended.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// newCallContext returns the context of a call, and a function that ends it: it cancels the context, as gRPC does at
// the end of a call, and releases the parent.
func newCallContext(parent context.Context) (ctx *callContext, end func()) {
	within, cancel := context.WithCancel(parent)
	ctx = &callContext{}
	ctx.within.Store(&within)
	return ctx, func() {
		cancel()
		ctx.within.Store(&over)
	}
}

func (c *callContext) Deadline() (time.Time, bool) { return (*c.within.Load()).Deadline() }
func (c *callContext) Done() <-chan struct{}       { return (*c.within.Load()).Done() }
func (c *callContext) Err() error                  { return (*c.within.Load()).Err() }
func (c *callContext) Value(key any) any           { return (*c.within.Load()).Value(key) }
