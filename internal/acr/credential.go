package acr

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Credential is what the token server is shown. The zero Credential is anonymous.
type Credential struct {
	// Username and Password go as Basic (RFC 7617). The username is an admin user, a token's name, a service
	// principal's id, or NullUsername with an ACR refresh token as the password.
	Username string
	Password secret.Text
	// RefreshToken goes in the form of POST /oauth2/token instead. `docker login` stores it as identitytoken.
	RefreshToken secret.Text
	// Source says where the credential was looked for, in words for an error, such as "the provider block".
	Source string
}

// NullUsername stands for a user whose password is an ACR refresh or access token. Source: Microsoft, "Azure
// Container Registry authentication", az acr login with --expose-token.
const NullUsername = "00000000-0000-0000-0000-000000000000"

// IsAnonymous reports whether nothing is shown to the token server.
func (c Credential) IsAnonymous() bool {
	return c.Username == "" && c.Password.IsZero() && c.RefreshToken.IsZero()
}

// Validate refuses half a credential and what Basic cannot carry: a user name with a colon or a control character
// (RFC 7617 section 2), a password with a line break. The error never shows the password.
func (c Credential) Validate() error {
	if c.IsAnonymous() || !c.RefreshToken.IsZero() {
		return nil
	}
	if c.Username == "" {
		return fault.Invalid("username", "a password was given without a user name")
	}
	if c.Password.IsZero() {
		return fault.Invalid("password", "a user name was given without a password")
	}
	if err := ValidateUsername(c.Username); err != nil {
		return err
	}
	return ValidatePassword(c.Password)
}

// ValidateUsername refuses what Basic cannot carry as a user name (RFC 7617 section 2).
func ValidateUsername(username string) error {
	if username == "" {
		return fault.Invalid("username", "is empty; leave it out for anonymous access")
	}
	if strings.Contains(username, ":") {
		return fault.Invalid("username", "holds a colon, which Basic authentication cannot carry in a user name")
	}
	if strings.ContainsFunc(username, unicode.IsControl) {
		return fault.Invalid("username", "holds a control character")
	}
	return nil
}

// ValidatePassword refuses an empty password and one with a line break, with which ACR's token server answers 500: it
// got there with a file's last newline. The error does not show the value.
func ValidatePassword(password secret.Text) error {
	if password.IsZero() {
		return fault.Invalid("password", "is empty; leave it out for anonymous access")
	}
	if strings.ContainsAny(password.Reveal(), "\r\n\x00") {
		return fault.Invalid("password", "holds a line break; trim it, with Terraform's chomp() for a file's content")
	}
	return nil
}

// basic gives the Authorization value: base64 of the raw bytes, no URL-encoding (RFC 7617 section 2).
func (c Credential) basic() secret.Text {
	pair := c.Username + ":" + c.Password.Reveal()
	return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(pair)))
}

// secrets lists what no error may repeat.
func (c Credential) secrets() []secret.Text {
	if c.IsAnonymous() {
		return nil
	}
	return []secret.Text{c.Password, secret.New(c.Username + ":" + c.Password.Reveal()), c.RefreshToken}
}

// description says in an error what was shown to the token server.
func (c Credential) description() string {
	switch {
	case c.IsAnonymous():
		return "no credential, since none was found in " + c.Source
	case !c.RefreshToken.IsZero():
		return fmt.Sprintf("the identity token from %s", c.Source)
	default:
		return fmt.Sprintf("the user %q and a password from %s", c.Username, c.Source)
	}
}
