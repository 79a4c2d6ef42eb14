package acr

import (
	"context"
	"net"

	"github.com/cenkalti/backoff/v5"
)

// WithoutBackOff makes attempts follow each other at once, unless the registry asks for a wait.
func (c *Client) WithoutBackOff() *Client {
	c.transport.newBackOff = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
	return c
}

// DialWith lets a test decide what a host and port lead to.
func (c *Client) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	c.transport.base.DialContext = dial
	return c
}
