// Package flight lets callers that want the same thing at the same time share one call.
package flight

import (
	"context"
	"sync"
)

// Group shares calls by key. Unlike in x/sync/singleflight, a call does not belong to the caller that came first.
// Cancelling one caller does not fail the others, and a call that nobody waits for is cancelled, so that no goroutine
// outlives its callers. Results are not cached. The zero value is ready to use.
//
// resenje.org/singleflight has nearly this contract. It reports whether a value was shared, but not who started the
// call, which tells a caller whether a failure is its own.
type Group[T any] struct {
	mu    sync.Mutex
	calls map[string]*call[T]
}

type call[T any] struct {
	done    chan struct{} // closed when value and err are set
	value   T
	err     error
	waiters int
	cancel  context.CancelFunc
}

// Do returns the result of run for key, from the call under way if there is one. led reports whether this caller
// started the call. If ctx ends, Do returns its error at once.
func (g *Group[T]) Do(ctx context.Context, key string, run func(context.Context) (T, error)) (value T, led bool, err error) {
	if err := ctx.Err(); err != nil {
		return value, true, err
	}
	c, led := g.join(ctx, key, run)
	select {
	case <-c.done:
		return c.value, led, c.err
	case <-ctx.Done():
		g.leave(key, c)
		return value, led, ctx.Err()
	}
}

// Waiting returns how many callers wait for the call of key.
func (g *Group[T]) Waiting(key string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.calls[key]; ok {
		return c.waiters
	}
	return 0
}

func (g *Group[T]) join(ctx context.Context, key string, run func(context.Context) (T, error)) (c *call[T], led bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c, ok := g.calls[key]; ok {
		c.waiters++
		return c, false
	}
	shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c = &call[T]{done: make(chan struct{}), waiters: 1, cancel: cancel}
	if g.calls == nil {
		g.calls = map[string]*call[T]{}
	}
	g.calls[key] = c
	go func() {
		defer cancel()
		c.value, c.err = run(shared)
		g.forget(key, c)
		close(c.done)
	}()
	return c, true
}

// leave removes one waiter. The last one cancels the call and makes room for a new one.
func (g *Group[T]) leave(key string, c *call[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiters--; c.waiters == 0 {
		c.cancel()
		g.remove(key, c)
	}
}

func (g *Group[T]) forget(key string, c *call[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(key, c)
}

func (g *Group[T]) remove(key string, c *call[T]) {
	if g.calls[key] == c {
		delete(g.calls, key)
	}
}
