// Package secret holds passwords and tokens in a type that cannot print itself, and removes them from text that came
// from a server.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// placeholder is what a secret prints as.
const placeholder = "(secret)"

// Text is a password or a token. It prints a placeholder under every format verb, in JSON, in text and in slog, on its
// own and inside other values; only Reveal returns the text. The zero Text holds nothing.
//
// The text sits behind a function, because fmt reads unexported fields by reflection, past every method below. Of a
// function it can print only the address.
type Text struct {
	reveal func() string
}

// New wraps text. An empty text makes the zero Text.
func New(text string) Text {
	if text == "" {
		return Text{}
	}
	return Text{reveal: func() string { return text }}
}

// Reveal returns the wrapped text, empty for the zero Text. Call it only to put the text on the wire or hand it to
// Terraform.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero reports whether there is no text.
func (t Text) IsZero() bool { return t.reveal == nil }

// Format implements fmt.Formatter, which comes before every other way of printing.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + placeholder + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(placeholder) }

// FitsHeader reports whether the text can stand in an Authorization header: visible ASCII only. RFC 6750 section 2.1
// allows less, but registries with opaque tokens take more.
func (t Text) FitsHeader() bool {
	text := t.Reveal()
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
