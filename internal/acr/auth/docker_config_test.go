package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

const dockerRegistry = "example.azurecr.io"

// dockerConfigOf makes DOCKER_CONFIG a new folder with the content as its config.json, and returns the file.
func dockerConfigOf(t *testing.T, content string) string {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("DOCKER_CONFIG", folder)
	t.Setenv("DOCKER_AUTH_CONFIG", "")
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// helper puts docker-credential-test, a shell script, on the PATH. The script finds the requested key in $asked. helper
// returns the file that lists all requested keys.
func helper(t *testing.T, script string) (log string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the helper is a shell script")
	}
	folder := t.TempDir()
	log = filepath.Join(folder, "log")
	script = "#!/bin/sh\nread -r asked\necho \"$1 $asked\" >>'" + log + "'\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(folder, "docker-credential-test"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

const (
	helperAnswers  = `echo '{"ServerURL":"example.azurecr.io","Username":"helped","Secret":"made-up text"}'`
	helperHasToken = `echo '{"ServerURL":"example.azurecr.io","Username":"<token>","Secret":"made-up token"}'`
	helperHasNone  = `echo 'credentials not found in native keychain'; exit 1`
)

func asAuth(pair string) string {
	return `"auth":"` + base64.StdEncoding.EncodeToString([]byte(pair)) + `"`
}

// wantCredential compares what was found: a user name with a password, an identity token, or nothing.
func wantCredential(t *testing.T, got Credential, err error, username, password, token string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var source, foundName, foundPassword, foundToken string
	switch found := got.(type) {
	case Anonymous:
		source = found.Source
	case Basic:
		source, foundName, foundPassword = found.Source, found.Username, found.Password.Reveal()
	case RefreshToken:
		source, foundToken = found.Source, found.Token.Reveal()
	}
	if foundName != username || foundPassword != password || foundToken != token {
		t.Errorf("credential = %q, %q, %q; want %q, %q, %q", foundName, foundPassword, foundToken, username, password, token)
	}
	if !strings.HasPrefix(source, "the Docker config ") || !strings.HasSuffix(source, "config.json") {
		t.Errorf("source = %q", source)
	}
}

func TestDockerConfigEntry(t *testing.T) {
	const made = "made:up/text+=="
	entry := asAuth("user:" + made)
	for name, test := range map[string]struct {
		content                   string
		username, password, token string
	}{
		"auth":                             {`{"auths":{"example.azurecr.io":{` + entry + `}}}`, "user", made, ""},
		"username and password":            {`{"auths":{"example.azurecr.io":{"username":"user","password":"made-up text"}}}`, "user", "made-up text", ""},
		"identitytoken":                    {`{"auths":{"example.azurecr.io":{"auth":"","identitytoken":"made-up token"}}}`, "", "", "made-up token"},
		"identitytoken with the null GUID": {`{"auths":{"example.azurecr.io":{` + asAuth(NullUsername+":") + `,"identitytoken":"made-up token"}}}`, "", "", "made-up token"},
		"https://":                         {`{"auths":{"https://example.azurecr.io":{` + entry + `}}}`, "user", made, ""},
		"http://":                          {`{"auths":{"http://example.azurecr.io":{` + entry + `}}}`, "user", made, ""},
		"trailing slash":                   {`{"auths":{"example.azurecr.io/":{` + entry + `}}}`, "user", made, ""},
		"scheme and path":                  {`{"auths":{"https://example.azurecr.io/v1/":{` + entry + `}}}`, "user", made, ""},
		"capitals":                         {`{"auths":{"Example.AzureCR.io":{` + entry + `}}}`, "user", made, ""},
		"capitals, scheme and path":        {`{"auths":{"HTTPS://EXAMPLE.azurecr.io/v2/":{` + entry + `}}}`, "user", made, ""},
		"among others":                     {`{"auths":{"https://index.docker.io/v1/":{` + asAuth("a:b") + `},"example.azurecr.io":{` + entry + `},"s.azurecr.io":{` + asAuth("c:d") + `}}}`, "user", made, ""},
		"with what else Docker keeps":      {`{"HttpHeaders":{"User-Agent":"x"},"auths":{"example.azurecr.io":{` + entry + `,"email":"x"}},"currentContext":"y"}`, "user", made, ""},
		"another registry":                 {`{"auths":{"s.azurecr.io":{` + entry + `}}}`, "", "", ""},
		"a parent domain":                  {`{"auths":{"azurecr.io":{` + entry + `}}}`, "", "", ""},
		"a longer name":                    {`{"auths":{"example.azurecr.io.evil.example":{` + entry + `},"xexample.azurecr.io":{` + entry + `}}}`, "", "", ""},
		"port of https":                    {`{"auths":{"https://example.azurecr.io:443":{` + entry + `}}}`, "user", made, ""},
		"byte order mark":                  {"\ufeff" + `{"auths":{"example.azurecr.io":{` + entry + `}}}`, "user", made, ""},
		"password padded with NULs":        {`{"auths":{"example.azurecr.io":{` + asAuth("user:"+made+"\x00\x00") + `}}}`, "user", made, ""},
		"another port":                     {`{"auths":{"example.azurecr.io:5000":{` + entry + `}}}`, "", "", ""},
		"empty entry":                      {`{"auths":{"example.azurecr.io":{}}}`, "", "", ""},
		"empty object":                     {`{}`, "", "", ""},
		"empty file":                       {" \n", "", "", ""},
		"auths null":                       {`{"auths":null}`, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dockerConfigOf(t, test.content)
			got, err := DockerConfig(t.Context(), dockerRegistry)
			wantCredential(t, got, err, test.username, test.password, test.token)
		})
	}
}

