// Package secretscan looks for secrets where none may be: in text and in files, in each form in which one may have been
// written. The package is for tests only.
package secretscan

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Find returns the forms in which the content holds the secret, such as "raw" or "base64"; nil for none.
func Find(content []byte, secret string) []string {
	var found []string
	folded := bytes.ToLower(content)
	for _, form := range forms(secret) {
		// Folded, since the case of hexadecimal digits is free.
		if bytes.Contains(folded, bytes.ToLower([]byte(form.text))) {
			found = append(found, form.name)
		}
	}
	return found
}

type form struct{ name, text string }

func forms(secret string) []form {
	all := []form{
		{"raw", secret},
		{"hexadecimal", hex.EncodeToString([]byte(secret))},
		{"URL query", url.QueryEscape(secret)},
		{"URL path", url.PathEscape(secret)},
		{"JSON", inJSON(secret, false)},
		{"JSON for HTML", inJSON(secret, true)},
		{"Go or HCL", strings.Trim(fmt.Sprintf("%q", secret), `"`)},
	}
	for offset := range 3 {
		all = append(all,
			form{"base64", inBase64(base64.RawStdEncoding, secret, offset)},
			form{"base64 for URLs", inBase64(base64.RawURLEncoding, secret, offset)})
	}
	return all
}

func inJSON(secret string, html bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	_ = encoder.Encode(secret) // a string never fails
	return strings.Trim(strings.TrimSpace(out.String()), `"`)
}

// inBase64 returns what base64 makes of the secret when offset bytes stand before it, as in "user:password", less the
// characters at both ends that depend on what stands beside it.
func inBase64(encoding *base64.Encoding, secret string, offset int) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
	first := (offset*8 + 5) / 6
	last := (offset + len(secret)) * 8 / 6
	return encoded[first:last]
}

// Folder looks for each of the secrets, by name, in each file below the folder and in each file of a zip archive, which
// a plan file is. It returns a line for each finding: "FILE holds the NAME (FORM)".
func Folder(folder string, secrets map[string]string) ([]string, error) {
	var findings []string
	look := func(name string, content []byte) {
		for secretName, secret := range secrets {
			for _, form := range Find(content, secret) {
				findings = append(findings, fmt.Sprintf("%s holds the %s (%s)", name, secretName, form))
			}
		}
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		look(name, content)
		return unpack(content, func(inner string, content []byte) { look(name+"!"+inner, content) })
	})
	return findings, err
}

// unpack passes each file of a zip archive to look. Content that is no archive has none.
func unpack(content []byte, look func(name string, content []byte)) error {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil // not an archive
	}
	for _, file := range archive.File {
		reader, err := file.Open()
		if err != nil {
			return err
		}
		inner, err := io.ReadAll(reader)
		_ = reader.Close()
		if err != nil {
			return err
		}
		look(file.Name, inner)
	}
	return nil
}
