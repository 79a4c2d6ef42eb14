package acr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// accept returns an answer with an accepted status unchanged, and an error for anything else, including a web page with
// such a status. scopes are those of the request's token.
func (c *Client) accept(r request, res *transport.Response, err error, scopes []string) (*answer, error) {
	switch {
	case err != nil:
		return nil, err
	case !r.accepts(res.Status):
		return nil, c.refusal(r, res)
	case res.IsWebPage():
		failed := badAnswer(r, res, errors.New("a web page, sent as "+secret.Excerpt(res.Header.Get("Content-Type"))))
		failed.Reason = fault.NotARegistry
		return nil, failed
	}
	return &answer{res, scopes}, nil
}

// codeDisallowed is ACR's error code, with 405, for content that is locked or in quarantine, and for a write if the
// registry's storage is full. Source: https://github.com/Azure/azure-sdk-for-net/issues/22827.
const codeDisallowed = "REGISTRY_DISALLOWED_OPERATION"

// refusal returns the error for a status that is not accepted, once no further request can help.
func (c *Client) refusal(r request, res *transport.Response) *fault.Error {
	failed := res.Fault(fault.BadAnswer, r.Step)
	switch {
	case res.Status == http.StatusUnauthorized:
		c.explainUnauthorized(failed, r, res)
	case r.Content != nil && isUploadLost(failed):
		failed.Reason = fault.UploadLost
	case r.Method == http.MethodPut && slices.Contains(codesOfUnknownParts, failed.Code):
		failed.Reason, failed.Detail = fault.PartUnknown, unknownPart(res)
	case failed.Code == codeDisallowed && r.isRead():
		failed.Reason = fault.Disallowed
	case failed.Code == codeDisallowed:
		failed.Reason = fault.WriteDisallowed
	case res.Status == http.StatusForbidden:
		failed.Reason = fault.ReasonOf403(failed.Message)
	case res.Status == http.StatusFailedDependency:
		failed.Reason = fault.CacheRule
	case res.Status == http.StatusNotFound && r.part != "":
		failed.Reason, failed.Detail = fault.IncompleteImage, r.part+", but the registry does not have it"
	case res.Status == http.StatusNotFound:
		failed.Reason = c.notFound(r, res, failed.Code)
	case res.Status == http.StatusProxyAuthRequired:
		failed.Reason = fault.ProxyRefused
	case res.Status >= 500:
		failed.Reason = fault.RegistryFault
	case res.Status >= 400:
		failed.Reason = fault.RequestRefused
	}
	return failed
}

// codesOfUnknownParts are the error codes of a registry that refuses a manifest because it lacks a part of it. Source: OCI
// distribution spec 1.1, "Error Codes".
var codesOfUnknownParts = []string{"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"}

// unknownPart names the part that a registry lacks, if it says which.
func unknownPart(res *transport.Response) string {
	part := wire.ParseErrors(res.Body).Named
	if oci.ValidateDigest(part) != nil {
		return ""
	}
	return "the registry lacks " + part
}

// isUploadLost reports whether the registry refuses a blob because it does not know the upload, or expects it to go on
// elsewhere. Sources: OCI distribution spec 1.1, "Pushing blobs" and "Error Codes"; a recorded 416.
func isUploadLost(failed *fault.Error) bool {
	return failed.Status == http.StatusNotFound || failed.Status == http.StatusRequestedRangeNotSatisfiable ||
		failed.Code == "BLOB_UPLOAD_UNKNOWN" || failed.Code == "BLOB_UPLOAD_INVALID"
}

// notFound returns what a 404 means. It is the registry's own if it has a registry's error code or header, or if the
// registry had accepted the client's token; otherwise it is a proxy's or a web server's page. Registries also send 404
// as text/plain or without a body.
func (c *Client) notFound(r request, res *transport.Response, code string) fault.Reason {
	authenticated := r.token.IsZero() && c.whatIsKnown().challenge != nil
	itsOwn := code != "" || res.Header.Get("Docker-Distribution-Api-Version") != "" || authenticated && !res.IsWebPage()
	switch {
	case !itsOwn || res.Elsewhere != "":
		return fault.NotARegistry
	case code == "NAME_UNKNOWN":
		return fault.RepositoryNotFound
	case r.isList:
		return fault.ListNotFound
	default:
		return fault.ManifestNotFound
	}
}

