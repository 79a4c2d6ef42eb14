package acr

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// WithoutBackOff makes attempts follow each other at once, unless the registry asks for a wait.
func (c *Client) WithoutBackOff() *Client {
	c.transport.BackOff = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
	return c
}

// SetClock replaces the client's clock.
func (c *Client) SetClock(now func() time.Time) { c.transport.Now = now }

// DialWith lets a test decide what a host and port lead to.
func (c *Client) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	c.transport.Dial = dial
	return c
}

// AwaitFirstDiscoveryBy waits until so many reads wait for the first discovery.
func (c *Client) AwaitFirstDiscoveryBy(t *testing.T, readers int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if c.first.Waiting("") >= readers {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d reads did not come to wait for one discovery", readers)
}
