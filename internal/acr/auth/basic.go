package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// NullUsername is the user name that goes with an ACR refresh or access token as the password. Source: Microsoft,
// "Azure Container Registry authentication", az acr login with --expose-token.
const NullUsername = "00000000-0000-0000-0000-000000000000"

// Basic sends a user name and a password by the Basic scheme (RFC 7617).
type Basic struct {
	// Username is an admin user, a token's name, a service principal's id, or NullUsername with an ACR refresh token as
	// the password.
	Username string
	Password secret.Text
	// Source is where both came from, in words for an error, such as "the provider block".
	Source string
}

// Validate returns an error for half a credential, and for what Basic cannot carry.
func (b Basic) Validate() error {
	switch {
	case b.Username == "":
		return fault.Missing("username", "a password was given without a user name")
	case b.Password.IsZero():
		return fault.Missing("password", "a user name was given without a password")
	}
	if err := ValidateUsername(b.Username); err != nil {
		return err
	}
	return ValidatePassword(b.Password)
}

// Request implements Credential: base64 of the raw bytes, no URL-encoding (RFC 7617 section 2).
func (b Basic) Request(_ context.Context, _ Sender, realm *url.URL, params url.Values) (transport.Request, error) {
	r := get(realm, params)
	r.Authorization = secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(b.pair())))
	return r, nil
}

// Secrets implements Credential.
func (b Basic) Secrets() []secret.Text { return []secret.Text{b.Password, secret.New(b.pair())} }

// Description implements Credential.
func (b Basic) Description() string {
	return fmt.Sprintf("the user %q and a password from %s", b.Username, b.Source)
}

func (b Basic) pair() string { return b.Username + ":" + b.Password.Reveal() }

// ValidateUsername returns an error for what Basic cannot carry in a user name: a colon or a control character (RFC
// 7617 section 2).
func ValidateUsername(username string) error {
	if username == "" {
		return fault.Invalid("username", "is empty")
	}
	if strings.Contains(username, ":") {
		return fault.Invalid("username", "contains a colon, which Basic authentication cannot carry in a user name")
	}
	if strings.ContainsFunc(username, unicode.IsControl) {
		return fault.Invalid("username", "contains a control character")
	}
	return nil
}

// ValidatePassword returns an error for an empty password, and for one with a line break: it comes from the end of a
// file, and ACR's token server answers it with 500. The error does not show the value.
func ValidatePassword(password secret.Text) error {
	if password.IsZero() {
		return fault.Invalid("password", "is empty")
	}
	if strings.ContainsAny(password.Reveal(), "\r\n\x00") {
		return fault.Invalid("password", "contains a line break")
	}
	return nil
}
