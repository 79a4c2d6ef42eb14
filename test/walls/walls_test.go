// Package walls checks that each package of the project knows only what it may know.
package walls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/acrkit/terraform-provider-acr"

// Libraries by what they are for. An entry also stands for the packages below it.
const (
	jsonLibrary = "github.com/go-json-experiment/json"
	imageSpec   = "github.com/opencontainers/image-spec/specs-go"
	goDigest    = "github.com/opencontainers/go-digest"
	hostGrammar = "github.com/distribution/reference"
	errGroup    = "golang.org/x/sync/errgroup"
	orasCopy    = "oras.land/oras-go/v2"
	framework   = "github.com/hashicorp/terraform-plugin-framework"
	validators  = "github.com/hashicorp/terraform-plugin-framework-validators"
	protocol    = "github.com/hashicorp/terraform-plugin-go"
	pluginLog   = "github.com/hashicorp/terraform-plugin-log"
	azureSDK    = "github.com/Azure/azure-sdk-for-go/sdk"
	pkcs12      = "software.sslmate.com/src/go-pkcs12"
)

// rooms says what each package may import beside the harmless part of the standard library: packages of the project
// (internal/…), packages that reach the network or the machine, and libraries. A package that is not here fails the
// test: whoever adds one decides what it may know.
var rooms = map[string][]string{
	// The provider, from Terraform down to the bytes.
	".":                       {"internal/provider", "internal/server", protocol, "os"},
	"internal/server":         {framework, protocol},
	"internal/provider":       {"internal/acr", "internal/acr/auth", "internal/acr/auth/entra", "internal/acr/fault", "internal/acr/oci", "internal/acr/secret", framework, validators, protocol + "/tftypes", pluginLog, imageSpec, goDigest, "os"},
	"internal/acr":            {"internal/acr/auth", "internal/acr/fault", "internal/acr/flight", "internal/acr/oci", "internal/acr/secret", "internal/acr/transport", "internal/acr/wire", jsonLibrary, imageSpec, goDigest, errGroup, orasCopy, orasCopy + "/content", "net/http", "net/url"},
	"internal/acr/auth":       {"internal/acr/auth/entra", "internal/acr/fault", "internal/acr/flight", "internal/acr/secret", "internal/acr/transport", "internal/acr/wire", jsonLibrary, "oras.land/oras-go/v2/registry/remote/auth", "oras.land/oras-go/v2/registry/remote/credentials", "net/http", "net/url", "os", "os/exec"},
	"internal/acr/auth/entra": {"internal/acr/fault", "internal/acr/secret", jsonLibrary, azureSDK, pkcs12, "net/http", "net/url", "os", "os/exec", "syscall"},
	"internal/acr/transport":  {"internal/acr/fault", "internal/acr/secret", "internal/acr/wire", hostGrammar, "github.com/cenkalti/backoff/v5", "golang.org/x/net/http/httpproxy", "net", "net/http", "net/netip", "net/url", "syscall"},
	"internal/acr/oci":        {"internal/acr/fault", "internal/acr/secret", "internal/acr/wire", jsonLibrary, imageSpec, goDigest, hostGrammar},
	"internal/acr/wire":       {jsonLibrary, "net/http"},
	"internal/acr/secret":     {"net/url"},
	"internal/acr/fault":      {"net/http"},
	"internal/acr/flight":     {},

	// The test code. The registry in memory is written from recordings and knows nothing of the client that it tests.
	"internal/testkit/authority":    {"net"},
	"internal/testkit/acrtest":      {"internal/testkit/authority", imageSpec, goDigest, "net", "net/http", "net/url"},
	"internal/testkit/connectproxy": {"net", "net/http", "net/http/httptest"},
	"internal/testkit/entratest":    {pkcs12, "net/http", "net/http/httptest", "net/url", "os"},
	"internal/testkit/faulttest":    {"internal/acr/fault"},
	"internal/testkit/hostile":      {},
	"internal/testkit/pipenet":      {"net", "net/http"},
	"internal/testkit/realregistry": {"internal/testkit/authority", "net", "net/http", "net/http/httputil", "net/url", "os", "os/exec", "syscall"},
	"internal/testkit/secretscan":   {"net/url", "os"},
	"internal/testkit/shop":         {"internal/testkit/acrtest"},
	"internal/testkit/workload":     {"internal/testkit/acrtest", "internal/testkit/terraform"},
	"internal/testkit/terraform":    {"golang.org/x/mod/semver", "os", "os/exec", "syscall"},
	"internal/cmd/bench":            {"internal/acr", "internal/testkit", imageSpec, errGroup, "os", "os/exec", "syscall"},
	"internal/cmd/demo":             {"internal/acr/auth", "internal/acr/secret", "internal/testkit", imageSpec, "os", "syscall"},
	"internal/cmd/registry":         {"internal/testkit", "os", "syscall"},
	"internal/cmd/runtests":         {"os", "os/exec", "syscall"},
	"internal/cmd/soak":             {"internal/acr", "internal/acr/auth", "internal/acr/secret", "internal/testkit", errGroup, "net/http", "os", "syscall"},
}

