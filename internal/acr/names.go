package acr

import (
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// ParseRegistry checks a login server, `host[:port]`, and gives it in lower case: ACR refuses to authenticate any other
// spelling. The error shows what to write where the value has a scheme or a path, but nothing of a value with user
// information.
func ParseRegistry(value string) (string, error) {
	registry := strings.ToLower(value)
	if isHost(registry) {
		return registry, nil
	}
	if host := bareHost(registry); isHost(host) && !strings.Contains(value, "@") {
		return "", fault.Invalid("registry", "is a login server alone, without scheme, path or space: write %q", host)
	}
	return "", fault.Invalid("registry", "is not a login server, which is host[:port] such as \"example.azurecr.io\"")
}

// bareHost cuts spaces, scheme and path off.
func bareHost(value string) string {
	value = strings.TrimSpace(value)
	if _, rest, found := strings.Cut(value, "://"); found {
		value = rest
	}
	host, _, _ := strings.Cut(value, "/")
	return host
}

// isHost applies the grammar of the reference's domain, and asks for a port in range.
func isHost(hostport string) bool {
	named, err := reference.WithName(hostport + "/x")
	if err != nil || reference.Domain(named) != hostport || hostport != strings.ToLower(hostport) {
		return false
	}
	u, err := url.Parse("https://" + hostport)
	return err == nil && validPort(u.Port())
}

func validPort(port string) bool {
	return len(port) < 5 || len(port) == 5 && port <= "65535"
}

// ValidateTrustedTokenHost checks one entry of trusted_token_hosts, `host[:port]`.
func ValidateTrustedTokenHost(host string) error {
	if !isHost(strings.ToLower(host)) {
		return fault.Invalid("trusted_token_hosts", "every element is a host[:port], without scheme and path")
	}
	return nil
}

// ValidateRepository checks a repository name against the OCI distribution spec's <name>.
func ValidateRepository(repository string) error {
	if repository == "" {
		return fault.Invalid("repository", "is empty")
	}
	// The grammar of a whole reference takes a first component with a dot for a host, so one is put before it.
	named, err := reference.WithName("r.io/" + repository)
	if err != nil || reference.Path(named) != repository {
		return fault.Invalid("repository", "%q is not a repository name: lower-case letters and digits, joined by \".\", \"_\", \"__\", \"-\" or \"/\", without the registry and without a tag", secret.Excerpt(repository))
	}
	return nil
}

// ValidateTag checks a tag against the OCI distribution spec: at most 128 letters, digits, ".", "_" and "-", not
// beginning with "." or "-".
func ValidateTag(tag string) error {
	if match := reference.TagRegexp.FindString(tag); match == "" || match != tag {
		return fault.Invalid("tag", "%q is not a tag: at most 128 letters, digits, \".\", \"_\" and \"-\", not beginning with \".\" or \"-\"", secret.Excerpt(tag))
	}
	return nil
}

// ValidateDigest checks a digest of an algorithm whose hash can be computed here: sha256, sha384 or sha512.
func ValidateDigest(value string) error {
	if err := digest.Digest(value).Validate(); err != nil {
		return fault.Invalid("digest", "%q is not a digest such as \"sha256:\" and 64 hexadecimal digits", secret.Excerpt(value))
	}
	return nil
}

// scopePattern is the grammar of a token's scope: resource type with an optional class, name, actions. It is compiled
// at first use: most runs have no scope to check, and a provider starts often.
// Source: distribution, "Token Scope Documentation".
var scopePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]+(\([a-z0-9]+\))?:[A-Za-z0-9._/:*-]+:(\*|[a-z_]+)(,(\*|[a-z_]+))*$`)
})

// ValidateScope checks one complete scope, such as `registry:catalog:*` or `repository:app:pull,push`.
func ValidateScope(scope string) error {
	if !scopePattern().MatchString(scope) {
		return fault.Invalid("scopes", "%q is not a scope such as \"registry:catalog:*\" or \"repository:app:pull,push\"", secret.Excerpt(scope))
	}
	return nil
}

// ValidateAction checks one action of a scope, such as `pull` or `metadata_read`.
func ValidateAction(action string) error {
	if action == "" || action != "*" && strings.Trim(action, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return fault.Invalid("actions", "%q is not an action such as \"pull\" or \"metadata_read\"", secret.Excerpt(action))
	}
	return nil
}

// ValidateAccessToken refuses what cannot stand in an Authorization header. The error does not show the value.
func ValidateAccessToken(token secret.Text) error {
	if !token.FitsHeader() {
		return fault.Invalid("access_token", "is empty or holds a character that no token has, such as a line break")
	}
	return nil
}
