package acr

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Hardening item 5.
func TestCredentialValidate(t *testing.T) {
	password := secret.New("made-up text")
	for name, test := range map[string]struct {
		credential Credential
		argument   string // empty for a good credential
	}{
		"anonymous":                   {Credential{}, ""},
		"anonymous with a source":     {Credential{Source: "the Docker config"}, ""},
		"user and password":           {Credential{Username: "user", Password: password}, ""},
		"null GUID":                   {Credential{Username: NullUsername, Password: password}, ""},
		"identity token":              {Credential{RefreshToken: password}, ""},
		"identity token and user":     {Credential{Username: "user", RefreshToken: password}, ""},
		"user alone":                  {Credential{Username: "user"}, "password"},
		"password alone":              {Credential{Password: password}, "username"},
		"colon in the user":           {Credential{Username: "us:er", Password: password}, "username"},
		"line break in the user":      {Credential{Username: "user\n", Password: password}, "username"},
		"tab in the user":             {Credential{Username: "us\ter", Password: password}, "username"},
		"DEL in the user":             {Credential{Username: "us\x7fer", Password: password}, "username"},
		"letters beyond ASCII":        {Credential{Username: "benutzerä", Password: secret.New("pässwort")}, ""},
		"colon in the password":       {Credential{Username: "user", Password: secret.New("made:up")}, ""},
		"spaces around the password":  {Credential{Username: "user", Password: secret.New(" made up ")}, ""},
		"line feed in the password":   {Credential{Username: "user", Password: secret.New("made-up text\n")}, "password"},
		"CRLF in the password":        {Credential{Username: "user", Password: secret.New("made-up\r\ntext")}, "password"},
		"carriage return":             {Credential{Username: "user", Password: secret.New("made-up text\r")}, "password"},
		"NUL in the password":         {Credential{Username: "user", Password: secret.New("made-up\x00text")}, "password"},
		"password of nothing but one": {Credential{Username: "user", Password: secret.New("\n")}, "password"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.credential.Validate()
			wantArgument(t, err, test.argument)
			if err != nil && strings.Contains(err.Error(), "made-up") {
				t.Errorf("error %q shows the password", err)
			}
		})
	}
	wantArgument(t, ValidateUsername(""), "username")
	wantArgument(t, ValidatePassword(secret.Text{}), "password")
}

// RFC 7617 section 2: base64 of the raw bytes, no URL-encoding; hardening item 5.
func TestCredentialBasic(t *testing.T) {
	for _, test := range []struct{ user, password, want string }{
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // the RFC's example
		{"test", "123£", "Basic dGVzdDoxMjPCow=="},                       // likewise, section 2.1
		{"u", "a/b+c=d:e%20", "Basic dTphL2IrYz1kOmUlMjA="},
		{"u", " x\xff ", "Basic " + base64.StdEncoding.EncodeToString([]byte("u: x\xff "))},
	} {
		if got := (Credential{Username: test.user, Password: secret.New(test.password)}).basic().Reveal(); got != test.want {
			t.Errorf("%s:%s = %q, want %q", test.user, test.password, got, test.want)
		}
	}
}

func TestCredentialDescription(t *testing.T) {
	for _, test := range []struct {
		credential Credential
		anonymous  bool
		want       string
	}{
		{Credential{Source: "the Docker config"}, true, "no credential, since none was found in the Docker config"},
		{Credential{Username: "user", Password: secret.New("made-up text"), Source: "the provider block"}, false, `the user "user" and a password from the provider block`},
		{Credential{Username: NullUsername, RefreshToken: secret.New("made-up text"), Source: "the Docker config"}, false, "the identity token from the Docker config"},
	} {
		if got := test.credential.description(); got != test.want || test.credential.IsAnonymous() != test.anonymous {
			t.Errorf("description = %q, anonymous = %t; want %q, %t", got, test.credential.IsAnonymous(), test.want, test.anonymous)
		}
	}
}
