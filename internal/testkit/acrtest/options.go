package acrtest

import (
	"cmp"
	"time"
)

// The credential that a registry accepts when Options.Users is nil.
const (
	DefaultUser     = "admin"
	DefaultPassword = "acrtest-password"
)

// Options says what kind of registry Start makes. The zero value is a registry as Azure runs it: TLS, HTTP/2, one user,
// no anonymous pull, ACR's own API and the referrers API.
type Options struct {
	// Users maps a user name to its password; nil means DefaultUser and DefaultPassword.
	Users map[string]string
	// Grants limits a user to scopes such as "repository:app:pull,metadata_read", as repository-scoped tokens are; the
	// name "*" stands for every repository. A user without an entry may do everything.
	Grants map[string][]string
	// AnonymousPull hands tokens for reading to requests without a credential.
	AnonymousPull bool

	// PlainHTTP serves http; otherwise TLS under a certificate authority made by Start.
	PlainHTTP bool
	// DisableHTTP2 allows only HTTP/1.1 over TLS.
	DisableHTTP2 bool
	// NoAuth makes an open registry, which never challenges.
	NoAuth bool
	// WithoutACRAPI answers /acr/v1/* with 404 text/plain, as other registries do.
	WithoutACRAPI bool
	// WithoutReferrersAPI answers the referrers API with 404 and supports the referrers tag schema of the OCI
	// distribution spec 1.1 instead.
	WithoutReferrersAPI bool

	// Entra returns the identity behind an access token of Entra ID that is to be exchanged, "" if the registry refuses
	// it; nil refuses all. Grants applies to an identity as to a user. It is called from several goroutines.
	Entra func(accessToken string) (identity string)
	// WithoutExchange answers /oauth2/exchange with 404, as registries without Entra ID do.
	WithoutExchange bool

	// WritesDisallowed answers every write with 405 REGISTRY_DISALLOWED_OPERATION, as a registry with full storage
	// does.
	WritesDisallowed bool
	// MountFallsBack answers every mount with 202, and an upload instead: the OCI distribution spec allows that, but no
	// recording has it.
	MountFallsBack bool
	// ReplicaLag is how many reads of a tag after a write still return what it was before, like a replica that the
	// write has not reached.
	ReplicaLag int
	// ManifestsPerSecond, if above 0, is how many requests for manifests are answered within a second; the others get
	// 429 and Retry-After.
	ManifestsPerSecond int

	// OpaqueTokens hands out tokens that are no JWT.
	OpaqueTokens bool
	// TokenField names the token in the token endpoint's answer; default
	// "access_token", as Azure has it, while other registries say "token".
	TokenField string
	// TokenLifetime is exp - iat of an access token, RefreshTokenLifetime that of
	// a refresh token; default 4500 and 11700 seconds.
	TokenLifetime time.Duration

	// ServiceName is the challenge's service; default the host that the request named.
	ServiceName string
	// Realm, if set, is used verbatim in every challenge.
	Realm string
	// ChallengeHeaders, if not nil, replaces the WWW-Authenticate lines of every challenge verbatim.
	ChallengeHeaders []string

	// BlobRedirect answers GET of a blob with 307 to a second listener, which
	// refuses a request that carries Authorization or lacks the signature.
	BlobRedirect bool
	// PageSize is the length of a list page when the request names none; default 100.
	PageSize int
	// LinkAfterFullPage adds a Link to every full page, including the last one: the page behind that is empty, and its
	// list null. That was so in 2021.
	LinkAfterFullPage bool
	// OmitConfigMediaType leaves configMediaType out of ACR's own API, as recorded for imported images.
	OmitConfigMediaType bool
	// Delay passes before each answer.
	Delay time.Duration
	// Clock returns the time for tokens; default time.Now.
	Clock func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Users == nil {
		o.Users = map[string]string{DefaultUser: DefaultPassword}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.TokenField = cmp.Or(o.TokenField, "access_token")
	o.TokenLifetime = cmp.Or(o.TokenLifetime, accessTokenLifetime)
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	return o
}
