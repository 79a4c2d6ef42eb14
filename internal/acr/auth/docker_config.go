package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// helperTimeout bounds a credential helper: one that asks a person for a PIN would wait forever under Terraform.
const helperTimeout = 30 * time.Second

// variableDockerConfig names the variable with the content of a Docker config, which comes before the file. Docker
// knows it since 28.3, and uses only its `auths` (docker/cli, cli/config/configfile).
const variableDockerConfig = "DOCKER_AUTH_CONFIG"

// DockerConfig looks the registry up in DOCKER_AUTH_CONFIG, and then in the Docker config file (in DOCKER_CONFIG, else in
// .docker of the home folder) and its credential helpers. It returns Anonymous if there is no entry. A config that cannot
// be read, and a helper that fails, hangs or is missing, make it return a *fault.Error, never Anonymous. What the helper
// printed is not repeated, since it may be the secret.
func DockerConfig(ctx context.Context, registry string) (Credential, error) {
	var found Credential
	variable, err := variableConfig(registry)
	if err == nil {
		found, err = variable.find(ctx, registry)
	}
	if err != nil || found != nil {
		return found, err
	}
	file, err := fileConfig(registry)
	if err == nil {
		found, err = file.find(ctx, registry)
	}
	if err != nil || found != nil {
		return found, err
	}
	return Anonymous{Source: file.source}, nil
}

// find returns the credential of a registry; nil if there is none.
func (c dockerConfig) find(ctx context.Context, registry string) (Credential, error) {
	for _, key := range c.keysFor(registry) {
		entry, err := c.lookUp(ctx, key)
		if err != nil {
			return nil, helperError(registry, "%s", c.failing(key))
		}
		if entry == auth.EmptyCredential {
			continue
		}
		found, ok := credentialOf(entry, c.source)
		if !ok {
			return nil, helperError(registry, "the entry for %s in %s has no user name with a password and no identity token", key, c.source)
		}
		if err := found.Validate(); err != nil {
			return nil, helperError(registry, "the entry for %s in %s cannot be used: %v", key, c.source, err)
		}
		return found, nil
	}
	return nil, nil
}

// credentialOf returns the kind of credential that an entry holds; an identity token comes before a password.
func credentialOf(entry auth.Credential, source string) (Credential, bool) {
	if entry.RefreshToken != "" {
		return RefreshToken{Token: secret.New(entry.RefreshToken), Source: source}, true
	}
	password := strings.Trim(entry.Password, "\x00") // padding of old clients, which Docker removes as well
	return Basic{Username: entry.Username, Password: secret.New(password), Source: source}, entry.Username != "" && password != ""
}

func dockerConfigFolder() (string, error) {
	if folder := os.Getenv("DOCKER_CONFIG"); folder != "" {
		return folder, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".docker"), err
}