func TestDockerConfigWithAPort(t *testing.T) {
	dockerConfigOf(t, `{"auths":{"localhost:5000":{`+asAuth("user:made-up")+`},"localhost":{`+asAuth("other:made-up")+`}}}`)
	got, err := DockerConfig(t.Context(), "localhost:5000")
	wantCredential(t, got, err, "user", "made-up", "")

	dockerConfigOf(t, `{"auths":{"example.azurecr.io":{`+asAuth("user:made-up")+`},"example.azurecr.io:80":{`+asAuth("other:made-up")+`}}}`)
	got, err = DockerConfig(t.Context(), "example.azurecr.io:443")
	wantCredential(t, got, err, "user", "made-up", "")
}

// Docker keeps the credential of Docker Hub under another name than its registry's.
func TestDockerConfigOfDockerHub(t *testing.T) {
	const hub = "registry-1.docker.io"
	dockerConfigOf(t, `{"auths":{"https://index.docker.io/v1/":{`+asAuth("user:made-up")+`}}}`)
	got, err := DockerConfig(t.Context(), hub)
	wantCredential(t, got, err, "user", "made-up", "")

	// Helm and others keep it under the registry's own name, which then comes first.
	dockerConfigOf(t, `{"auths":{"registry-1.docker.io":{`+asAuth("user:made-up")+`},"https://index.docker.io/v1/":{`+asAuth("other:made-up")+`}}}`)
	got, err = DockerConfig(t.Context(), hub)
	wantCredential(t, got, err, "user", "made-up", "")

	dockerConfigOf(t, `{"auths":{"https://index.docker.io/v1/":{}},"credsStore":"test"}`)
	log := helper(t, helperAnswers)
	got, err = DockerConfig(t.Context(), hub)
	wantCredential(t, got, err, "helped", "made-up text", "")
	if asked, _ := os.ReadFile(log); string(asked) != "get https://index.docker.io/v1/\n" {
		t.Errorf("the helper was asked %q", asked)
	}
}

func TestDockerConfigFileOfTheHomeFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home) // on Windows
	got, err := DockerConfig(t.Context(), dockerRegistry)
	wantCredential(t, got, err, "", "", "")

	if err := os.Mkdir(filepath.Join(home, ".docker"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, ".docker", "config.json")
	if err := os.WriteFile(file, []byte(`{"auths":{"example.azurecr.io":{`+asAuth("user:made-up")+`}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = DockerConfig(t.Context(), dockerRegistry)
	wantCredential(t, got, err, "user", "made-up", "")
	if source := "from the Docker config " + file; !strings.HasSuffix(got.Description(), source) {
		t.Errorf("description = %q, want it to end in %q", got.Description(), source)
	}
}

func TestDockerConfigHelper(t *testing.T) {
	entry := `{"auths":{"example.azurecr.io":{` + asAuth("user:made-up") + `}},`
	for name, test := range map[string]struct {
		content, script           string
		username, password, token string
		asked                     string
	}{
		"credHelpers":                   {`{"credHelpers":{"example.azurecr.io":"test"}}`, helperAnswers, "helped", "made-up text", "", "get example.azurecr.io\n"},
		"credsStore":                    {`{"credsStore":"test"}`, helperAnswers, "helped", "made-up text", "", "get example.azurecr.io\n"},
		"identity token":                {`{"credHelpers":{"example.azurecr.io":"test"}}`, helperHasToken, "", "", "made-up token", "get example.azurecr.io\n"},
		"credHelpers before credsStore": {`{"credHelpers":{"example.azurecr.io":"test"},"credsStore":"missing"}`, helperAnswers, "helped", "made-up text", "", "get example.azurecr.io\n"},
		"credHelpers before auths":      {entry + `"credHelpers":{"example.azurecr.io":"test"}}`, helperAnswers, "helped", "made-up text", "", "get example.azurecr.io\n"},
		"credsStore before auths":       {entry + `"credsStore":"test"}`, helperAnswers, "helped", "made-up text", "", "get example.azurecr.io\n"},
		"as the key is written":         {`{"credHelpers":{"https://Example.azurecr.io/v2/":"test"}}`, helperAnswers, "helped", "made-up text", "", "get https://Example.azurecr.io/v2/\n"},
		"as the entry is written":       {`{"auths":{"https://example.azurecr.io":{}},"credsStore":"test"}`, helperAnswers, "helped", "made-up text", "", "get https://example.azurecr.io\n"},
		"helper of another registry":    {entry + `"credHelpers":{"s.azurecr.io":"test"}}`, helperAnswers, "user", "made-up", "", ""},
		"helper that has none":          {`{"credHelpers":{"example.azurecr.io":"test"}}`, helperHasNone, "", "", "", "get example.azurecr.io\n"},
		"store that has none":           {`{"credsStore":"test"}`, helperHasNone, "", "", "", "get example.azurecr.io\n"},
		"helper that leaves a child":    {`{"credsStore":"test"}`, "sleep 3 & " + helperAnswers, "helped", "made-up text", "", "get example.azurecr.io\n"},
		"two spellings are asked for":   {`{"auths":{"https://example.azurecr.io":{}},"credsStore":"test"}`, helperHasNone, "", "", "", "get https://example.azurecr.io\nget example.azurecr.io\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dockerConfigOf(t, test.content)
			log := helper(t, test.script)
			got, err := DockerConfig(t.Context(), dockerRegistry)
			wantCredential(t, got, err, test.username, test.password, test.token)
			if asked, _ := os.ReadFile(log); string(asked) != test.asked {
				t.Errorf("the helper was asked %q, want %q", asked, test.asked)
			}
		})
	}
}

// A failure causes an error and never anonymous access. The error does not repeat what a helper prints or a file holds.
func TestDockerConfigRefuses(t *testing.T) {
	const store = `{"credsStore":"test"}`
	for name, test := range map[string]struct{ content, script, text string }{
		"no JSON":                     {`made-up`, "", "cannot be read as JSON"},
		"truncated":                   {`{"auths":{"example.azurecr.io":{"auth":"made-up`, "", "cannot be read as JSON"},
		"auths an array":              {`{"auths":["made-up"]}`, "", "cannot be read as JSON"},
		"credsStore a number":         {`{"credsStore":1}`, "", "cannot be read as JSON"},
		"entry a text":                {`{"auths":{"example.azurecr.io":"made-up"}}`, "", "the entry for example.azurecr.io in"},
		"auth no base64":              {`{"auths":{"example.azurecr.io":{"auth":"made-up!"}}}`, "", "the entry for example.azurecr.io in"},
		"auth without a colon":        {`{"auths":{"example.azurecr.io":{` + asAuth("made-up") + `}}}`, "", "the entry for example.azurecr.io in"},
		"user alone":                  {`{"auths":{"example.azurecr.io":{"username":"user"}}}`, "", "no user name with a password and no identity token"},
		"password alone":              {`{"auths":{"example.azurecr.io":{"password":"made-up"}}}`, "", "no user name with a password and no identity token"},
		"auth without password":       {`{"auths":{"example.azurecr.io":{` + asAuth("user:") + `}}}`, "", "no user name with a password and no identity token"},
		"auth without user":           {`{"auths":{"example.azurecr.io":{` + asAuth(":made-up") + `}}}`, "", "no user name with a password and no identity token"},
		"registry token alone":        {`{"auths":{"example.azurecr.io":{"registrytoken":"made-up"}}}`, "", "no user name with a password and no identity token"},
		"line break in the password":  {`{"auths":{"example.azurecr.io":{` + asAuth("user:made-up\n") + `}}}`, "", "contains a line break"},
		"missing helper":              {`{"credHelpers":{"example.azurecr.io":"missing"}}`, "", "docker-credential-missing"},
		"missing store":               {`{"credsStore":"missing"}`, "", "docker-credential-missing"},
		"missing helper, an entry":    {`{"credHelpers":{"example.azurecr.io":"missing"},"auths":{"example.azurecr.io":{` + asAuth("user:made-up") + `}}}`, "", "docker-credential-missing"},
		"helper that fails":           {store, `exit 1`, "docker-credential-test"},
		"helper that prints a secret": {store, `echo made-up; echo made-up >&2; exit 1`, "docker-credential-test"},
		"helper that prints no JSON":  {store, `echo made-up`, "docker-credential-test"},
		"helper that prints nothing":  {store, `true`, "docker-credential-test"},
		"helper with half an entry":   {store, `echo '{"Username":"user","Secret":""}'`, "no user name with a password"},
		"helper without a user":       {store, `echo '{"Username":"","Secret":"made-up"}'`, "no user name with a password"},
		"helper with a line break":    {store, `printf '%s' '{"Username":"user","Secret":"made-up\n"}'`, "contains a line break"},
		"helper killed":               {store, `kill -9 $$`, "docker-credential-test"},
	} {
		t.Run(name, func(t *testing.T) {
			file := dockerConfigOf(t, test.content)
			if test.script != "" {
				helper(t, test.script)
			}
			got, err := DockerConfig(t.Context(), dockerRegistry)
			failed, ok := fault.As(err)
			if !ok || failed.Reason != fault.CredentialHelper || got != nil {
				t.Fatalf("credential = %+v, error = %v", got, err)
			}
			for _, part := range []string{"looking for the credential of example.azurecr.io", test.text, file} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error = %q, want %q in it", err, part)
				}
			}
			if strings.Contains(err.Error(), "made-up") || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte("user:made-up"))) {
				t.Errorf("error %q repeats the secret", err)
			}
		})
	}
}

func TestDockerConfigThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("DOCKER_CONFIG", folder)
	if err := os.Mkdir(filepath.Join(folder, "config.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	wantError := func(parts ...string) {
		t.Helper()
		_, err := DockerConfig(t.Context(), dockerRegistry)
		faulttest.Want(t, err, fault.CredentialHelper, parts...)
		if strings.Contains(err.Error(), "JSON") {
			t.Errorf("error = %v, which blames the JSON", err)
		}
	}
	wantError(filepath.Join(folder, "config.json") + " cannot be read: ")

	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", file)
	wantError("the folder "+file+", which is a file", "DOCKER_CONFIG names the folder")

	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "") // on Windows
	wantError("DOCKER_CONFIG is not set")
}

// A helper that waits for a person ends when the caller gives up, even if its children hold its output open.
func TestDockerConfigHelperThatHangs(t *testing.T) {
	for name, script := range map[string]string{"itself": "exec sleep 25", "its child": "sleep 25"} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			dockerConfigOf(t, `{"credsStore":"test"}`)
			helper(t, script)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			started := time.Now()
			got, err := DockerConfig(ctx, dockerRegistry)
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("took %s, want less than the helper takes", took)
			}
			var failed *fault.Error
			if !errors.As(err, &failed) || got != nil {
				t.Fatalf("credential = %+v, error = %v", got, err)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

// Terraform logs what a provider, or its child process, writes to standard error.
func TestDockerConfigHelperWritesNoLog(t *testing.T) {
	dockerConfigOf(t, `{"credsStore":"test"}`)
	helper(t, "echo made-up >&2; "+helperAnswers)
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer func(stderr *os.File) { os.Stderr = stderr }(os.Stderr)
	os.Stderr = log
	got, err := DockerConfig(t.Context(), dockerRegistry)
	wantCredential(t, got, err, "helped", "made-up text", "")
	if written, err := os.ReadFile(log.Name()); err != nil || len(written) > 0 {
		t.Errorf("standard error has %q, %v", written, err)
	}
}

func TestDockerConfigKeys(t *testing.T) {
	entry := json.RawMessage("{}")
	for _, test := range []struct {
		config dockerConfig
		want   string
	}{
		{dockerConfig{CredHelpers: map[string]string{"https://r.io/": "a", "R.io": "b", "s.io": "c", "r.io.evil.example": "d"}}, "R.io https://r.io/ r.io"},
		{dockerConfig{Auths: map[string]json.RawMessage{"https://r.io/v1/": entry, "R.io": entry, "r.io": entry}}, "r.io R.io https://r.io/v1/"},
		{dockerConfig{Auths: map[string]json.RawMessage{"HTTPS://r.io": entry}}, "HTTPS://r.io r.io"},
		{dockerConfig{CredHelpers: map[string]string{"https://r.io": "a"}, Auths: map[string]json.RawMessage{"r.io": entry}}, "r.io https://r.io"},
		{dockerConfig{CredHelpers: map[string]string{"https://r.io": "a"}, Auths: map[string]json.RawMessage{"R.io": entry}}, "https://r.io R.io r.io"},
		{dockerConfig{CredHelpers: map[string]string{"r.io": "a", "R.io": "b"}, Auths: map[string]json.RawMessage{"r.io": entry}}, "r.io R.io"},
	} {
		if got := strings.Join(test.config.keysFor("r.io"), " "); got != test.want {
			t.Errorf("keys of %v = %s, want %s", test.config, got, test.want)
		}
	}
	config := dockerConfig{CredHelpers: map[string]string{"R.io": "b"}, source: "config.json"}
	if got := config.failing("R.io"); !strings.Contains(got, "docker-credential-b, named in config.json") {
		t.Errorf("failing = %q", got)
	}
	if got := config.failing("r.io"); got != "the entry for r.io in config.json is malformed" {
		t.Errorf("failing = %q", got)
	}
}

// The registry's own name comes before other names for it, in whatever order the file has them.
func TestDockerConfigTakesTheExactNameFirst(t *testing.T) {
	dockerConfigOf(t, `{"auths":{"https://example.azurecr.io/v1/":{`+asAuth("a:made-up")+`},"Example.azurecr.io":{`+asAuth("b:made-up")+
		`},"example.azurecr.io":{`+asAuth("exact:made-up")+`},"http://example.azurecr.io":{`+asAuth("c:made-up")+`}}}`)
	got, err := DockerConfig(t.Context(), dockerRegistry)
	wantCredential(t, got, err, "exact", "made-up", "")
}

// A helper for the registry comes before an entry.
func TestDockerConfigAsksTheHelperBeforeTheEntry(t *testing.T) {
	dockerConfigOf(t, `{"auths":{"example.azurecr.io":{`+asAuth("entry:made-up")+`}},"credHelpers":{"example.azurecr.io":"test"}}`)
	helper(t, helperAnswers)
	got, err := DockerConfig(t.Context(), dockerRegistry)
	wantCredential(t, got, err, "helped", "made-up text", "")
}

func TestDockerAuthConfigComesBeforeTheFile(t *testing.T) {
	file := dockerConfigOf(t, `{"auths":{"example.azurecr.io":{`+asAuth("file:made-up")+`}}}`)
	for name, test := range map[string]struct {
		variable, username, source string
	}{
		"entry":                      {`{"auths":{"example.azurecr.io":{` + asAuth("variable:made-up") + `}}}`, "variable", "the variable DOCKER_AUTH_CONFIG"},
		"another spelling":           {`{"auths":{"https://example.azurecr.io/v1/":{` + asAuth("variable:made-up") + `}}}`, "variable", "the variable DOCKER_AUTH_CONFIG"},
		"another registry":           {`{"auths":{"other.azurecr.io":{` + asAuth("variable:made-up") + `}}}`, "file", "the Docker config " + file},
		"no auths":                   {`{}`, "file", "the Docker config " + file},
		"empty":                      {``, "file", "the Docker config " + file},
		"helper, which is not asked": {`{"credHelpers":{"example.azurecr.io":"missing"},"credsStore":"missing"}`, "file", "the Docker config " + file},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_AUTH_CONFIG", test.variable)
			got, err := DockerConfig(t.Context(), dockerRegistry)
			if err != nil {
				t.Fatal(err)
			}
			if found, ok := got.(Basic); !ok || found.Username != test.username || found.Source != test.source {
				t.Errorf("credential = %v, want that of %s from %s", got, test.username, test.source)
			}
		})
	}
	for name, variable := range map[string]string{"no JSON": `made-up`, "no base64": `{"auths":{"example.azurecr.io":{"auth":"made-up!"}}}`} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_AUTH_CONFIG", variable)
			_, err := DockerConfig(t.Context(), dockerRegistry)
			failed, ok := fault.As(err)
			if !ok || failed.Reason != fault.CredentialHelper || !strings.Contains(err.Error(), "DOCKER_AUTH_CONFIG") || strings.Contains(err.Error(), "made-up") {
				t.Errorf("error = %v, want one about the variable", err)
			}
		})
	}
}
