package acr

import (
	"reflect"
	"testing"
)

func TestTokenRequestScopes(t *testing.T) {
	for name, test := range map[string]struct {
		request TokenRequest
		named   []string
		want    []string
	}{
		"as the challenge names":        {TokenRequest{Repository: "app"}, []string{"repository:app:pull"}, []string{"repository:app:pull"}},
		"challenge without scope":       {TokenRequest{Repository: "app"}, nil, []string{"repository:app:pull"}},
		"actions in order":              {TokenRequest{Repository: "app", Actions: []string{"push", "delete"}}, []string{"repository:app:pull"}, []string{"repository:app:pull,delete,push"}},
		"action named already":          {TokenRequest{Repository: "app", Actions: []string{"push", "pull"}}, []string{"repository:app:push,pull"}, []string{"repository:app:push,pull"}},
		"actions without scope":         {TokenRequest{Repository: "app", Actions: []string{"metadata_read"}}, nil, []string{"repository:app:pull,metadata_read"}},
		"another resource before":       {TokenRequest{Repository: "app", Actions: []string{"push"}}, []string{"registry:catalog:*", "repository:app:pull"}, []string{"registry:catalog:*", "repository:app:pull,push"}},
		"another repository":            {TokenRequest{Repository: "app"}, []string{"repository:library/app:pull"}, []string{"repository:library/app:pull"}},
		"several others":                {TokenRequest{Repository: "app"}, []string{"artifact-repository:repo:pull", "foo:bar"}, []string{"artifact-repository:repo:pull", "foo:bar"}},
		"to the letter":                 {TokenRequest{Repository: "app"}, []string{"repository:app:pull,pull"}, []string{"repository:app:pull,pull"}},
		"actions beside another":        {TokenRequest{Repository: "app", Actions: []string{"push"}}, []string{"repository:apps:pull"}, []string{"repository:apps:pull", "repository:app:pull,push"}},
		"complete scopes, whatever was": {TokenRequest{Scopes: []string{"registry:catalog:*"}}, []string{"repository:app:pull"}, []string{"registry:catalog:*"}},
	} {
		t.Run(name, func(t *testing.T) {
			named := append([]string(nil), test.named...)
			if got := test.request.scopes(named); !reflect.DeepEqual(got, test.want) {
				t.Errorf("scopes = %q, want %q", got, test.want)
			}
			if !reflect.DeepEqual(named, append([]string(nil), test.named...)) {
				t.Errorf("the challenge's own scopes became %q", named)
			}
		})
	}
}
