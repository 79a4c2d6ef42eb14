package acr

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// errTooMany says that a body holds more values than its kind may: within its limit in bytes, a body can hold so many
// tiny ones that they take many times its size in memory, here and once more as values of Terraform's.
var errTooMany = errors.New("it holds too many values, more than any image or list has")

// errTooDeep says that a body is nested more deeply than anything that means to be read.
var errTooDeep = errors.New("it is nested too deeply")

// maxDepth bounds the nesting. Manifests have 4 levels, configurations hardly more.
const maxDepth = 1_000

// unmarshal reads JSON of at most so many values, which it has counted first, in a pass that allocates nothing.
func unmarshal(body []byte, most int, into any) error {
	switch values, depth := measure(body); {
	case values > most:
		return errTooMany
	case depth > maxDepth:
		return errTooDeep
	}
	return json.Unmarshal(body, into)
}

// measure counts the values of a body, by commas and opening brackets outside of strings, and its levels.
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

// eachElement calls element at every element of the array that comes next, so that the first bad one ends the reading.
// null is an array without elements.
func eachElement(d *jsontext.Decoder, element func() error) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	if d.PeekKind() != '[' {
		return fmt.Errorf("%w: an array was expected", errShape)
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
