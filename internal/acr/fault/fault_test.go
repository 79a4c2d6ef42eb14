package fault

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
)

func TestErrorText(t *testing.T) {
	whole := &Error{
		Reason: Denied, Operation: "reading the manifest r.azurecr.io/app:1.0", Step: "asking https://r.azurecr.io/oauth2/token for a token",
		Status: 403, Code: "DENIED", Message: "not allowed", CorrelationID: "00000000-0000-0000-0000-000000000001", Detail: "it was sent no credential",
	}
	for name, test := range map[string]struct {
		failed       *Error
		text, answer string
	}{
		"everything": {whole,
			"reading the manifest r.azurecr.io/app:1.0: asking https://r.azurecr.io/oauth2/token for a token: 403 Forbidden DENIED: not allowed (correlation id 00000000-0000-0000-0000-000000000001): it was sent no credential",
			"403 Forbidden DENIED: not allowed (correlation id 00000000-0000-0000-0000-000000000001)"},
		"no answer":                     {&Error{Operation: "reading", Detail: "no route"}, "reading: no route", ""},
		"status alone":                  {&Error{Operation: "reading", Status: 502}, "reading: 502 Bad Gateway", "502 Bad Gateway"},
		"status without a name":         {&Error{Operation: "reading", Status: 522, Message: "no"}, "reading: 522: no", "522: no"},
		"correlation id in the message": {&Error{Operation: "reading", Status: 401, Code: "UNAUTHORIZED", Message: "no. CorrelationId: 17", CorrelationID: "17"}, "reading: 401 Unauthorized UNAUTHORIZED: no. CorrelationId: 17", "401 Unauthorized UNAUTHORIZED: no. CorrelationId: 17"},
		"an argument":                   {Invalid("tag", "%q is none", "x"), `checking tag: "x" is none`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.failed.Error(); got != test.text {
				t.Errorf("text = %q, want %q", got, test.text)
			}
			if got := test.failed.Answer(); got != test.answer {
				t.Errorf("answer = %q, want %q", got, test.answer)
			}
		})
	}
}

func TestIsMissing(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("x"), false}, {&Error{Status: http.StatusNotFound}, false}, {&Error{Reason: NotARegistry, Status: http.StatusNotFound}, false},
		{&Error{Reason: ManifestNotFound}, true}, {fmt.Errorf("x: %w", &Error{Reason: RepositoryNotFound}), true},
	} {
		if got := IsMissing(test.err); got != test.want {
			t.Errorf("IsMissing(%v) = %t, want %t", test.err, got, test.want)
		}
	}
}

func TestReasonOf403(t *testing.T) {
	for message, want := range map[string]Reason{
		"client with IP '192.0.2.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.": Firewall,
		"client with IP '192.0.2.1' is not allowed access.":                                                    Firewall,
		"see https://aka.ms/acr/firewall":                                                                      Firewall,
		"requested access to pull from source 'docker.io/library/x' for cache rule 'x' has been denied":        CacheRule,
		"client is not allowed access to the source of the cache rule 'x'":                                     CacheRule,
		"requested access to the resource is denied":                                                           Denied,
		"": Denied,
	} {
		if got := ReasonOf403(message); got != want {
			t.Errorf("%q means %q, want %q", message, got, want)
		}
	}
}

func TestIsOfSignIn(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("x"), false}, {&Error{Reason: ManifestNotFound}, false}, {&Error{Reason: WrongCredentials}, false},
		{&Error{Reason: SignInRefused}, true}, {fmt.Errorf("x: %w", &Error{Reason: AzureCLISignedOut}), true},
	} {
		if got := IsOfSignIn(test.err); got != test.want {
			t.Errorf("IsOfSignIn(%v) = %t, want %t", test.err, got, test.want)
		}
	}
}
