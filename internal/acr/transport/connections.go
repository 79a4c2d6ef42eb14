package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// connections bounds how many connections are open to each origin. MaxConnsPerHost of net/http does not: it no longer
// counts a connection of HTTP/2 that has as many streams as the server allows.
type connections struct {
	mu   sync.Mutex
	open map[Origin]chan struct{} // an element for each connection, from before its dial until it is closed
}

func (c *connections) to(origin Origin) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[Origin]chan struct{}{}
	}
	if c.open[origin] == nil {
		c.open[origin] = make(chan struct{}, maxAtATime)
	}
	return c.open[origin]
}

// errAllOpen is returned by a dial if all connections that the origin gets are open. The request is then sent again: one
// of them may have become free, and net/http looks for that only at the start.
var errAllOpen = errors.New("all connections to the host are open")

// patience is how long a dial waits for another connection to close.
const patience = 10 * time.Millisecond

// send makes an HTTP request of r for a target and sends it, once there is a connection for it.
func (t *Transport) send(ctx context.Context, r Request, target *url.URL, authorized bool) (*http.Response, error) {
	for {
		req, err := t.newRequest(context.WithValue(ctx, originKey{}, OriginOf(target)), r, target, authorized)
		if err != nil {
			return nil, err
		}
		res, err := t.base.RoundTrip(req)
		if !errors.Is(err, errAllOpen) { // else nothing of the request was sent
			return res, err
		}
	}
}

// originKey is the key of a request context's value: the Origin of the request. The address of a dial may be a proxy's.
type originKey struct{}

// dial is the DialContext of net/http.
func (t *Transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	origin, _ := ctx.Value(originKey{}).(Origin)
	open := t.connections.to(origin)
	select {
	case open <- struct{}{}:
	case <-time.After(patience):
		return nil, errAllOpen
	}
	conn, err := t.Dial(ctx, network, address)
	if err != nil {
		<-open
		return nil, err
	}
	return &connection{conn, sync.OnceFunc(func() { <-open })}, nil
}

// connection makes room for another one when it is closed.
type connection struct {
	net.Conn
	leave func()
}

func (c *connection) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
