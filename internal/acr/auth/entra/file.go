package entra

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// The longest files, in bytes.
const (
	maxText        = 64 << 10 // one value, such as a token
	maxCertificate = 1 << 20  // a certificate with its chain and key
)

// readText returns the text in a file, without white space around it. Errors name the file.
func readText(name string) (secret.Text, error) {
	content, err := readFile(name, maxText)
	if err != nil {
		return secret.Text{}, err
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return secret.Text{}, fmt.Errorf("the file %s is empty", secret.Excerpt(name))
	}
	return secret.New(text), nil
}

// readFile returns the content of a file of at most limit bytes. Errors name the file.
func readFile(name string, limit int64) ([]byte, error) {
	content, err := readBounded(name, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the file %s does not exist", secret.Excerpt(name))
	case err != nil:
		return nil, fmt.Errorf("the file %s cannot be read", secret.Excerpt(name))
	case int64(len(content)) > limit:
		return nil, fmt.Errorf("the file %s is over the limit of %d bytes", secret.Excerpt(name), limit)
	}
	return content, nil
}

// readBounded stops after the first byte over the limit.
func readBounded(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, limit+1))
}
