package transport

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// getter reads once from the server of a bubble.
type getter struct {
	*Transport
	target *url.URL
}

func (g getter) get(ctx context.Context) error {
	_, err := g.Do(ctx, Request{Step: "reading from localhost:5000", Method: http.MethodGet, URL: g.target, Limit: 1 << 10})
	return err
}

// timed runs do in a bubble, with a transport to a server that answers by handler.
func timed(t *testing.T, handler http.HandlerFunc, do func(t *testing.T, g getter, server *pipenet.Server), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := pipenet.Serve(handler)
		target := &url.URL{Scheme: "http", Host: "localhost:5000", Path: "/v2/"}
		config := Config{Registry: target, RequestTimeout: 30 * time.Second, MaxRetries: 5, Secrets: &secret.Set{}}
		for _, c := range change {
			c(&config)
		}
		transport, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		transport.Dial = server.Dial
		do(t, getter{transport, target}, server)
		transport.Close()
		server.Close()
		time.Sleep(time.Hour) // handlers under way notice that their client is gone; a goroutine left then fails the test
	})
}
