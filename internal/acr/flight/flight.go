// Package flight lets callers that want the same thing at the same time share one call.
package flight

import (
	"context"
	"sync"
)

// Group shares calls by key. Unlike x/sync/singleflight, a call does not belong to the caller that came first: one
// caller's cancellation does not fail the others, and the call is cancelled once nobody waits for it, so that no
// goroutine outlives its callers. Nothing is remembered after the call. The zero value is ready to use.
//
// resenje.org/singleflight has nearly this contract. It tells whether a value was shared, but not who began the call, by
// which a caller knows whether a failure is of its own making.
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

// Do returns what run returns for key, from the call that is under way if there is one; led reports whether this caller
// began it. Do returns early, with the context's error, when ctx ends.
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

// leave takes one waiter away; the last one ends the call and makes room for a fresh one.
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
