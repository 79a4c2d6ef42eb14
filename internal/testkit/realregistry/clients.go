package realregistry

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Clients are crane, oras and regctl, signed in to one registry with one credential. They read and write only their own
// folder, never the user's home.
type Clients struct {
	home      string // also DOCKER_CONFIG
	authority string // path of the certificate authority's PEM file; "" for plain http
}

// Login returns clients that use this credential; an empty user name means anonymous. The credential is not checked.
func (r *Registry) Login(username, password string) (Clients, error) {
	home, err := os.MkdirTemp(r.dir, "home")
	if err != nil {
		return Clients{}, err
	}
	clients := Clients{home: home}

	auths := map[string]any{}
	host := map[string]any{"tls": "disabled"}
	if username != "" {
		auths[r.host] = map[string]string{"username": username, "password": password}
		host["user"], host["pass"] = username, password
	}
	if r.authority != nil {
		host["tls"], host["regcert"] = "enabled", r.CAPEM()
		clients.authority = filepath.Join(home, "ca.pem")
		if err := os.WriteFile(clients.authority, []byte(r.CAPEM()), 0o600); err != nil {
			return Clients{}, err
		}
	}
	if err := writeJSON(filepath.Join(home, "config.json"), map[string]any{"auths": auths}); err != nil {
		return Clients{}, err
	}
	return clients, writeJSON(filepath.Join(home, "regctl.json"), map[string]any{"hosts": map[string]any{r.host: host}})
}

// DockerConfig returns the folder whose config.json holds the credential, as DOCKER_CONFIG takes it.
func (c Clients) DockerConfig() string { return c.home }

// Crane runs crane and returns its standard output, byte for byte. The error holds its standard error.
func (c Clients) Crane(ctx context.Context, arguments ...string) (string, error) {
	if c.authority != "" {
		// crane has no setting for a certificate authority, and a test must not change the system's store.
		arguments = append(arguments, "--insecure")
	}
	return c.run(ctx, "crane", arguments)
}

// Oras runs oras and returns its standard output, byte for byte. The error holds what it said on standard error.
func (c Clients) Oras(ctx context.Context, arguments ...string) (string, error) {
	if c.authority != "" {
		arguments = append(arguments, "--ca-file", c.authority)
	} else {
		arguments = append(arguments, "--plain-http")
	}
	return c.run(ctx, "oras", arguments)
}

// Regctl runs regctl and returns its standard output, byte for byte. The error holds what it said on standard error.
func (c Clients) Regctl(ctx context.Context, arguments ...string) (string, error) {
	return c.run(ctx, "regctl", arguments)
}

// run runs a client in its home folder with an environment that holds nothing of the user's.
func (c Clients) run(ctx context.Context, tool string, arguments []string) (string, error) {
	path, err := Tool(tool)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, path, arguments...)
	command.Dir = c.home
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + c.home,
		"DOCKER_CONFIG=" + c.home,
		"REGCTL_CONFIG=" + filepath.Join(c.home, "regctl.json"),
	}
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", tool, arguments[0], withStderr(err))
	}
	return string(output), nil
}

func writeJSON(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
