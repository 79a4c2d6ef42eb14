package terraform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

// Version is a CLI's name and number, such as Terraform and v1.11.4, or OpenTofu and v1.12.6.
type Version struct {
	Name   string
	Number string
}

// CLIVersion asks the CLI of [CLI] for its version.
func CLIVersion(ctx context.Context) (Version, error) {
	cli, err := CLI()
	if err != nil {
		return Version{}, err
	}
	command := exec.CommandContext(ctx, cli, "version")
	command.Env = append(cleanEnvironment(), "TF_CLI_CONFIG_FILE="+os.DevNull, "CHECKPOINT_DISABLE=1")
	output, err := command.Output()
	if err != nil {
		return Version{}, fmt.Errorf("%s version: %w", cli, err)
	}
	first, _, _ := strings.Cut(string(output), "\n")
	name, number, _ := strings.Cut(first, " ")
	if !semver.IsValid(number) {
		return Version{}, fmt.Errorf("%s version: no version in %q", cli, first)
	}
	return Version{name, number}, nil
}

func (v Version) String() string { return v.Name + " " + v.Number }

// Feature is what Terraform and OpenTofu have only from some version on.
type Feature struct {
	// Refusal matches the error that a CLI without the feature prints for a configuration that uses it.
	Refusal *regexp.Regexp

	name      string
	sign      string // what is in a configuration that uses it
	terraform string // the first version that has it
	opentofu  string
}

// features are those that tests and examples use. Where a configuration uses several, the first is what a CLI complains
// about that has none of them.
var features = []Feature{
	{oneOf("Blocks of type \"import\" are not expected here."), "import blocks", "import {", "v1.5.0", "v1.6.0"},
	{oneOf("Variables may not be used here."), "expressions in import blocks", "id = \"production/web@${", "v1.6.0", "v1.6.0"},
	{oneOf("An argument named \"identity\" is not expected here."), "imports by identity", "identity = {", "v1.12.0", "v1.12.0"},
	{oneOf("Blocks of type \"ephemeral\" are not expected here."), "ephemeral resources", "ephemeral \"", "v1.10.0", "v1.11.0"},
	{oneOf("An argument named \"ephemeral\" is not expected here."), "ephemeral variables", "ephemeral = true", "v1.10.0", "v1.11.0"},
	{oneOf("WriteOnly Attribute Not Allowed", "Ephemeral values are not valid"), "write-only arguments", "_wo ", "v1.11.0", "v1.11.0"},
	{oneOf("Missing newline after argument", "Missing argument separator"), "functions of providers", "provider::", "v1.8.0", "v1.7.0"},
	{oneOf("does not support resource type"), "terraform_data", "terraform_data", "v1.4.0", "v1.6.0"},
	{oneOf("Blocks of type \"postcondition\" are not expected here."), "postconditions", "postcondition", "v1.2.0", "v1.6.0"},
}

// oneOf matches one of the texts, however the CLI breaks its lines.
func oneOf(texts ...string) *regexp.Regexp {
	for i, text := range texts {
		texts[i] = strings.ReplaceAll(regexp.QuoteMeta(text), " ", `[\s│]+`)
	}
	return regexp.MustCompile(strings.Join(texts, "|"))
}

// Lacks returns the first feature that the configuration uses and the CLI does not have. It reports false where the CLI
// has them all.
func (v Version) Lacks(configuration string) (feature Feature, lacks bool) {
	for _, f := range features {
		if strings.Contains(configuration, f.sign) && semver.Compare(v.Number, f.since(v.Name)) < 0 {
			return f, true
		}
	}
	return Feature{}, false
}

func (f Feature) since(name string) string {
	if name == "OpenTofu" {
		return f.opentofu
	}
	return f.terraform
}

func (f Feature) String() string {
	return fmt.Sprintf("%s, which came with Terraform %s and OpenTofu %s", f.name, f.terraform[1:], f.opentofu[1:])
}
