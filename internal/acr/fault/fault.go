// Package fault holds the one error type of the client and its reasons.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Reason is why an operation failed. The provider has a summary and advice for each.
type Reason string

// The reasons. Each stands for something that a person has to do, not for a function that failed.
const (
	InvalidArgument     Reason = "invalid argument"      // a name or value breaks its grammar; nothing was sent
	MissingSetting      Reason = "missing setting"       // an argument that goes with another one is not given; nothing was sent
	ConflictingSettings Reason = "conflicting settings"  // two arguments contradict each other; nothing was sent
	Unreachable         Reason = "unreachable"           // unknown host, connection refused or broken
	TimedOut            Reason = "timed out"             // no complete answer within the request time-out
	Canceled            Reason = "cancelled"             // the caller gave up
	CertificateRejected Reason = "certificate rejected"  // TLS failed
	ProxyRefused        Reason = "proxy refused"         // the HTTP proxy did not let the request through
	NotARegistry        Reason = "not a registry"        // the peer does not speak the registry protocol
	NoTokenNeeded       Reason = "no token needed"       // the registry asks for no token
	ForeignRealm        Reason = "foreign realm"         // the challenge names a token server that is not trusted
	BadRedirect         Reason = "bad redirect"          // a redirect that is not followed
	WrongCredentials    Reason = "wrong credentials"     // the token server refused user name and password
	NoCredential        Reason = "no credential"         // anonymous access is refused
	CredentialHelper    Reason = "credential helper"     // the Docker config or its credential helper failed
	InvalidToken        Reason = "invalid token"         // the registry refused the bearer token
	InsufficientScope   Reason = "insufficient scope"    // the token lacks a permission
	MayNotPush          Reason = "may not push"          // the token lacks push
	MayNotDelete        Reason = "may not delete"        // the token lacks delete
	MayNotLock          Reason = "may not lock"          // the token lacks metadata_write
	Denied              Reason = "denied"                // 403
	Firewall            Reason = "firewall"              // 403 of the registry's network rules
	CacheRule           Reason = "cache rule"            // the registry that a cache rule reads from refuses or fails
	Disallowed          Reason = "disallowed"            // locked against reading, or in quarantine
	RepositoryNotFound  Reason = "repository not found"  // 404 NAME_UNKNOWN
	ManifestNotFound    Reason = "manifest not found"    // 404 for a tag or digest
	ListNotFound        Reason = "list not found"        // 404 for a list
	UnsupportedAPI      Reason = "unsupported API"       // the registry lacks the API
	RateLimited         Reason = "rate limited"          // 429
	RegistryFault       Reason = "registry fault"        // 5xx
	RequestRefused      Reason = "request refused"       // another 4xx
	BadAnswer           Reason = "bad answer"            // an answer that breaks the protocol
	TooLarge            Reason = "answer too large"      // an answer over its limit
	DigestMismatch      Reason = "digest mismatch"       // the bytes do not match their digest
	Schema1             Reason = "schema 1"              // a Docker schema 1 manifest
	WriteDisallowed     Reason = "write disallowed"      // locked against writing, or the registry's storage is full
	TagElsewhere        Reason = "tag points elsewhere"  // the tag to create exists, and names another manifest
	TagMoved            Reason = "tag has moved"         // since it was last read
	NotInRepository     Reason = "not in repository"     // the repository has no manifest to put a tag on
	SignaturesDiffer    Reason = "signatures differ"     // the target of a copy has signatures that the source lacks
	CannotUntag         Reason = "cannot untag"          // the registry has no way to remove a tag alone
	IncompleteImage     Reason = "incomplete image"      // the registry lacks a part that a manifest names
	PartUnknown         Reason = "part unknown"          // the registry refuses a manifest, since it lacks a part that it names
	UploadLost          Reason = "upload lost"           // the registry does not know an upload that it began
	MalformedImage      Reason = "malformed image"       // the bytes match their digest, but are not a valid image
	PlatformNotFound    Reason = "platform not found"    // an image without the platform
	NotAnImage          Reason = "not a container image" // a manifest without an image configuration

	// Signing in with Entra ID.
	SignInUnavailable     Reason = "sign-in unavailable"     // the service that signs in, or that issues a federated token, fails or cannot be reached
	SignInRefused         Reason = "sign-in refused"         // Entra ID refuses the identity
	NoFederatedToken      Reason = "no federated token"      // neither configured nor issued by the CI server
	FederatedTokenExpired Reason = "federated token expired" // AADSTS700024
	TenantNotFound        Reason = "tenant not found"        // AADSTS90002, AADSTS900023
	AudienceUnknown       Reason = "audience unknown"        // AADSTS500011, AADSTS50001
	NoManagedIdentity     Reason = "no managed identity"     // the machine has none, or not this one
	AzureCLIMissing       Reason = "Azure CLI missing"       // no az on PATH
	AzureCLISignedOut     Reason = "Azure CLI signed out"    // az asks for az login
	AzureCLITimedOut      Reason = "Azure CLI timed out"     // az does not end
	AzureCLIFailed        Reason = "Azure CLI failed"        // az fails otherwise
	ExchangeRefused       Reason = "exchange refused"        // the registry refuses the token of this identity
	NoExchange            Reason = "no exchange"             // the registry does not support Entra ID
	NotSignedIn           Reason = "not signed in"           // what is asked for needs sign-in with Entra ID
)

