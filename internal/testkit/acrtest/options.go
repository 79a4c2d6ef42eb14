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

// Options says what kind of registry Start makes. The zero value is a registry
// as Azure runs it: TLS, HTTP/2, one user, no anonymous pull, ACR's own API
// and the referrers API.
type Options struct {
	// Users maps a user name to its password; nil means DefaultUser and DefaultPassword.
	Users map[string]string
	// Grants limits a user to scopes such as "repository:app:pull,metadata_read",
	// as repository-scoped tokens are; the name "*" stands for every repository.
	// A user without an entry may do everything.
	Grants map[string][]string
	// AnonymousPull hands tokens for reading to requests without a credential.
	AnonymousPull bool

	// PlainHTTP serves http; otherwise TLS under a certificate authority made by Start.
	PlainHTTP bool
	// DisableHTTP2 leaves HTTP/1.1 alone on TLS.
	DisableHTTP2 bool
	// NoAuth makes an open registry, which never challenges.
	NoAuth bool
	// WithoutACRAPI answers /acr/v1/* with 404 text/plain, as other registries do.
	WithoutACRAPI bool
	// WithoutReferrersAPI answers the referrers API with 404 and keeps the
	// referrers tag schema of the OCI distribution spec 1.1 in its place.
	WithoutReferrersAPI bool

	// Entra tells the identity behind an access token of Entra ID that comes for
	// exchange, "" where the registry refuses it; nil refuses all. Grants holds
	// for an identity as for a user. It is called from several goroutines.
	Entra func(accessToken string) (identity string)
	// WithoutExchange answers /oauth2/exchange with 404, as registries do that
	// know no Entra ID.
	WithoutExchange bool

	// WritesDisallowed answers every write with 405 REGISTRY_DISALLOWED_OPERATION,
	// as a registry over its storage does.
	WritesDisallowed bool
	// MountFallsBack answers every mount with 202, an upload in its place: the OCI
	// distribution spec allows it, no recording has it.
	MountFallsBack bool
	// ReplicaLag is how often a tag that was written is still read as it was
	// before, as from a replica that the write has not reached.
	ReplicaLag int
	// ManifestsPerSecond, where above 0, is how many requests for manifests are
	// answered within a second; the others get 429 and Retry-After.
	ManifestsPerSecond int

	// OpaqueTokens hands out tokens that are no JWT.
	OpaqueTokens bool
	// TokenField names the token in the token endpoint's answer; default
	// "access_token", as Azure has it, while other registries say "token".
	TokenField string
	// TokenLifetime is exp - iat of an access token, RefreshTokenLifetime that of
	// a refresh token; default 4500 and 11700 seconds.
	TokenLifetime        time.Duration
	RefreshTokenLifetime time.Duration

	// ServiceName is the challenge's service; default the host that the request named.
	ServiceName string
	// Realm, where set, stands verbatim in every challenge.
	Realm string
	// ChallengeHeaders, where not nil, replaces the WWW-Authenticate lines of
	// every challenge verbatim.
	ChallengeHeaders []string

	// BlobRedirect answers GET of a blob with 307 to a second listener, which
	// refuses a request that carries Authorization or lacks the signature.
	BlobRedirect bool
	// PageSize is the length of a list page when the request names none; default 100.
	PageSize int
	// LinkAfterFullPage gives every full page a Link, the last one too: the page
	// behind it is empty, and its list null. So it was in 2021.
	LinkAfterFullPage bool
	// OmitConfigMediaType leaves configMediaType out of what ACR's own API says
	// of a manifest, as recorded for imported images.
	OmitConfigMediaType bool
	// Delay passes before each answer.
	Delay time.Duration
	// Clock tells tokens their time; default time.Now.
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
	o.RefreshTokenLifetime = cmp.Or(o.RefreshTokenLifetime, refreshTokenLifetime)
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	return o
}
