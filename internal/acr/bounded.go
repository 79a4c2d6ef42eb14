package acr

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A body within its limit can still hold so many tiny elements that they take many times its size in memory. The types
// here are JSON arrays and objects that stop at a number of elements.
const (
	maxMembers  = 10_000  // of an object with free keys, such as annotations
	maxElements = 100_000 // of an array, such as a page of tags
)

var errTooMany = errors.New("it holds too many elements")

// eachElement calls element at every element of the array that comes next. An absent array is null; begin is called
// where there is one, even if it is empty.
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
	for n := 0; d.PeekKind() != ']'; n++ {
		if n == maxElements {
			return errTooMany
		}
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// eachMember calls member with every key of the object that comes next, at its value.
func eachMember(d *jsontext.Decoder, begin func(), member func(key string) error) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	if d.PeekKind() != '{' {
		return fmt.Errorf("%w: an object was expected", errShape)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	begin()
	for n := 0; d.PeekKind() != '}'; n++ {
		if n == maxMembers {
			return errTooMany
		}
		key, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(key.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// stringList is an array of strings.
type stringList []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *stringList) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return eachElement(d, func() { *l = stringList{} }, func() error {
		var element string
		err := json.UnmarshalDecode(d, &element)
		*l = append(*l, element)
		return err
	})
}

// stringMap is an object of strings, such as annotations.
type stringMap map[string]string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *stringMap) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return eachMember(d, func() { *m = stringMap{} }, func(key string) error {
		var value string
		err := json.UnmarshalDecode(d, &value)
		(*m)[key] = value
		return err
	})
}

// keySet is an object of which only the keys count.
type keySet map[string]struct{}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *keySet) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return eachMember(d, func() { *s = keySet{} }, func(key string) error {
		(*s)[key] = struct{}{}
		return d.SkipValue()
	})
}
