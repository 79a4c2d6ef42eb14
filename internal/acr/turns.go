package acr

import "context"

// turns lets as many go on at a time as it has room for. Unlike those of a sync.Mutex, its waits end with a context.
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
