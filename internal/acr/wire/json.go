package wire

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrTooMany is returned for a body with more values than its kind may have. Within its limit in bytes, a body can hold
// so many tiny values that they take many times its size in memory, here and once more in Terraform's values.
var ErrTooMany = errors.New("it holds too many values, more than any image or list has")

// errTooDeep is returned for a body that is nested more deeply than any honest one.
var errTooDeep = errors.New("it is nested too deeply")

// maxDepth bounds the nesting. Manifests have 4 levels, configurations hardly more.
const maxDepth = 1_000

// Unmarshal decodes JSON of at most so many values. It counts them first, in a pass that allocates nothing.
func Unmarshal(body []byte, most int, into any) error {
	switch values, depth := measure(body); {
	case values > most:
		return ErrTooMany
	case depth > maxDepth:
		return errTooDeep
	}
	return json.Unmarshal(body, into)
}

// measure returns the number of values in a body, by commas and opening brackets outside of strings, and its depth.
func measure(body []byte) (values, depth int) {
	inString, level := false, 0
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == ',':
			values++
		case c == '{' || c == '[':
			values++
			level++
			depth = max(depth, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return values, depth
}

// EachElement calls element for every element of the array that comes next. The first error ends the reading. null is
// an array without elements.
func EachElement(d *jsontext.Decoder, element func() error) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	if d.PeekKind() != '[' {
		return fmt.Errorf("%w: an array was expected", ErrShape)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// ErrShape is returned for a value of the wrong shape.
var ErrShape = errors.New("not the shape that was expected")

// Explain returns an error that says what is wrong with the JSON, from the error of Unmarshal, without quoting it.
func Explain(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, ErrTooMany):
		return ErrTooMany
	case errors.Is(err, errTooDeep):
		return errTooDeep
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("it has the same key twice in one object")
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not valid JSON at byte %d", syntax.ByteOffset)
	case errors.As(err, &semantic) && semantic.Err != nil:
		return fmt.Errorf("%s does not fit at byte %d", place(semantic.JSONPointer, "its JSON"), semantic.ByteOffset)
	case errors.As(err, &semantic):
		return fmt.Errorf("%s is JSON of another shape", place(semantic.JSONPointer, "it"))
	default:
		return errors.New("it is JSON of another shape")
	}
}

// place returns the name of the value at a pointer, such as "its config.Entrypoint". It leaves out keys that a stranger
// may have chosen. whole is the name of the whole text.
func place(pointer jsontext.Pointer, whole string) string {
	var path []string
	for key := range pointer.Tokens() {
		if len(key) > maxKey || strings.Trim(key, plainKey) != "" {
			break
		}
		path = append(path, key)
	}
	if len(path) == 0 {
		return whole
	}
	return "its " + strings.Join(path, ".")
}

// The parts of a path that an error may show: the keys of manifests and configurations, and indexes.
const (
	plainKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	maxKey   = 24
)

// LenientString is a JSON string, or empty for a value of any other type.
type LenientString string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *LenientString) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil || value.Kind() != '"' {
		return err
	}
	return json.Unmarshal(value, (*string)(s))
}
