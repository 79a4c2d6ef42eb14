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
// formed. The detail may have any type.
func ParseErrors(body []byte) (first RegistryError, ok bool) {
	var answer struct {
		Errors []struct {
			Code    string      `json:"code"`
			Message string      `json:"message"`
			Detail  errorDetail `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 || answer.Errors[0].Code == "" {
		return RegistryError{}, false
	}
	said := answer.Errors[0]
	return RegistryError{said.Code, said.Message, string(said.Detail)}, true
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
