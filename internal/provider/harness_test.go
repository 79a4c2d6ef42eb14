package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/acrkit/terraform-provider-acr/internal/provider"
	"github.com/acrkit/terraform-provider-acr/internal/server"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// TestMain lets the tests with a real Terraform run by a plain `go test`: on the one in PATH, else on OpenTofu, and
// without the user's own CLI configuration and registry.
func TestMain(m *testing.M) {
	os.Setenv("TF_CLI_CONFIG_FILE", os.DevNull)
	setIfUnset("TF_ACC_TERRAFORM_PATH", firstInPath("terraform", "tofu"))
	if strings.HasPrefix(filepath.Base(os.Getenv("TF_ACC_TERRAFORM_PATH")), "tofu") {
		setIfUnset("TF_ACC_PROVIDER_HOST", "registry.opentofu.org")
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); terraform.Steers(name) && !strings.HasPrefix(name, "TF_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

func setIfUnset(variable, value string) {
	if os.Getenv(variable) == "" {
		os.Setenv(variable, value)
	}
}

func firstInPath(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// factories are the providers of a run of Terraform.
var factories = map[string]func() (tfprotov6.ProviderServer, error){
	"acr": func() (tfprotov6.ProviderServer, error) { return server.New(provider.New("test")), nil },
}

// providerBlock returns HCL for a provider block that reads from the registry as its default user.
func providerBlock(registry *acrtest.Registry) string {
	return fmt.Sprintf("provider \"acr\" {\n  registry = %q\n  username = %q\n  password = %q\n  ca_cert_pem = %q\n}\n",
		registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM())
}

// realCLI returns the version of the CLI that a test is about to run. Under -short it skips the test: nearly all of the
// package's time goes into these runs.
func realCLI(t *testing.T) terraform.Version {
	if testing.Short() {
		t.Skip("-short: runs a real CLI")
	}
	cli, err := terraform.CLIVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cli
}

// unitTest runs the steps. On a CLI that lacks what the first step uses, it checks the CLI's error instead, and reports
// false.
func unitTest(t *testing.T, c resource.TestCase) (ran bool) {
	t.Helper()
	cli := realCLI(t)
	lacking, lacks := cli.Lacks(c.Steps[0].Config)
	if lacks {
		t.Logf("%s has no %s", cli, lacking)
		c.Steps = []resource.TestStep{
			{Config: c.Steps[0].Config, ExpectError: lacking.Refusal},
			{Config: `output "nothing" { value = "to destroy" }`},
		}
	}
	resource.UnitTest(t, c)
	return !lacks
}

// inWrapped matches words however Terraform breaks the lines between them.
func inWrapped(words string) *regexp.Regexp {
	var pattern []string
	for word := range strings.FieldsSeq(words) {
		pattern = append(pattern, regexp.QuoteMeta(word))
	}
	return regexp.MustCompile(strings.Join(pattern, `[\s│]+`))
}

// Short names for the parts of checks of a state.
var (
	str     = knownvalue.StringExact
	number  = knownvalue.Int64Exact
	boolean = knownvalue.Bool
	null    = knownvalue.Null
)

type object = map[string]knownvalue.Check

// list expects just these strings in this order.
func list(elements ...string) knownvalue.Check {
	checks := []knownvalue.Check{}
	for _, element := range elements {
		checks = append(checks, str(element))
	}
	return knownvalue.ListExact(checks)
}

// attributes expects exactly these values of a data source's attributes.
func attributes(address string, want object) []statecheck.StateCheck {
	var checks []statecheck.StateCheck
	for name, check := range want {
		checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(name), check))
	}
	return checks
}

// applyTwice applies a configuration, checks the state, and expects a second plan to be empty.
func applyTwice(t *testing.T, config string, checks ...[]statecheck.StateCheck) {
	t.Helper()
	var all []statecheck.StateCheck
	for _, some := range checks {
		all = append(all, some...)
	}
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			{Config: config, ConfigStateChecks: all},
			{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}},
		},
	})
}

// withEnd matches the words as inWrapped does, if nothing follows them on their line.
func withEnd(words string) *regexp.Regexp {
	return regexp.MustCompile(inWrapped(words).String() + `\s*\n`)
}

// wantFunctionError calls a function, which must end in this error on its parameter, with nothing after it on its line.
// A configuration that only calls functions needs no registry in its provider block.
func wantFunctionError(t *testing.T, call, parameter, words string) {
	t.Helper()
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config:      "provider \"acr\" {}\noutput \"result\" {\n  value = provider::acr::" + call + "\n}\n",
			ExpectError: withEnd(fmt.Sprintf("Invalid value for %q parameter: %s", parameter, words)),
		}},
	})
}
