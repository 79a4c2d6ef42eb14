package acr

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// accept returns an answer of a status that the request accepts unchanged, and an error for anything else, a web page
// sent with such a status included. scopes are those that the token was asked with.
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

// codeDisallowed is what ACR answers, with 405, about content that is locked or in quarantine, and to writes where the
// registry's storage is full. Source:
// https://github.com/Azure/azure-sdk-for-net/issues/22827.
const codeDisallowed = "REGISTRY_DISALLOWED_OPERATION"

// refusal returns what an answer means whose status is not the one wanted, once no further request can mend it.
func (c *Client) refusal(r request, res *transport.Response) *fault.Error {
	failed := res.Fault(fault.BadAnswer, r.Step)
	switch {
	case res.Status == http.StatusUnauthorized:
		c.explainUnauthorized(failed, r, res)
	case failed.Code == codeDisallowed && r.isRead():
		failed.Reason = fault.Disallowed
	case failed.Code == codeDisallowed:
		failed.Reason = fault.WriteDisallowed
	case res.Status == http.StatusForbidden:
		failed.Reason = fault.Denied
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

// notFound tells the registry's own word on a name from a proxy's or a web server's page: it has a registry's error
// code or header, or it came after the registry had taken the client's token. Registries also send 404 with text/plain
// or with no body at all.
func (c *Client) notFound(r request, res *transport.Response, code string) fault.Reason {
	authenticated := r.token.IsZero() && c.whatIsKnown().challenge != nil
	itsOwn := code != "" || res.Header.Get("Docker-Distribution-Api-Version") != "" || authenticated && !res.IsWebPage()
	switch {
	case !itsOwn || res.Elsewhere != "":
		return fault.NotARegistry
	case code == "NAME_UNKNOWN":
		return fault.RepositoryNotFound
	default:
		return fault.ManifestNotFound
	}
}

// explainUnauthorized says what a last 401 means: its challenge tells a missing permission from a bad token.
func (c *Client) explainUnauthorized(failed *fault.Error, r request, res *transport.Response) {
	failed.Reason = fault.InvalidToken
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
	failed.Reason, failed.Detail = lackingPermission(r), "the token lacks "+strings.Join(lacking, " ")
	if r.token.IsZero() && auth.IsAnonymous(c.config.Credential) {
		failed.Reason = fault.NoCredential
		failed.Detail += "; it was asked for with " + c.config.Credential.Description()
	}
}

// lackingPermission tells the permissions apart that different roles have.
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

// challengeRefused says why a 401 holds no challenge to answer.
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

// tokenRefused says why the token server gave no token. Any other error is returned unchanged.
func (c *Client) tokenRefused(err error) error {
	var refused *auth.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	res := refused.Answer
	failed := res.Fault(fault.RequestRefused, refused.Step)
	credential := c.config.Credential
	switch {
	case refused.Cause != nil:
		failed.Reason, failed.Code, failed.Message, failed.Detail = fault.BadAnswer, "", "", refused.Cause.Error()
	case res.Status == http.StatusForbidden && failed.Code == "DENIED":
		failed.Reason = fault.Denied
	case res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden:
		failed.Reason, failed.Detail = fault.WrongCredentials, "it was shown "+credential.Description()
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

// badAnswer is an answer whose status is the one wanted and whose body is not. A *fault.Error keeps its reason; the text
// of any other must not quote the answer.
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

// lacksAPI reports whether an error says that the registry has no such API: it does not know the path or the method,
// and it does not say with its own code that the name is what it does not know. Some registries have their user
// interface under every path that their API does not know, and answer with its page.
func lacksAPI(err error) bool {
	failed, ok := fault.As(err)
	if !ok {
		return false
	}
	switch failed.Status {
	case http.StatusOK:
		return failed.Reason == fault.NotARegistry
	case http.StatusNotFound:
		return !slices.Contains([]string{"NAME_UNKNOWN", "TAG_UNKNOWN", "MANIFEST_UNKNOWN"}, failed.Code)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return failed.Code != codeDisallowed
	}
	return false
}

// isNotFound reports a 404 of any kind: "if the referrers API returns a 404, the client MUST fallback to pulling the
// referrers tag schema" (OCI distribution spec 1.1, "Listing Referrers").
func isNotFound(err error) bool {
	failed, ok := fault.As(err)
	return ok && failed.Status == http.StatusNotFound
}

// unsupported is the answer to a request of an API that the registry lacks.
func unsupported(err error, detail string) error {
	failed, ok := fault.As(err)
	if !ok {
		return err
	}
	mine := *failed
	mine.Reason, mine.Detail = fault.UnsupportedAPI, detail
	return &mine
}
