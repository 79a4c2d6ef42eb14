package auth

import (
	"testing"
	"time"
)

func TestCloudOfARegistry(t *testing.T) {
	for registry, want := range map[string]string{
		"example.azurecr.io":        "public, of Azure",
		"example-0a1b.azurecr.io":   "public, of Azure",
		"example.azurecr.io:443":    "public, of Azure",
		"example.azurecr.cn":        "china, of Azure",
		"example.azurecr.us":        "usgovernment, of Azure",
		"registry.example.com":      "public",
		"example.azurecr.io.evil":   "public",
		"azurecr.io":                "public",
		"evil-azurecr.io":           "public",
		"localhost:5000":            "public",
		"[::1]:5000":                "public",
		"registry.example:azurecr.": "public",
	} {
		cloud, ofAzure := CloudOf(registry)
		got := cloud
		if ofAzure {
			got += ", of Azure"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", registry, got, want)
		}
	}
}

// From any answer, a login has a token that fits into a header, and is used for a limited time.
func FuzzLogin(f *testing.F) {
	for _, seed := range []string{
		`{"refresh_token":"opaque"}`,
		`{"refresh_token":"eyJhbGciOiJub25lIn0.eyJpYXQiOjAsImV4cCI6MTE3MDB9.x"}`,
		`{"refresh_token":"eyJhbGciOiJub25lIn0.eyJpYXQiOjkyMjMzNzIwMzY4NTQ3NzU4MDcsImV4cCI6MX0.x"}`,
		`{"refresh_token":null}`, `{"refresh_token":"a b"}`, `{"refresh_token":["a"]}`, `{}`, `[]`, "<html>", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		login, err := decodeLogin(body, asked)
		if err != nil {
			if login != nil {
				t.Errorf("a login beside the error %v", err)
			}
			return
		}
		if !login.RefreshToken.FitsHeader() || !login.renewAt.After(asked) {
			t.Errorf("token %q, renewed after %s", login.RefreshToken.Reveal(), login.renewAt.Sub(asked))
		}
		if y := login.ExpiresAt.Year(); y > 9999 || login.ExpiresAt.Location() != time.UTC {
			t.Errorf("ends at %s", login.ExpiresAt)
		}
	})
}
