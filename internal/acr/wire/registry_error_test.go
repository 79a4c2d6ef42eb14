package wire

import (
	"strings"
	"testing"
)

// The bodies have the forms that Azure Container Registry and other registries were seen to send.
func TestDecodeErrors(t *testing.T) {
	for name, test := range map[string]struct{ body, code, message, named string }{
		"challenge":            {`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization for more information.","detail":[{"Type":"repository","Name":"alpine","Action":"pull"}]}]}`, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.", ""},
		"firewall":             {`{"errors":[{"code":"DENIED","message":"client with IP \u00271.2.3.4\u0027 is not allowed access."}]}` + "\n", "DENIED", "client with IP '1.2.3.4' is not allowed access.", ""},
		"detail an object":     {`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest tagged by \"x\" is not found","detail":{"Tag":"x"}}]}`, "MANIFEST_UNKNOWN", `manifest tagged by "x" is not found`, ""},
		"detail null":          {`{"errors":[{"code":"NAME_UNKNOWN","message":"m","detail":null}]}`, "NAME_UNKNOWN", "m", ""},
		"detail a text":        {`{"errors":[{"code":"A","message":"m","detail":"d"}]}`, "A", "m", "d"},
		"detail with a digest": {`{"errors":[{"code":"A","message":"m","detail":{"Reason":{},"digest":"sha256:1"}}]}`, "A", "m", "sha256:1"},
		"digest a number":      {`{"errors":[{"code":"A","message":"m","detail":{"digest":1}}]}`, "A", "m", ""},
		"detail a number":      {`{"errors":[{"code":"A","message":"m","detail":1}]}`, "A", "m", ""},
		"no code, Artifactory": {`{"errors":[{"status":403,"message":"m"}]}`, "", "m", ""},
		"code a number":        {`{"errors":[{"code":403,"message":"m"}]}`, "", "m", ""},
		"no message":           {`{"errors":[{"code":"A"}]}`, "A", "", ""},
		"the first counts":     {`{"errors":[{"code":"A","message":"m"},{"code":"B","message":"n"}]}`, "A", "m", ""},
		"among other things":   {`{"x":1,"errors":[{"code":"A","y":2}]}`, "A", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ParseErrors([]byte(test.body))
			if want := (RegistryError{test.code, test.message, test.named}); got != want {
				t.Errorf("error = %+v, want %+v", got, want)
			}
		})
	}
	for name, body := range map[string]string{
		"empty": "", "text": "404 page not found", "HTML": "<html>", "array": "[]", "null": "null", "no errors": "{}", "errors empty": `{"errors":[]}`,
		"errors null": `{"errors":null}`, "errors an object": `{"errors":{"code":"A"}}`, "errors of texts": `{"errors":["A"]}`, "an empty error": `{"errors":[{}]}`,
		"code a number": `{"errors":[{"code":1}]}`, "truncated": `{"errors":[{"code":"A"`, "duplicate": `{"errors":[{"code":"A","code":"B"}]}`,
		"invalid UTF-8": "{\"errors\":[{\"code\":\"\xff\"}]}", "deep": strings.Repeat("[", (8 << 10)),
	} {
		if got := ParseErrors([]byte(body)); got != (RegistryError{}) {
			t.Errorf("%s: error = %+v, want none", name, got)
		}
	}
}