// explainUnauthorized adds what a final 401 means. Its challenge distinguishes a missing permission from a bad token.
func (c *Client) explainUnauthorized(failed *fault.Error, r request, res *transport.Response) {
	failed.Reason = fault.InvalidToken
	if fault.IsOfCacheRule(failed.Message) {
		failed.Reason = fault.CacheRule
		return
	}
	if res.Elsewhere != "" {
		failed.Reason, failed.Detail = fault.BadRedirect, "a host that the registry redirected to asks for credentials, which it does not get"
		return
	}
	ch, err := auth.ReadChallenge(res.Header.Values("WWW-Authenticate"), c.policy)
	if err != nil {
		failed.Detail = err.Error()
		return
	}
	if ch.Code != "insufficient_scope" && (!r.token.IsZero() || ch.Code != "") {
		return
	}
	lacking := ch.Scopes
	if len(lacking) == 0 {
		lacking = r.scopes
	}
	failed.Reason, failed.Detail = lackingPermission(r), "the token does not cover "+strings.Join(lacking, " ")
	if r.token.IsZero() && auth.IsAnonymous(c.config.Credential) {
		failed.Reason = fault.NoCredential
		failed.Detail += "; it was requested with " + c.config.Credential.Description()
	}
}

// lackingPermission returns the reason for a missing permission: different roles grant push, delete and lock.
func lackingPermission(r request) fault.Reason {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return fault.InsufficientScope
	case http.MethodDelete:
		return fault.MayNotDelete
	case http.MethodPatch:
		return fault.MayNotLock
	default:
		return fault.MayNotPush
	}
}

// challengeRefused returns the error for a 401 without a challenge that can be answered.
func challengeRefused(r request, res *transport.Response, err error) *fault.Error {
	failed := res.Fault(fault.BadAnswer, r.Step)
	failed.Detail = err.Error()
	var foreign *auth.ForeignRealmError
	switch {
	case errors.As(err, &foreign):
		failed.Reason = fault.ForeignRealm
	case errors.Is(err, auth.ErrNoBearer):
		failed.Reason = fault.NotARegistry
	}
	return failed
}

// unsent is the error for a request without the token that it needs. An answer in it is the token server's, and says
// nothing about what was requested.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// tokenRefused returns the error for a request whose token could not be got: nil for nil.
func (c *Client) tokenRefused(err error) error {
	var refused *auth.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return unsent{c.refusalOfToken(refused)}
	}
	return unsent{err}
}

// refusalOfToken returns the error for a token server's refusal.
func (c *Client) refusalOfToken(refused *auth.Refusal) *fault.Error {
	res := refused.Answer
	failed := res.Fault(fault.RequestRefused, refused.Step)
	credential := c.config.Credential
	switch {
	case refused.Cause != nil:
		failed.Reason, failed.Code, failed.Message, failed.Detail = fault.BadAnswer, "", "", refused.Cause.Error()
	case res.Status == http.StatusForbidden: // also of a gateway's page: only a 401 is about the credential
		failed.Reason, failed.Detail = fault.ReasonOf403(failed.Message), "it was sent "+credential.Description()
	case res.Status == http.StatusBadRequest:
		failed.Detail = "the token server does not accept the requested scopes, or the service"
	case res.Status == http.StatusUnauthorized:
		failed.Reason, failed.Detail = fault.WrongCredentials, "it was sent "+credential.Description()
		switch _, signedIn := credential.(*auth.Entra); {
		case auth.IsAnonymous(credential):
			failed.Reason = fault.NoCredential
		case signedIn:
			failed.Reason = fault.ExchangeRefused
		}
	case res.Status == http.StatusNotFound:
		failed.Reason = fault.NotARegistry
	case res.Status == http.StatusProxyAuthRequired:
		failed.Reason = fault.ProxyRefused
	case res.Status >= 500:
		failed.Reason = fault.RegistryFault
	case res.Status < 400:
		failed.Reason = fault.BadAnswer
	}
	return failed
}

