package flight

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// counted is a call that can be held, and counts how often it was begun.
type counted struct {
	begun   atomic.Int32
	release chan struct{}
	ended   chan error // why each call ended: nil when it was released
}

func newCounted() *counted {
	return &counted{release: make(chan struct{}), ended: make(chan error, 10)}
}

func (c *counted) call(ctx context.Context) (int, error) {
	n := c.begun.Add(1)
	select {
	case <-c.release:
		c.ended <- nil
		return int(n), nil
	case <-ctx.Done():
		c.ended <- ctx.Err()
		return 0, ctx.Err()
	}
}

func TestCallersOfOneKeyShareACall(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var f Group[int]
		c := newCounted()
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if got, _, err := f.Do(t.Context(), "key", c.call); got != 1 || err != nil {
					t.Errorf("value = %d, %v; want 1", got, err)
				}
			})
		}
		synctest.Wait()
		close(c.release)
		group.Wait()
		if n := c.begun.Load(); n != 1 {
			t.Errorf("the call was made %d times, want once", n)
		}
		if got, _, err := f.Do(t.Context(), "key", c.call); got != 2 || err != nil {
			t.Errorf("afterwards the value = %d, %v; want that of a new call", got, err)
		}
		if len(f.calls) != 0 {
			t.Errorf("%d calls are remembered", len(f.calls))
		}
	})
}

func TestCallersOfOtherKeysDoNotShare(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var f Group[string]
		release := make(chan struct{})
		var group sync.WaitGroup
		for _, key := range []string{"a", "b"} {
			group.Go(func() {
				got, _, err := f.Do(t.Context(), key, func(context.Context) (string, error) {
					<-release
					return "of " + key, nil
				})
				if got != "of "+key || err != nil {
					t.Errorf("value for %s = %q, %v", key, got, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		group.Wait()
	})
}

func TestCallOutlivesItsFirstCaller(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var f Group[int]
		c := newCounted()
		first, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, _, err := f.Do(first, "key", c.call); !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller's error = %v, want %v", err, context.Canceled)
			}
		})
		synctest.Wait()
		for range 3 {
			group.Go(func() {
				if got, _, err := f.Do(t.Context(), "key", c.call); got != 1 || err != nil {
					t.Errorf("value = %d, %v; want 1", got, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(c.release)
		group.Wait()
		if n := c.begun.Load(); n != 1 {
			t.Errorf("the call was made %d times, want once", n)
		}
	})
}

func TestCallHasNoDeadlineOfItsFirstCaller(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var f Group[int]
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := func(ctx context.Context) (int, error) {
			select {
			case <-time.After(time.Minute):
				return 1, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		var group sync.WaitGroup
		group.Go(func() {
			if _, _, err := f.Do(short, "key", slow); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if got, _, err := f.Do(t.Context(), "key", slow); got != 1 || err != nil {
				t.Errorf("value = %d, %v; want 1", got, err)
			}
		})
		group.Wait()
	})
}

// The last one to leave ends the call, and the next caller begins a new one.
func TestCallEndsWithItsLastCaller(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var f Group[int]
		c := newCounted()
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if _, _, err := f.Do(ctx, "key", c.call); !errors.Is(err, context.Canceled) {
					t.Errorf("error = %v, want %v", err, context.Canceled)
				}
			})
		}
		synctest.Wait()
		cancel()
		group.Wait()
		if err := <-c.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the call ended with %v, want %v", err, context.Canceled)
		}
		close(c.release)
		if got, _, err := f.Do(t.Context(), "key", c.call); got != 2 || err != nil {
			t.Errorf("afterwards the value = %d, %v; want that of a new call", got, err)
		}
	})
}

// A call that takes long to end must not replace the one that came after it.
func TestSlowCallDoesNotReplaceItsSuccessor(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		var f Group[string]
		stubborn := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			defer close(left)
			_, _, _ = f.Do(ctx, "key", func(context.Context) (string, error) {
				<-stubborn
				return "old", nil
			})
		}()
		synctest.Wait()
		cancel()
		<-left
		release := make(chan struct{})
		var begun atomic.Int32
		var group sync.WaitGroup
		join := func() {
			group.Go(func() {
				got, _, err := f.Do(t.Context(), "key", func(context.Context) (string, error) {
					begun.Add(1)
					<-release
					return "new", nil
				})
				if got != "new" || err != nil {
					t.Errorf("value = %q, %v; want new", got, err)
				}
			})
		}
		join()
		synctest.Wait()
		close(stubborn)
		synctest.Wait()
		join()
		synctest.Wait()
		close(release)
		group.Wait()
		if n := begun.Load(); n != 1 {
			t.Errorf("the new call was made %d times, want once", n)
		}
	})
}

func TestFailureIsSharedAndForgotten(t *testing.T) {
	var f Group[int]
	failure := errors.New("refused")
	if _, _, err := f.Do(t.Context(), "key", func(context.Context) (int, error) { return 0, failure }); !errors.Is(err, failure) {
		t.Errorf("error = %v, want %v", err, failure)
	}
	if got, _, err := f.Do(t.Context(), "key", func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
		t.Errorf("value = %d, %v; want 7", got, err)
	}
}

func TestNoCallBeginsForACallerThatIsGone(t *testing.T) {
	var f Group[int]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newCounted()
	if _, _, err := f.Do(ctx, "key", c.call); !errors.Is(err, context.Canceled) || c.begun.Load() != 0 {
		t.Errorf("error = %v after %d calls, want %v after none", err, c.begun.Load(), context.Canceled)
	}
}

// The values of the first caller's context, such as its logger, reach the call.
func TestCallHasTheValuesOfItsFirstCaller(t *testing.T) {
	type key struct{}
	var f Group[any]
	ctx := context.WithValue(t.Context(), key{}, "logger")
	if got, _, err := f.Do(ctx, "key", func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil }); got != "logger" || err != nil {
		t.Errorf("value = %v, %v; want logger", got, err)
	}
}
