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

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// helperTimeout bounds a credential helper: one that asks a person for a PIN would wait for ever under Terraform.
const helperTimeout = 30 * time.Second

// DockerConfig looks the registry up in the Docker config file (in DOCKER_CONFIG, else in .docker of the home folder)
// and its credential helpers. It returns Anonymous if there is no entry. A file that cannot be read, and a helper that
// fails, hangs or is missing, make it return a *fault.Error, never Anonymous. What the helper printed is not repeated,
// since it may be the secret.
func DockerConfig(ctx context.Context, registry string) (Credential, error) {
	file, err := dockerConfigFile()
	if err != nil {
		return nil, helperError(registry, "the home folder is unknown; set DOCKER_CONFIG")
	}
	source := "the Docker config " + file
	config, err := readDockerConfig(file)
	if errors.Is(err, os.ErrNotExist) {
		return Anonymous{Source: source}, nil
	}
	if err != nil {
		return nil, helperError(registry, "the Docker config %s cannot be read as JSON", file)
	}
	store, err := credentials.NewStore(file, credentials.StoreOptions{})
	if err != nil {
		return nil, helperError(registry, "the Docker config %s is malformed", file)
	}
	for _, key := range config.keysFor(registry) {
		entry, err := config.lookUp(ctx, store, key)
		if err != nil {
			return nil, helperError(registry, "%s; run %q by hand to see why", config.failing(key, file), "docker login "+registry)
		}
		if entry == auth.EmptyCredential {
			continue
		}
		found, ok := credentialOf(entry, source)
		if !ok {
			return nil, helperError(registry, "the entry for %s in %s has no user name with a password and no identity token", key, source)
		}
		if err := found.Validate(); err != nil {
			return nil, helperError(registry, "the entry for %s in %s cannot be used: %v", key, source, err)
		}
		return found, nil
	}
	return Anonymous{Source: source}, nil
}

// credentialOf returns the kind of credential that an entry holds; an identity token counts before a password.
func credentialOf(entry auth.Credential, source string) (Credential, bool) {
	if entry.RefreshToken != "" {
		return RefreshToken{Token: secret.New(entry.RefreshToken), Source: source}, true
	}
	return Basic{Username: entry.Username, Password: secret.New(entry.Password), Source: source}, entry.Username != "" && entry.Password != ""
}

func dockerConfigFile() (string, error) {
	folder := os.Getenv("DOCKER_CONFIG")
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		folder = filepath.Join(home, ".docker")
	}
	return filepath.Join(folder, "config.json"), nil
}

// dockerConfig is the part of a Docker config file that says which helper to ask.
type dockerConfig struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`
}

func readDockerConfig(file string) (dockerConfig, error) {
	var config dockerConfig
	content, err := os.ReadFile(file)
	if err != nil || len(bytes.TrimSpace(content)) == 0 { // Docker takes an empty file for none
		return config, err
	}
	return config, json.Unmarshal(content, &config)
}

// keysFor returns the names under which the config may have the registry, those with helpers first: as the file writes
// them, perhaps with a scheme, a path or capitals, and last as it is.
func (c dockerConfig) keysFor(registry string) []string {
	var helpers, entries []string
	for key := range c.CredHelpers {
		if dockerKey(key) == registry {
			helpers = append(helpers, key)
		}
	}
	for key := range c.Auths {
		if dockerKey(key) == registry && !slices.Contains(helpers, key) {
			entries = append(entries, key)
		}
	}
	slices.Sort(helpers)
	slices.Sort(entries)
	keys := append(helpers, entries...)
	if !slices.Contains(keys, registry) {
		keys = append(keys, registry)
	}
	return keys
}

func dockerKey(key string) string {
	return transport.BareHost(strings.ToLower(key))
}

// lookUp asks the helper for a key, or else the file.
func (c dockerConfig) lookUp(ctx context.Context, file credentials.Store, key string) (auth.Credential, error) {
	if helper := c.helper(key); helper != "" {
		return askHelper(ctx, helper, key)
	}
	return file.Get(ctx, key)
}

// helper returns the name of the credential helper for a key, empty for the file itself.
func (c dockerConfig) helper(key string) string {
	if helper := c.CredHelpers[key]; helper != "" {
		return helper
	}
	return c.CredsStore
}

// failing names the place where looking up a key failed.
func (c dockerConfig) failing(key, file string) string {
	helper := c.helper(key)
	if helper == "" {
		return fmt.Sprintf("the entry for %s in %s is malformed", key, file)
	}
	return fmt.Sprintf("the credential helper docker-credential-%s, named in %s, failed, is missing or did not answer within %s", helper, file, helperTimeout)
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
