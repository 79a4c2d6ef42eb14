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

// unmarshal reads JSON of at most so many values, which it has counted first, in a pass that allocates nothing.
func unmarshal(body []byte, most int, into any) error {
	if countValues(body) > most {
		return errTooMany
	}
	return json.Unmarshal(body, into)
}

// countValues counts commas and opening brackets outside of strings.
func countValues(body []byte) (n int) {
	inString := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == '{' || c == '['):
			n++
		}
	}
	return n
}

// eachElement calls element at every element of the array that comes next, so that the first bad one ends the reading.
// An absent array is null; begin is called where there is one, even if it is empty.
func eachElement(d *jsontext.Decoder, begin func(), element func() error) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	if d.PeekKind() != '[' {
		return fmt.Errorf("%w: an array was expected", errShape)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	begin()
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}
