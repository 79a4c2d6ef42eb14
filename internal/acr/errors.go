package acr

import (
	"net/http"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	jsonv2 "github.com/go-json-experiment/json"
)

// registryError is one element of the error body that the OCI distribution spec defines ("Error Codes").
type registryError struct {
	Code    string
	Message string
}

// decodeErrors reads `{"errors":[{"code","message","detail"}]}` as far as it is well formed. The detail may be of any
// type and is left alone.
func decodeErrors(body []byte) (first registryError, ok bool) {
	var answer struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := jsonv2.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 || answer.Errors[0].Code == "" {
		return registryError{}, false
	}
	return registryError(answer.Errors[0]), true
}

// codeDisallowed is what ACR answers, with 405, about content that is locked or in quarantine. Source:
// https://github.com/Azure/azure-sdk-for-net/issues/22827.
const codeDisallowed = "REGISTRY_DISALLOWED_OPERATION"

// statusReason tells what an answer's status and code mean once no further request can mend it.
func statusReason(status int, code string) fault.Reason {
	switch {
	case status == http.StatusUnauthorized:
		return fault.InvalidToken
	case code == codeDisallowed:
		return fault.Disallowed
	case status == http.StatusForbidden:
		return fault.Denied
	case status == http.StatusNotFound && code == "NAME_UNKNOWN":
		return fault.RepositoryNotFound
	case status == http.StatusNotFound:
		return fault.ManifestNotFound
	case status == http.StatusProxyAuthRequired:
		return fault.ProxyRefused
	case status == http.StatusTooManyRequests:
		return fault.RateLimited
	case status >= 500:
		return fault.RegistryFault
	case status >= 400:
		return fault.RequestRefused
	default:
		return fault.BadAnswer
	}
}