// dockerConfig is the part of a Docker config that holds credentials, or says which helper to ask.
type dockerConfig struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`

	source string // in words for an error
}

func variableConfig(registry string) (dockerConfig, error) {
	content, config := os.Getenv(variableDockerConfig), dockerConfig{}
	if content == "" {
		return config, nil
	}
	if err := json.Unmarshal([]byte(content), &config); err != nil {
		return config, helperError(registry, "the variable %s cannot be read as JSON", variableDockerConfig)
	}
	return dockerConfig{Auths: config.Auths, source: "the variable " + variableDockerConfig}, nil
}

// fileConfig reads the file. One that does not exist or is empty holds nothing, as Docker has it. A byte order mark, which
// Windows writes, is skipped (RFC 8259 section 8.1).
func fileConfig(registry string) (dockerConfig, error) {
	folder, err := dockerConfigFolder()
	if err != nil {
		return dockerConfig{}, helperError(registry, "the home folder is unknown, and DOCKER_CONFIG is not set")
	}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return dockerConfig{}, helperError(registry, "the Docker config is looked for in the folder %s, which is a file; DOCKER_CONFIG names the folder that holds config.json", folder)
	}
	file := filepath.Join(folder, "config.json")
	config := dockerConfig{source: "the Docker config " + file}
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return config, nil
	}
	if err != nil {
		return config, helperError(registry, "the Docker config %s cannot be read: %v", file, errors.Unwrap(err))
	}
	content = bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\ufeff")))
	if len(content) == 0 {
		return config, nil
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return config, helperError(registry, "the Docker config %s cannot be read as JSON", file)
	}
	return config, nil
}

// Docker Hub's registry, and the key under which Docker keeps its credential (docker/cli, cli/command/registry.go).
const (
	dockerHub    = "registry-1.docker.io"
	dockerHubKey = "https://index.docker.io/v1/"
)

// keysFor returns the names under which the config may have the registry. As in Docker the registry's own name comes
// first, for a helper and then for an entry; after it come those that stand for it with a scheme, a path or capitals. A
// store for all registries is asked for the name itself, or for that of Docker Hub's credential.
func (c dockerConfig) keysFor(registry string) []string {
	helpers, entries := namesOf(c.CredHelpers, registry), namesOf(c.Auths, registry)
	stored := registry
	if registry == dockerHub {
		stored = dockerHubKey
		helpers, entries = append(helpers, namesOf(c.CredHelpers, stored)...), append(entries, namesOf(c.Auths, stored)...)
	}
	keys := slices.Concat(helpers, entries, []string{stored})
	if _, exact := c.Auths[registry]; exact && c.CredHelpers[registry] == "" {
		keys = slices.Concat([]string{registry}, keys)
	}
	var once []string
	for _, key := range keys {
		if !slices.Contains(once, key) {
			once = append(once, key)
		}
	}
	return once
}

// namesOf returns the keys that stand for the registry, its own name first. The port of https is the same as none.
func namesOf[V any](keyed map[string]V, registry string) []string {
	var names []string
	wanted := transport.HostOrigin("https", transport.BareHost(registry))
	for key := range keyed {
		if transport.HostOrigin("https", transport.BareHost(key)) == wanted {
			names = append(names, key)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		switch registry {
		case a:
			return -1
		case b:
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
}

// lookUp asks the helper for a key, or else returns its entry.
func (c dockerConfig) lookUp(ctx context.Context, key string) (auth.Credential, error) {
	if helper := c.helper(key); helper != "" {
		return askHelper(ctx, helper, key)
	}
	entry, ok := c.Auths[key]
	if !ok {
		return auth.EmptyCredential, nil
	}
	const alone = "entry.example"
	store, err := credentials.NewMemoryStoreFromDockerConfig(fmt.Appendf(nil, `{"auths":{%q:%s}}`, alone, entry))
	if err != nil {
		return auth.EmptyCredential, err
	}
	return store.Get(ctx, alone)
}

// helper returns the name of the credential helper for a key, empty for the config itself.
func (c dockerConfig) helper(key string) string {
	if helper := c.CredHelpers[key]; helper != "" {
		return helper
	}
	return c.CredsStore
}

// failing names the place where looking up a key failed.
func (c dockerConfig) failing(key string) string {
	helper := c.helper(key)
	if helper == "" {
		return fmt.Sprintf("the entry for %s in %s is malformed", key, c.source)
	}
	return fmt.Sprintf("the credential helper docker-credential-%s, named in %s, failed, is missing or did not answer within %s", helper, c.source, helperTimeout)
}

// askHelper runs a credential helper by Docker's protocol: the key on its standard input, JSON on its standard output.
// The library does the same, but lets the helper write to the provider's standard error, which Terraform logs.
func askHelper(ctx context.Context, helper, key string) (auth.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "docker-credential-"+helper, "get") //nolint:gosec // named by the user's own file
	command.Stdin = strings.NewReader(key)
	command.Stderr = io.Discard
	command.WaitDelay = 500 * time.Millisecond // a script's children can hold the pipes open after its end
	output, err := command.Output()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		if string(bytes.TrimSpace(output)) == "credentials not found in native keychain" {
			return auth.EmptyCredential, nil
		}
		return auth.EmptyCredential, err
	}
	var answer struct{ Username, Secret string }
	if err := json.Unmarshal(output, &answer); err != nil {
		return auth.EmptyCredential, err
	}
	if answer.Username == "<token>" {
		return auth.Credential{RefreshToken: answer.Secret}, nil
	}
	return auth.Credential{Username: answer.Username, Password: answer.Secret}, nil
}

func helperError(registry, format string, values ...any) *fault.Error {
	return &fault.Error{
		Reason:    fault.CredentialHelper,
		Operation: "looking for the credential of " + registry + " in the Docker config",
		Detail:    fmt.Sprintf(format, values...),
	}
}
