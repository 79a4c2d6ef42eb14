package acr

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// placeholder is what a secret prints as.
const placeholder = "(secret)"

// Secret holds a password or a token. It prints a placeholder under every format verb, in JSON, in text and in slog,
// on its own and inside other values; only Reveal hands out the text.
//
// The text sits behind a function, because fmt reads unexported fields by reflection, past every method below:
// of a function it can print no more than an address.
type Secret struct {
	reveal func() string
}

// NewSecret wraps text. An empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the wrapped text, empty for the zero Secret. Call it only where the text goes on the wire or to
// Terraform.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Format implements fmt.Formatter, which comes before every other way of printing.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// MarshalJSON implements json.Marshaler.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + placeholder + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(placeholder) }

// usableInHeader reports whether the text can stand in an Authorization header: visible ASCII only. RFC 6750 section
// 2.1 allows less, but registries with opaque tokens take more.
func (s Secret) usableInHeader() bool {
	text := s.Reveal()
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// secretSet holds what a client was given and what it handed out, so that no error repeats it: a server may echo in one
// answer what it learned from another request. The zero value is ready to use.
type secretSet struct {
	mu    sync.Mutex
	list  []Secret
	forms redactor // of all in the list, kept so that an error and a line of the log cost little
}

func (s *secretSet) add(secrets ...Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		known := slices.ContainsFunc(s.list, func(other Secret) bool { return other.Reveal() == secret.Reveal() })
		if !known && !secret.IsZero() {
			s.list = append(s.list, secret)
			s.forms = append(s.forms, newRedactor(secret)...)
		}
	}
}

func (s *secretSet) redactor() redactor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}
