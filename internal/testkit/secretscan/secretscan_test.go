package secretscan_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
)

// secret has bytes that each form writes differently.
const secret = `pass+w/ord="ü&<x`

func TestFind(t *testing.T) {
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, content, form string }{
		{"raw", "it is " + secret + ".", "raw"},
		{"in a query", "?p=" + url.QueryEscape(secret), "URL query"},
		{"in a path", "/" + url.PathEscape(secret) + "/", "URL path"},
		{"in JSON", string(quoted), "JSON for HTML"},
		{"alone in base64", base64.StdEncoding.EncodeToString([]byte(secret)), "base64"},
		{"one byte in", base64.StdEncoding.EncodeToString([]byte("u" + secret + "?")), "base64"},
		{"two bytes in", base64.URLEncoding.EncodeToString([]byte("u:" + secret + "??")), "base64 for URLs"},
		{"three bytes in", base64.RawURLEncoding.EncodeToString([]byte("us:" + secret)), "base64 for URLs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if forms := secretscan.Find([]byte(c.content), secret); !slices.Contains(forms, c.form) {
				t.Errorf("found %q in %s, not %q", forms, c.content, c.form)
			}
		})
	}
	if forms := secretscan.Find([]byte("pass word, pass+w/ord, "+base64.StdEncoding.EncodeToString([]byte("pass+w/ord"))), secret); forms != nil {
		t.Errorf("found %q in a text without the secret", forms)
	}
}

func TestFolder(t *testing.T) {
	folder := t.TempDir()
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	inner, err := writer.Create("state")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Write([]byte("holds " + secret)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"plan": archive.String(), "clean": "nothing"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := secretscan.Folder(folder, map[string]string{"password": secret})
	if want := []string{"plan!state holds the password (raw)"}; err != nil || !slices.Equal(findings, want) {
		t.Errorf("Folder = %q, %v, want %q", findings, err, want)
	}
}
