package entra

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// witness remembers the result of the last request of a sign-in. azidentity's errors repeat whole answers, and hide the
// transport's errors.
type witness struct {
	next   Transport
	failed error
	status int
	body   []byte
}

func (w *witness) Do(request *http.Request) (*http.Response, error) {
	w.status, w.body = 0, nil
	answer, err := w.next.Do(request)
	w.failed = err
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if w.body, w.failed = io.ReadAll(answer.Body); w.failed != nil {
		return nil, w.failed
	}
	w.status = answer.StatusCode
	answer.Body = io.NopCloser(bytes.NewReader(w.body))
	return answer, nil
}

// numbered has the reasons for the errors of Entra ID with their own advice. Source: Microsoft, "Microsoft Entra
// authentication and authorization error codes".
var numbered = map[string]fault.Reason{
	"AADSTS700024": fault.FederatedTokenExpired,
	"AADSTS90002":  fault.TenantNotFound,
	"AADSTS900023": fault.TenantNotFound,
	"AADSTS500011": fault.AudienceUnknown,
	"AADSTS50001":  fault.AudienceUnknown,
}

var (
	aadstsNumber = regexp.MustCompile(`AADSTS[0-9]{1,9}`)
	oauthError   = regexp.MustCompile(`^[a-z_]{1,40}$`) // RFC 6749 section 5.2 allows more, but no more is used
	traceID      = regexp.MustCompile(`^[0-9A-Fa-f-]{1,40}$`)
)

// aadsts returns the first error number of Entra ID in a text, such as AADSTS90002, empty if there is none.
func aadsts(text string) string { return aadstsNumber.FindString(text) }

// explain returns why a sign-in failed. Of an answer it repeats only what has the form of a code or an id: Entra ID may
// echo what it was sent.
func (i *Identity) explain(ctx context.Context, err error, seen *witness) *fault.Error {
	failed, known := fault.As(err)
	if !known {
		failed, known = fault.As(seen.failed)
	}
	var explained fault.Error
	switch {
	case ctx.Err() != nil:
		explained = fault.Error{Reason: fault.Canceled, Detail: "cancelled before an answer came"}
	case known:
		explained = *failed
	case seen.status/100 != 2 && seen.status != 0:
		explained = seen.refusal()
	case seen.status == 0 && seen.failed == nil:
		explained = fault.Error{Reason: fault.SignInRefused, Detail: "no request was sent, since a sign-in with these settings is impossible"}
	default:
		explained = fault.Error{Reason: fault.BadAnswer, Status: seen.status, Detail: "the answer holds no token"}
	}
	if explained.Step == "" {
		explained.Step = "signing in with " + i.String()
	}
	explained.Reason = i.blamed(explained.Reason)
	return &explained
}

// refusal parses an OAuth error (RFC 6749 section 5.2) with the members that Entra ID adds. IMDS uses the same form.
func (w *witness) refusal() fault.Error {
	var body struct {
		Error         string `json:"error"`
		Description   string `json:"error_description"`
		TraceID       string `json:"trace_id"`
		CorrelationID string `json:"correlation_id"`
	}
	_ = json.Unmarshal(w.body, &body) // what cannot be read stays empty
	number := aadsts(body.Description)
	failed := fault.Error{Reason: fault.SignInRefused, Status: w.status, Code: number}
	if reason := numbered[number]; reason != "" {
		failed.Reason = reason
	}
	var said []string
	if oauthError.MatchString(body.Error) {
		said = append(said, body.Error)
	}
	if traceID.MatchString(body.TraceID) {
		said = append(said, "trace id "+body.TraceID)
	}
	if traceID.MatchString(body.CorrelationID) {
		failed.CorrelationID = body.CorrelationID
	}
	failed.Detail = strings.Join(said, ", ")
	return failed
}

// blamed returns the reason for a failed sign-in, so that the registry is not blamed for it.
func (i *Identity) blamed(reason fault.Reason) fault.Reason {
	_, ofMachine := i.kind.(managedIdentityCredential)
	_, ofCertificate := i.kind.(certificateCredential)
	switch reason {
	case fault.Unreachable, fault.TimedOut, fault.RequestRefused: // the last of a 4xx that was tried again in vain
		if ofMachine {
			return fault.NoManagedIdentity
		}
		return fault.SignInUnavailable
	case fault.SignInRefused:
		if ofMachine {
			return fault.NoManagedIdentity
		}
	case fault.FederatedTokenExpired: // the certificate signs a token too, by this machine's clock
		if ofCertificate {
			return fault.SignInRefused
		}
	case fault.RegistryFault, fault.RateLimited:
		return fault.SignInUnavailable
	}
	return reason
}
