package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A text of the client states a fact. What a person should do about it depends on how they run Terraform, which the
// client does not know: advice is in internal/provider/explanations.go.
var (
	// advice matches a part of a sentence that tells somebody to do something.
	advice = regexp.MustCompile(`(^|[;:,.] |\b(please|or|and|then) )(add|check|choose|leave|lower|pass|push|raise|remove|run|set|sign|try|use|wait|write) ` +
		`(again|another|by|in|it|one|the|them|this|a|an|[A-Z%].*)|by hand`)
	// setting is the name of an attribute of the provider block that no protocol and no library knows.
	setting = regexp.MustCompile(`\b(ca_cert_pem|insecure_skip_verify|max_retries|oidc_token\w*|plain_http|request_timeout|trusted_token_hosts|use_[a-z_]+|name_regex|allow_missing)\b|chomp\(`)
)

// adviceIn returns the texts of a Go file that give advice, or that name a setting within a sentence.
func adviceIn(file string, source any) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []string
	ast.Inspect(parsed, func(node ast.Node) bool {
		literal, ok := node.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && strings.Contains(text, " ") && (advice.MatchString(text) || setting.MatchString(text)) {
			found = append(found, text)
		}
		return true
	})
	return found, nil
}

func TestClientStatesFactsAndGivesNoAdvice(t *testing.T) {
	read := 0
	err := fs.WalkDir(os.DirFS(filepath.Join("..", "..", "internal", "acr")), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		read++
		found, err := adviceIn(filepath.Join("..", "..", "internal", "acr", filepath.FromSlash(path)), nil)
		for _, text := range found {
			t.Errorf("internal/acr/%s: %q belongs into the provider's explanations", path, text)
		}
		return err
	})
	if err != nil || read < 50 {
		t.Errorf("%d files read: %v", read, err)
	}
}

// The test finds advice, and does not mistake facts for it.
func TestAdviceIsSeen(t *testing.T) {
	for text, isAdvice := range map[string]bool{
		"is empty; leave it out for anonymous access":                          true,
		"is a second way to sign in besides %s; remove one of them":            true,
		"is required with %s; set it here or in the environment variable %s":   true,
		"%s; run %q by hand to see why":                                        true,
		"the home folder is unknown; set DOCKER_CONFIG":                        true,
		"is not read; use PKCS#12, or PEM with the key in the clear":           true,
		"must be a login server, without scheme: write %q":                     true,
		"no answer in time, or raise the limit":                                true,
		"tokens go to one origin, also where trusted_token_hosts names others": true,
		"contains a line break; use chomp() on it":                             true,
		"is empty":                              false,
		"is a second way to sign in besides %s": false,
		"`az account get-access-token` did not end within %s":  false,
		"the server neither accepted nor sent anything for %s": false,
		"%s is set, but none of the others":                    false,
		"a user name was given without a password":             false,
		"only Azure Container Registry has locks":              false,
		"request_timeout": false,
		"the token server does not accept the scopes or the kind": false,
	} {
		found, err := adviceIn("text.go", "package p\n\nvar text = "+strconv.Quote(text))
		if err != nil || (len(found) == 1) != isAdvice {
			t.Errorf("%q: advice found %q, %v; want %v", text, found, err, isAdvice)
		}
	}
}
