package acr

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// What registries send is in the forms that Azure Container Registry was seen to send, and in those of others.
func TestDecodeErrors(t *testing.T) {
	for name, test := range map[string]struct{ body, code, message string }{
		"challenge":          {`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization for more information.","detail":[{"Type":"repository","Name":"alpine","Action":"pull"}]}]}`, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information."},
		"firewall":           {`{"errors":[{"code":"DENIED","message":"client with IP \u00271.2.3.4\u0027 is not allowed access."}]}` + "\n", "DENIED", "client with IP '1.2.3.4' is not allowed access."},
		"detail an object":   {`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest tagged by \"x\" is not found","detail":{"Tag":"x"}}]}`, "MANIFEST_UNKNOWN", `manifest tagged by "x" is not found`},
		"detail null":        {`{"errors":[{"code":"NAME_UNKNOWN","message":"m","detail":null}]}`, "NAME_UNKNOWN", "m"},
		"detail a text":      {`{"errors":[{"code":"A","message":"m","detail":"d"}]}`, "A", "m"},
		"no message":         {`{"errors":[{"code":"A"}]}`, "A", ""},
		"the first counts":   {`{"errors":[{"code":"A","message":"m"},{"code":"B","message":"n"}]}`, "A", "m"},
		"among other things": {`{"x":1,"errors":[{"code":"A","y":2}]}`, "A", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := decodeErrors([]byte(test.body))
			if !ok || got.Code != test.code || got.Message != test.message {
				t.Errorf("error = %+v, %t; want %s: %s", got, ok, test.code, test.message)
			}
		})
	}
	for name, body := range map[string]string{
		"empty": "", "text": "404 page not found", "HTML": "<html>", "array": "[]", "null": "null", "no errors": "{}", "errors empty": `{"errors":[]}`,
		"errors null": `{"errors":null}`, "errors an object": `{"errors":{"code":"A"}}`, "errors of texts": `{"errors":["A"]}`, "no code": `{"errors":[{"message":"m"}]}`,
		"code a number": `{"errors":[{"code":1}]}`, "truncated": `{"errors":[{"code":"A"`, "duplicate": `{"errors":[{"code":"A","code":"B"}]}`,
		"invalid UTF-8": "{\"errors\":[{\"code\":\"\xff\"}]}", "deep": strings.Repeat("[", maxErrorBody),
	} {
		if got, ok := decodeErrors([]byte(body)); ok || got != (registryError{}) {
			t.Errorf("%s: error = %+v, %t; want none", name, got, ok)
		}
	}
}

func TestStatusReason(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   fault.Reason
	}{
		{401, "UNAUTHORIZED", fault.InvalidToken}, {403, "DENIED", fault.Denied}, {405, "REGISTRY_DISALLOWED_OPERATION", fault.Disallowed}, {405, "UNSUPPORTED", fault.RequestRefused}, {404, "NAME_UNKNOWN", fault.RepositoryNotFound}, {404, "MANIFEST_UNKNOWN", fault.ManifestNotFound},
		{404, "", fault.ManifestNotFound}, {407, "", fault.ProxyRefused}, {429, "TOOMANYREQUESTS", fault.RateLimited}, {500, "", fault.RegistryFault}, {503, "", fault.RegistryFault},
		{501, "", fault.RegistryFault}, {400, "", fault.RequestRefused}, {405, "", fault.RequestRefused}, {424, "", fault.RequestRefused}, {204, "", fault.BadAnswer}, {301, "", fault.BadAnswer}, {206, "", fault.BadAnswer},
	} {
		if got := statusReason(test.status, test.code); got != test.want {
			t.Errorf("%d %s = %q, want %q", test.status, test.code, got, test.want)
		}
	}
}