// badAnswer returns the error for an answer whose status is accepted and whose body is not. A *fault.Error keeps its
// reason; the text of any other error must not quote the answer.
func badAnswer(r request, res *transport.Response, err error) *fault.Error {
	failed := fault.Error{Reason: fault.BadAnswer, Detail: err.Error()}
	if decided, ok := fault.As(err); ok {
		failed = *decided
	} else if errors.Is(err, wire.ErrTooLarge) || errors.Is(err, wire.ErrTooMany) {
		failed.Reason = fault.TooLarge
	}
	failed.Step, failed.Status = r.Step, res.Status
	failed.CorrelationID = res.Header.Get("X-Ms-Correlation-Request-Id")
	return &failed
}

// codeUnsupported says that the registry has no such operation. Source: OCI distribution spec 1.1, "Error Codes".
const codeUnsupported = "UNSUPPORTED"

// lacksAPI reports whether an error means that the registry has no such API. Registries say so in many ways: by a
// status about the path, the method or what would be acceptable, by a 400 without a registry's code, or by a 200 with a
// page of their user interface or with something other than was requested. A code that says that the name is unknown
// does not mean that.
func lacksAPI(err error) bool {
	failed, ok := ofAnswer(err)
	if !ok {
		return false
	}
	switch failed.Status {
	case http.StatusOK:
		return failed.Reason == fault.NotARegistry
	case http.StatusNotFound:
		return !slices.Contains([]string{"NAME_UNKNOWN", "TAG_UNKNOWN", "MANIFEST_UNKNOWN"}, failed.Code)
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone, http.StatusNotImplemented:
		return failed.Code != codeDisallowed
	case http.StatusBadRequest:
		return failed.Code == "" || failed.Code == codeUnsupported
	}
	return failed.Code == codeUnsupported
}

// mayLackAPI reports whether another API should be asked, whose answer then counts: the registry has no such API, or
// something refuses the path that need not know what is behind it. Gateways and registries' user interfaces do so with
// a 401 or 403 without a registry's code, and registries call a path that they do not know a bad name. A 401 that names a
// missing permission is about what is behind the path.
func mayLackAPI(err error) bool {
	failed, ok := ofAnswer(err)
	if !ok {
		return false
	}
	switch failed.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if failed.Code == "" {
			return !slices.Contains([]fault.Reason{fault.ForeignRealm, fault.InsufficientScope, fault.NoCredential}, failed.Reason)
		}
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return lacksAPI(err)
}

// ofAnswer returns the error of an answer that may show that the API is missing, and whether there is one: of an answer to
// the request itself, and to the first page of a list.
func ofAnswer(err error) (*fault.Error, bool) {
	if errors.As(err, new(unsent)) || errors.As(err, new(laterPage)) {
		return nil, false
	}
	return fault.As(err)
}

// doACR sends a request of ACR's own API and decodes its answer. detail says in the error what only Azure Container
// Registry has.
func (c *Client) doACR(ctx context.Context, r request, detail string, decode func(*answer) error) error {
	answer, err := c.do(ctx, r)
	if err == nil {
		if err = decode(answer); err != nil {
			err = badAnswer(r, answer.Response, err)
		}
	}
	if lacksAPI(err) {
		return unsupported(err, detail)
	}
	return err
}

// otherAnswer returns the error for a 200 that is not an answer of the API.
func otherAnswer(format string, values ...any) error {
	return &fault.Error{Reason: fault.NotARegistry, Detail: fmt.Sprintf(format, values...)}
}

// isNotFound reports whether an error is a 404 of any kind: "if the referrers API returns a 404, the client MUST
// fallback to pulling the referrers tag schema" (OCI distribution spec 1.1, "Listing Referrers").
func isNotFound(err error) bool {
	failed, ok := ofAnswer(err)
	return ok && failed.Status == http.StatusNotFound
}

// isRefusal reports whether an error says that the caller may not, and not that there is nothing.
func isRefusal(err error) bool {
	failed, ok := fault.As(err)
	return ok && (failed.Status == http.StatusUnauthorized || failed.Status == http.StatusForbidden)
}

// unsupported returns the error for an API that the registry lacks.
func unsupported(err error, detail string) error {
	failed, ok := fault.As(err)
	if !ok {
		return err
	}
	mine := *failed
	mine.Reason, mine.Detail = fault.UnsupportedAPI, detail
	return &mine
}
