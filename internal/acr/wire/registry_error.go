package wire

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// RegistryError is one element of the error body that the OCI distribution spec defines ("Error Codes").
type RegistryError struct {
	Code    string
	Message string
	Named   string // what the detail names, as it was sent: the detail if that is a text, else its member digest
}

// ParseErrors parses `{"errors":[{"code","message","detail"}]}` and returns the first error, as far as it is well
// formed; the zero value for none. Some registries leave the code out, or send a number: it is then empty. The detail may
// have any type.
func ParseErrors(body []byte) RegistryError {
	var answer struct {
		Errors []struct {
			Code    LenientString `json:"code"`
			Message LenientString `json:"message"`
			Detail  errorDetail   `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 {
		return RegistryError{}
	}
	first := answer.Errors[0]
	return RegistryError{string(first.Code), string(first.Message), string(first.Detail)}
}

// errorDetail is what the detail of an error names; empty for one of another shape.
type errorDetail string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (e *errorDetail) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch value.Kind() {
	case '"':
		return json.Unmarshal(value, (*string)(e))
	case '{':
		var detail struct {
			Digest LenientString `json:"digest"`
		}
		err = json.Unmarshal(value, &detail)
		*e = errorDetail(detail.Digest)
	}
	return err
}