// ofSignIn has the reasons of failures to sign in with Entra ID.
var ofSignIn = []Reason{
	SignInUnavailable, SignInRefused, NoFederatedToken, FederatedTokenExpired, TenantNotFound, AudienceUnknown, NoManagedIdentity,
	AzureCLIMissing, AzureCLISignedOut, AzureCLITimedOut, AzureCLIFailed, ExchangeRefused, NoExchange, NotSignedIn,
}

// ReasonOf403 returns the reason that the message of a registry's 403 gives: ACR has one code for all.
func ReasonOf403(message string) Reason {
	switch {
	case IsOfCacheRule(message):
		return CacheRule
	case strings.Contains(message, "is not allowed access") || strings.Contains(message, "aka.ms/acr/firewall"):
		return Firewall
	default:
		return Denied
	}
}

// IsOfCacheRule reports whether a registry's message, of a 401, 403, 429 or 5xx, is about the registry that a cache rule
// reads from. Sources: https://github.com/Azure/acr/issues/772, https://github.com/Azure/acr/issues/599 and
// https://github.com/Azure/acr/issues/754.
func IsOfCacheRule(message string) bool { return strings.Contains(message, "cache rule") }

// Error is the type of every failure that reaches a caller of the client. It holds no secret and no raw body: of a
// server's answer it keeps the registry's code, message and correlation id.
type Error struct {
	Reason        Reason
	Operation     string        // what was attempted, such as "reading the manifest app:1.0"
	Step          string        // which request of it failed, such as "asking https://r.azurecr.io/oauth2/token for a token"; may be empty
	Status        int           // HTTP status; 0 without an answer
	Code          string        // the registry's error code, such as MANIFEST_UNKNOWN
	Message       string        // the registry's message, one line, at most 300 characters, secrets replaced
	CorrelationID string        // X-Ms-Correlation-Request-Id, for Microsoft's support
	Detail        string        // what this client adds
	RetryAfter    time.Duration // the wait that the registry asked for; 0 without one
	Argument      string        // if IsOfArgument: the argument at fault, such as "repository"
}

// IsMissing reports whether err is a registry's own 404: the repository, tag or digest does not exist. A 404 of anything
// else, such as a proxy's page, has another reason.
func IsMissing(err error) bool {
	failed, ok := As(err)
	return ok && (failed.Reason == RepositoryNotFound || failed.Reason == ManifestNotFound)
}

// IsOfSignIn reports whether err is a failure to sign in with Entra ID, which is unrelated to what should have been
// read or written.
func IsOfSignIn(err error) bool {
	failed, ok := As(err)
	return ok && slices.Contains(ofSignIn, failed.Reason)
}

// As returns the *Error in an error's chain, and whether there is one.
func As(err error) (*Error, bool) {
	var failed *Error
	ok := errors.As(err, &failed)
	return failed, ok
}

// Error returns everything in one line.
func (e *Error) Error() string {
	var parts []string
	for _, part := range []string{e.Operation, e.Step, e.Answer(), e.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Answer returns what came back, in one line: status, registry code, message and correlation id. It is empty without an
// answer.
func (e *Error) Answer() string {
	if e.Status == 0 {
		return ""
	}
	answer := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	if e.Code != "" {
		answer += " " + e.Code
	}
	if e.Message != "" {
		answer += ": " + e.Message
	}
	if e.CorrelationID != "" && !strings.Contains(e.Message, e.CorrelationID) {
		answer += " (correlation id " + e.CorrelationID + ")"
	}
	return answer
}

// IsOfArgument reports whether err is about an argument, which is at fault before anything is sent.
func IsOfArgument(err error) bool {
	failed, ok := As(err)
	return ok && (failed.Reason == InvalidArgument || failed.Reason == MissingSetting || failed.Reason == ConflictingSettings)
}

// Invalid returns the error for an argument that breaks its grammar.
func Invalid(argument, format string, values ...any) *Error {
	return ofArgument(InvalidArgument, argument, format, values)
}

// Missing returns the error for an argument that goes with another one and is not given.
func Missing(argument, format string, values ...any) *Error {
	return ofArgument(MissingSetting, argument, format, values)
}

// Conflicting returns the error for an argument that contradicts another one.
func Conflicting(argument, format string, values ...any) *Error {
	return ofArgument(ConflictingSettings, argument, format, values)
}

func ofArgument(reason Reason, argument, format string, values []any) *Error {
	return &Error{Reason: reason, Operation: "checking " + argument, Argument: argument, Detail: fmt.Sprintf(format, values...)}
}
