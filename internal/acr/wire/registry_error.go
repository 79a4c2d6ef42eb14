package wire

import "github.com/go-json-experiment/json"

// RegistryError is one element of the error body that the OCI distribution spec defines ("Error Codes").
type RegistryError struct {
	Code    string
	Message string
}

// ParseErrors parses `{"errors":[{"code","message","detail"}]}` and returns the first error, as far as it is well
// formed. It ignores the detail, which may have any type.
func ParseErrors(body []byte) (first RegistryError, ok bool) {
	var answer struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 || answer.Errors[0].Code == "" {
		return RegistryError{}, false
	}
	return RegistryError(answer.Errors[0]), true
}
