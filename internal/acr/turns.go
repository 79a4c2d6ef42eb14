package acr

import "context"

// turns is a counting semaphore, or a mutex if it has room for one. Unlike that of a sync.Mutex, a wait ends with the
// context.
type turns chan struct{}

// take waits for a turn. The caller calls leave when it is over.
func (t turns) take(ctx context.Context) (leave func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