// sender is the only package of the provider that may send a request. Others read statuses, headers and answers.
const sender = "internal/acr/transport"

// sending are the names of net/http that send requests.
var sending = []string{
	"Client", "DefaultClient", "Transport", "DefaultTransport", "RoundTripper", "NewFileTransport", "Get", "Head", "Post", "PostForm",
}

// pkg is what a package imports, and what it uses of net/http.
type pkg struct {
	name    string // the folder, from the module's root
	imports []string
	http    []string
}

// breaches returns what the packages import and use that their rooms do not allow.
func breaches(packages []pkg) []string {
	var all []string
	for _, p := range packages {
		allowed, known := rooms[p.name]
		if !known {
			all = append(all, p.name+" has no entry in rooms")
			continue
		}
		for _, path := range p.imports {
			path = strings.TrimPrefix(path, module+"/")
			if isGuarded(path) && !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, path) }) {
				all = append(all, p.name+" imports "+path)
			}
		}
		for _, name := range p.http {
			if p.name != sender && !isTooling(p.name) && slices.Contains(sending, name) {
				all = append(all, p.name+" uses http."+name)
			}
		}
	}
	return all
}

// covers reports whether an entry of a room allows an import. Of the standard library, of oras-go, which has its own
// clients, and of internal/acr, whose subpackages have their own rooms, it allows only that package.
func covers(entry, path string) bool {
	if entry == path {
		return true
	}
	single := entry == "internal/acr" || entry == orasCopy || !strings.Contains(entry, ".") && !strings.HasPrefix(entry, "internal/")
	return !single && strings.HasPrefix(path, entry+"/")
}

// isGuarded reports whether an import needs an entry: all but what the standard library computes by itself.
func isGuarded(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first == "internal" || strings.Contains(first, ".") ||
		first == "net" || path == "os" || path == "os/exec" || first == "syscall" || first == "unsafe" || first == "plugin"
}

func isTooling(name string) bool {
	return strings.HasPrefix(name, "internal/testkit/") || strings.HasPrefix(name, "internal/cmd/")
}

// load reads every Go file of the module but tests, for whichever system it is.
func load(t *testing.T) []pkg {
	t.Helper()
	root := filepath.Join("..", "..")
	packages := map[string]*pkg{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "tools", "testdata"}, entry.Name()): // tools have their own modules
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		name := filepath.ToSlash(folder)
		if packages[name] == nil {
			packages[name] = &pkg{name: name}
		}
		return packages[name].read(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		all = append(all, *packages[name])
	}
	return all
}

// read adds what a file imports, and what it uses of net/http.
func (p *pkg) read(file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	local := "" // net/http's name in this file
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if !slices.Contains(p.imports, path) {
			p.imports = append(p.imports, path)
		}
		if path == "net/http" {
			local = "http"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if on, ok := selector.X.(*ast.Ident); ok && on.Name == local && !slices.Contains(p.http, selector.Sel.Name) {
			p.http = append(p.http, selector.Sel.Name)
		}
		return true
	})
	return nil
}

func TestPackagesKnowOnlyWhatTheyMay(t *testing.T) {
	packages := load(t)
	for _, breach := range breaches(packages) {
		t.Error(breach)
	}
	for name := range rooms {
		if !slices.ContainsFunc(packages, func(p pkg) bool { return p.name == name }) {
			t.Errorf("rooms has an entry for %s, which is no package", name)
		}
	}
	i := slices.IndexFunc(packages, func(p pkg) bool { return p.name == sender })
	if i < 0 || !slices.Contains(packages[i].http, "Transport") {
		t.Errorf("%s was not seen to use http.Transport", sender)
	}
}

