package acr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// helperTimeout bounds a credential helper: those that ask a person for a PIN would wait for ever under Terraform.
const helperTimeout = 30 * time.Second

// DockerConfigCredential looks the registry up in the Docker config file (in DOCKER_CONFIG, else in .docker of the home
// folder) and its credential helpers. A zero Credential, but for its Source, says that there is none. A file that
// cannot be read and a helper that fails, hangs or is missing is an *Error, never anonymous access; what the helper
// printed is not repeated, since it may be the secret.
func DockerConfigCredential(ctx context.Context, registry string) (Credential, error) {
	file, err := dockerConfigFile()
	if err != nil {
		return Credential{}, helperError(registry, "the home folder is unknown; set DOCKER_CONFIG")
	}
	found := Credential{Source: "the Docker config " + file}
	config, err := readDockerConfig(file)
	if errors.Is(err, os.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return Credential{}, helperError(registry, "the Docker config %s cannot be read as JSON", file)
	}
	store, err := credentials.NewStore(file, credentials.StoreOptions{})
	if err != nil {
		return Credential{}, helperError(registry, "the Docker config %s is malformed", file)
	}
	for _, key := range config.keysFor(registry) {
		entry, err := lookUp(ctx, store, key)
		if err != nil {
			return Credential{}, helperError(registry, "%s; run %q by hand to see why", config.failing(key, file), "docker login "+registry)
		}
		if entry == auth.EmptyCredential {
			continue
		}
		found.Username, found.Password, found.RefreshToken = entry.Username, NewSecret(entry.Password), NewSecret(entry.RefreshToken)
		if found.IsAnonymous() || found.RefreshToken.IsZero() && (found.Username == "" || found.Password.IsZero()) {
			return Credential{}, helperError(registry, "the entry for %s in %s has no user name with a password and no identity token", key, found.Source)
		}
		if err := found.Validate(); err != nil {
			return Credential{}, helperError(registry, "the entry for %s in %s cannot be used: %v", key, found.Source, err)
		}
		return found, nil
	}
	return found, nil
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

// dockerConfig is what of a Docker config file says who to ask.
type dockerConfig struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`
}

func readDockerConfig(file string) (dockerConfig, error) {
	var config dockerConfig
	content, err := os.ReadFile(file)
	if err != nil {
		return config, err
	}
	return config, json.Unmarshal(content, &config)
}

// keysFor lists under which names the config may have the registry, helpers first: as it is written there, perhaps
// with a scheme, a path or capitals, and at last as it is.
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
	return bareHost(strings.ToLower(key))
}

// failing names the helper that was asked for a key.
func (c dockerConfig) failing(key, file string) string {
	helper := c.CredHelpers[key]
	if helper == "" {
		helper = c.CredsStore
	}
	if helper == "" {
		return fmt.Sprintf("the entry for %s in %s is malformed", key, file)
	}
	return fmt.Sprintf("the credential helper docker-credential-%s, named in %s, failed, is missing or did not answer within %s", helper, file, helperTimeout)
}

// lookUp asks the store, and gives up on a helper that outlives its time: a script's children can hold the pipe open
// after the script itself was killed, and the library waits for that.
func lookUp(ctx context.Context, store credentials.Store, key string) (auth.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	type result struct {
		entry auth.Credential
		err   error
	}
	done := make(chan result, 1)
	go func() {
		entry, err := store.Get(ctx, key)
		done <- result{entry, err}
	}()
	select {
	case got := <-done:
		return got.entry, got.err
	case <-ctx.Done():
		return auth.Credential{}, ctx.Err()
	}
}

func helperError(registry, format string, values ...any) *Error {
	return &Error{
		Reason:    CredentialHelper,
		Operation: "looking for the credential of " + registry + " in the Docker config",
		Detail:    fmt.Sprintf(format, values...),
	}
}
