package auth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestCredentialValidate(t *testing.T) {
	password := secret.New("made-up text")
	for name, test := range map[string]struct {
		credential Credential
		argument   string // empty for a good credential
	}{
		"anonymous":                   {Anonymous{Source: "the Docker config"}, ""},
		"user and password":           {Basic{Username: "user", Password: password}, ""},
		"null GUID":                   {Basic{Username: NullUsername, Password: password}, ""},
		"identity token":              {RefreshToken{Token: password}, ""},
		"user alone":                  {Basic{Username: "user"}, "password"},
		"password alone":              {Basic{Password: password}, "username"},
		"colon in the user":           {Basic{Username: "us:er", Password: password}, "username"},
		"line break in the user":      {Basic{Username: "user\n", Password: password}, "username"},
		"tab in the user":             {Basic{Username: "us\ter", Password: password}, "username"},
		"DEL in the user":             {Basic{Username: "us\x7fer", Password: password}, "username"},
		"letters beyond ASCII":        {Basic{Username: "benutzerä", Password: secret.New("pässwort")}, ""},
		"colon in the password":       {Basic{Username: "user", Password: secret.New("made:up")}, ""},
		"spaces around the password":  {Basic{Username: "user", Password: secret.New(" made up ")}, ""},
		"line feed in the password":   {Basic{Username: "user", Password: secret.New("made-up text\n")}, "password"},
		"CRLF in the password":        {Basic{Username: "user", Password: secret.New("made-up\r\ntext")}, "password"},
		"carriage return":             {Basic{Username: "user", Password: secret.New("made-up text\r")}, "password"},
		"NUL in the password":         {Basic{Username: "user", Password: secret.New("made-up\x00text")}, "password"},
		"password of nothing but one": {Basic{Username: "user", Password: secret.New("\n")}, "password"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.credential.Validate()
			faulttest.WantArgument(t, err, test.argument)
			if err != nil && strings.Contains(err.Error(), "made-up") {
				t.Errorf("error %q shows the password", err)
			}
		})
	}
	faulttest.WantArgument(t, ValidateUsername(""), "username")
	faulttest.WantArgument(t, ValidatePassword(secret.Text{}), "password")
}

// RFC 7617 section 2: base64 of the raw bytes, no URL-encoding.
func TestCredentialBasic(t *testing.T) {
	for _, test := range []struct{ user, password, want string }{
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // the RFC's example
		{"test", "123£", "Basic dGVzdDoxMjPCow=="},                       // likewise, section 2.1
		{"u", "a/b+c=d:e%20", "Basic dTphL2IrYz1kOmUlMjA="},
		{"u", " x\xff ", "Basic " + base64.StdEncoding.EncodeToString([]byte("u: x\xff "))},
	} {
		r, err := Basic{Username: test.user, Password: secret.New(test.password)}.Request(t.Context(), Sender{}, &url.URL{}, url.Values{})
		if got := r.Authorization.Reveal(); got != test.want || err != nil {
			t.Errorf("%s:%s = %q, %v; want %q", test.user, test.password, got, err, test.want)
		}
	}
}

func TestCredentialDescription(t *testing.T) {
	for _, test := range []struct {
		credential Credential
		anonymous  bool
		want       string
	}{
		{Anonymous{Source: "the Docker config"}, true, "no credential, since none was found in the Docker config"},
		{Basic{Username: "user", Password: secret.New("made-up text"), Source: "the provider block"}, false, `the user "user" and a password from the provider block`},
		{RefreshToken{Token: secret.New("made-up text"), Source: "the Docker config"}, false, "the identity token from the Docker config"},
	} {
		if got := test.credential.Description(); got != test.want || IsAnonymous(test.credential) != test.anonymous {
			t.Errorf("description = %q, anonymous = %t; want %q, %t", got, IsAnonymous(test.credential), test.want, test.anonymous)
		}
	}
}