// The test finds a breach of each wall.
func TestBreachesAreSeen(t *testing.T) {
	own := func(name string) string { return module + "/" + name }
	for _, test := range []struct {
		name string
		p    pkg
		want string // empty for none
	}{
		{"main reads no registry", pkg{name: ".", imports: []string{own("internal/acr")}}, ". imports internal/acr"},
		{"the provider sends nothing", pkg{name: "internal/provider", imports: []string{"net/http"}}, "internal/provider imports net/http"},
		{"the provider goes through the client", pkg{name: "internal/provider", imports: []string{own("internal/acr/transport")}}, "internal/provider imports internal/acr/transport"},
		{"the provider has no stand-ins", pkg{name: "internal/provider", imports: []string{own("internal/testkit/acrtest")}}, "internal/provider imports internal/testkit/acrtest"},
		{"the client knows no Terraform", pkg{name: "internal/acr", imports: []string{framework + "/types"}}, "internal/acr imports " + framework + "/types"},
		{"the client calls no provider", pkg{name: "internal/acr", imports: []string{own("internal/provider")}}, "internal/acr imports internal/provider"},
		{"the client sends through transport", pkg{name: "internal/acr", imports: []string{"net/http"}, http: []string{"StatusOK", "Client"}}, "internal/acr uses http.Client"},
		{"the client reads no Docker configuration", pkg{name: "internal/acr", imports: []string{"oras.land/oras-go/v2/registry/remote/credentials"}}, "internal/acr imports oras.land/oras-go/v2/registry/remote/credentials"},
		{"the client signs nobody in", pkg{name: "internal/acr", imports: []string{azureSDK + "/azidentity"}}, "internal/acr imports " + azureSDK + "/azidentity"},
		{"auth knows no manifests", pkg{name: "internal/acr/auth", imports: []string{own("internal/acr/oci")}}, "internal/acr/auth imports internal/acr/oci"},
		{"auth knows no client", pkg{name: "internal/acr/auth", imports: []string{own("internal/acr")}}, "internal/acr/auth imports internal/acr"},
		{"auth sends through transport", pkg{name: "internal/acr/auth", http: []string{"DefaultClient"}}, "internal/acr/auth uses http.DefaultClient"},
		{"Entra ID knows no registry", pkg{name: "internal/acr/auth/entra", imports: []string{own("internal/acr/auth")}}, "internal/acr/auth/entra imports internal/acr/auth"},
		{"transport knows no tokens", pkg{name: "internal/acr/transport", imports: []string{own("internal/acr/auth")}}, "internal/acr/transport imports internal/acr/auth"},
		{"oci knows no HTTP", pkg{name: "internal/acr/oci", imports: []string{"net/http"}}, "internal/acr/oci imports net/http"},
		{"wire knows no errors of the client", pkg{name: "internal/acr/wire", imports: []string{own("internal/acr/fault")}}, "internal/acr/wire imports internal/acr/fault"},
		{"secret stands alone", pkg{name: "internal/acr/secret", imports: []string{own("internal/acr/fault")}}, "internal/acr/secret imports internal/acr/fault"},
		{"fault stands alone", pkg{name: "internal/acr/fault", imports: []string{own("internal/acr/secret")}}, "internal/acr/fault imports internal/acr/secret"},
		{"flight stands alone", pkg{name: "internal/acr/flight", imports: []string{errGroup}}, "internal/acr/flight imports " + errGroup},
		{"no room opens a folder by its prefix", pkg{name: "internal/acr/fault", imports: []string{"net"}}, "internal/acr/fault imports net"},
		{"the test registry knows no client", pkg{name: "internal/testkit/acrtest", imports: []string{own("internal/acr/oci")}}, "internal/testkit/acrtest imports internal/acr/oci"},
		{"a new package needs a room", pkg{name: "internal/new"}, "internal/new has no entry in rooms"},
		{"transport sends", pkg{name: "internal/acr/transport", imports: []string{"net/http"}, http: []string{"Transport"}}, ""},
		{"tests send", pkg{name: "internal/testkit/realregistry", imports: []string{"net/http"}, http: []string{"Get"}}, ""},
		{"a library's subpackages", pkg{name: "internal/provider", imports: []string{framework + "/types", "strings"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			if got := breaches([]pkg{test.p}); !slices.Equal(got, want) {
				t.Errorf("breaches = %q, want %q", got, want)
			}
		})
	}
}
