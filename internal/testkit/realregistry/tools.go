package realregistry

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// environment is the process's own at its start: Go finds its caches by it, also when a test has set another HOME since.
var environment = os.Environ()

var (
	toolsMu   sync.Mutex
	toolPaths = map[string]string{}
)

// Tool builds the tool of the module tools/NAME, unless Go's build cache holds it already, and returns the program's path.
func Tool(name string) (string, error) {
	toolsMu.Lock()
	defer toolsMu.Unlock()
	if path, ok := toolPaths[name]; ok {
		return path, nil
	}
	folder, err := toolsFolder()
	if err != nil {
		return "", err
	}
	command := exec.Command("go", "tool", "-n", name)
	command.Dir = filepath.Join(folder, name)
	command.Env = append(environment[:len(environment):len(environment)], "PWD="+command.Dir, "CGO_ENABLED=0") // as tools/build does
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("building %s: %w", name, withStderr(err))
	}
	toolPaths[name] = strings.TrimSpace(string(output))
	return toolPaths[name], nil
}

// toolsFolder finds the repository's tools folder from the working folder, which for a test is its package's.
func toolsFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		tools := filepath.Join(folder, "tools")
		if _, err := os.Stat(filepath.Join(tools, "registry", "go.mod")); err == nil {
			return tools, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no tools folder above the working folder")
		}
		folder = parent
	}
}

// withStderr adds to a command's error what the command said.
func withStderr(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}
