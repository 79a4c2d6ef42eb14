package terraform

import (
	"os"
	"path/filepath"
	"testing"
)

// OpenTofu has functions from an earlier version number than Terraform, and ephemeral resources from a later one.
func TestLacksGoesByEachCLIsOwnNumbers(t *testing.T) {
	const (
		function  = `output "x" { value = provider::acr::parse_image("example.azurecr.io/app") }`
		ephemeral = `ephemeral "acr_bearer_token" "x" {}`
	)
	for _, test := range []struct {
		cli           Version
		configuration string
		lacks         string // "" for nothing
	}{
		{Version{"Terraform", "v1.5.7"}, function, "functions of providers, which came with Terraform 1.8.0 and OpenTofu 1.7.0"},
		{Version{"Terraform", "v1.8.0"}, function, ""},
		{Version{"OpenTofu", "v1.6.3"}, function, "functions of providers, which came with Terraform 1.8.0 and OpenTofu 1.7.0"},
		{Version{"OpenTofu", "v1.7.0"}, function, ""},
		{Version{"Terraform", "v1.10.0"}, ephemeral, ""},
		{Version{"OpenTofu", "v1.10.10"}, ephemeral, "ephemeral resources, which came with Terraform 1.10.0 and OpenTofu 1.11.0"},
		{Version{"OpenTofu", "v1.11.0"}, ephemeral, ""},
		{Version{"Terraform", "v1.5.7"}, ephemeral + function, "ephemeral resources, which came with Terraform 1.10.0 and OpenTofu 1.11.0"},
		{Version{"Terraform", "v1.0.11"}, `data "acr_tags" "x" {}`, ""},
	} {
		feature, lacks := test.cli.Lacks(test.configuration)
		if lacks != (test.lacks != "") || lacks && feature.String() != test.lacks {
			t.Errorf("%s, %s: lacks %q, want %q", test.cli, test.configuration, feature, test.lacks)
		}
	}
}

func TestCLIVersion(t *testing.T) {
	for printed, want := range map[string]Version{
		"Terraform v1.11.4\non linux_amd64\n": {"Terraform", "v1.11.4"},
		"OpenTofu v1.12.6\n":                  {"OpenTofu", "v1.12.6"},
		"no such command\n":                   {},
	} {
		program := filepath.Join(t.TempDir(), "cli")
		if err := os.WriteFile(program, []byte("#!/bin/sh\nprintf '"+printed+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TF_ACC_TERRAFORM_PATH", program)
		got, err := CLIVersion(t.Context())
		if got != want || (err == nil) != (want != Version{}) {
			t.Errorf("%q: version %+v and error %v, want %+v", printed, got, err, want)
		}
	}
}
