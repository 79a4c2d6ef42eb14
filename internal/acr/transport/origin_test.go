package transport

import (
	"net/url"
	"testing"
)

func TestOriginOf(t *testing.T) {
	for text, want := range map[string]string{
		"https://r.azurecr.io/v2/?q#f":    "https://r.azurecr.io",
		"https://r.azurecr.io:443/":       "https://r.azurecr.io",
		"https://r.azurecr.io:/":          "https://r.azurecr.io",
		"HTTPS://R.AzureCR.io:0443/":      "https://r.azurecr.io:0443",
		"https://r.azurecr.io:5000/":      "https://r.azurecr.io:5000",
		"http://localhost:80":             "http://localhost",
		"http://localhost:443":            "http://localhost:443",
		"https://localhost:80":            "https://localhost:80",
		"http://[::1]:5000/v2/":           "http://[::1]:5000",
		"http://[::1]/v2/":                "http://[::1]",
		"https://user:pw@r.azurecr.io/":   "https://r.azurecr.io",
		"https://r.azurecr.\u0130o/":      "https://r.azurecr.\u0130o",
		"https://\u212a.azurecr.io/":      "https://\u212a.azurecr.io",
		"https://r.azurecr.io.:443/token": "https://r.azurecr.io.",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := OriginOf(u).String(); got != want {
			t.Errorf("origin of %s = %s, want %s", text, got, want)
		}
	}
}

func TestOriginIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:5000": true, "127.0.0.1": true, "127.0.0.1:5000": true,
		"127.255.255.254": true, "[::1]:5000": true, "[::ffff:127.0.0.1]:5000": true,
		"localhost.example.com": false, "127.0.0.1.example.com": false, "10.0.0.1": false, "0.0.0.0:5000": false,
		"r.azurecr.io": false, "[::2]": false, "[fe80::1]": false, "128.0.0.1": false, "127.1": false, "": false,
	} {
		if got := HostOrigin("http", host).IsLoopback(); got != want {
			t.Errorf("%q is loopback = %t, want %t", host, got, want)
		}
	}
}
