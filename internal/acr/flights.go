package acr

import (
	"context"
	"sync"
)

// flights lets callers that want the same thing at the same time share one call. Unlike x/sync/singleflight, the call
// does not belong to the caller that came first: one caller's cancellation does not fail the others, and the call is
// cancelled once nobody waits for it, so that no goroutine outlives its callers. Nothing is remembered after the call.
// The zero value is ready to use.
type flights[T any] struct {
	mu    sync.Mutex
	calls map[string]*flight[T]
}

type flight[T any] struct {
	done    chan struct{} // closed when value and err are set
	value   T
	err     error
	waiters int
	cancel  context.CancelFunc
}

// do returns what call gives for key, from the call that is under way if there is one. It returns early, with the
// context's error, when ctx ends.
func (f *flights[T]) do(ctx context.Context, key string, call func(context.Context) (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	fl := f.join(ctx, key, call)
	select {
	case <-fl.done:
		return fl.value, fl.err
	case <-ctx.Done():
		f.leave(key, fl)
		var none T
		return none, ctx.Err()
	}
}

func (f *flights[T]) join(ctx context.Context, key string, call func(context.Context) (T, error)) *flight[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.calls[key]; ok {
		fl.waiters++
		return fl
	}
	shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
	fl := &flight[T]{done: make(chan struct{}), waiters: 1, cancel: cancel}
	if f.calls == nil {
		f.calls = map[string]*flight[T]{}
	}
	f.calls[key] = fl
	go func() {
		defer cancel()
		fl.value, fl.err = call(shared)
		f.forget(key, fl)
		close(fl.done)
	}()
	return fl
}

// leave takes one waiter away; the last one ends the call and makes room for a fresh one.
func (f *flights[T]) leave(key string, fl *flight[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.waiters--; fl.waiters == 0 {
		fl.cancel()
		f.remove(key, fl)
	}
}

func (f *flights[T]) forget(key string, fl *flight[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(key, fl)
}

func (f *flights[T]) remove(key string, fl *flight[T]) {
	if f.calls[key] == fl {
		delete(f.calls, key)
	}
}
