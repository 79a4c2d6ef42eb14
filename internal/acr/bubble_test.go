package acr_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/pipenet"
)

// timed runs do in a bubble, with a client of a registry that answers by handler.
func timed(t *testing.T, handler http.HandlerFunc, do func(t *testing.T, client *acr.Client, server *pipenet.Server), change ...func(*acr.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := pipenet.Serve(handler)
		config := acr.Config{Registry: "localhost:5000", PlainHTTP: true, RequestTimeout: acr.DefaultRequestTimeout, MaxRetries: acr.DefaultMaxRetries}
		for _, c := range change {
			c(&config)
		}
		client, err := acr.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		do(t, client.DialWith(server.Dial), server)
		client.Close()
		server.Close()
		time.Sleep(time.Hour) // handlers under way notice that their client is gone; a goroutine left then fails the test
	})
}

// tinyRegistry asks for a token, issues one and serves a manifest, for tests within a bubble.
func tinyRegistry(w http.ResponseWriter, r *http.Request) {
	switch kindOf(r) {
	case acrtest.KindChallenge:
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://localhost:5000/oauth2/token",service="localhost:5000",scope="repository:app:pull"`)
		w.WriteHeader(http.StatusUnauthorized)
	case acrtest.KindToken:
		_, _ = io.WriteString(w, `{"access_token":"opaque"}`)
	default:
		manifestOf(w, r)
	}
}

func kindOf(r *http.Request) acrtest.Kind {
	switch {
	case r.URL.Path == "/oauth2/token":
		return acrtest.KindToken
	case r.Header.Get("Authorization") == "":
		return acrtest.KindChallenge
	default:
		return acrtest.KindResource
	}
}
