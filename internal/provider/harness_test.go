package provider_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

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
	"acr": func() (tfprotov6.ProviderServer, error) { return server.New(provider.New("test")()), nil },
}

// providerBlock is HCL for a provider block that reads from the registry as its default user.
func providerBlock(registry *acrtest.Registry) string {
	return fmt.Sprintf("provider \"acr\" {\n%s}\n", providerArguments(registry))
}

func providerArguments(registry *acrtest.Registry) string {
	return fmt.Sprintf("  registry = %q\n  username = %q\n  password = %q\n  ca_cert_pem = %q\n",
		registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM())
}

// unitTest runs the steps. On a CLI that lacks what the first step uses, it checks the words that its user gets instead.
func unitTest(t *testing.T, c resource.TestCase) {
	t.Helper()
	cli, err := terraform.CLIVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if lacking, lacks := cli.Lacks(c.Steps[0].Config); lacks {
		t.Logf("%s has no %s", cli, lacking)
		c.Steps = []resource.TestStep{
			{Config: c.Steps[0].Config, ExpectError: lacking.Refusal},
			{Config: `output "nothing" { value = "to destroy" }`},
		}
	}
	resource.UnitTest(t, c)
}

// inWrapped matches words however Terraform breaks the lines between them.
func inWrapped(words string) *regexp.Regexp {
	var pattern []string
	for word := range strings.FieldsSeq(words) {
		pattern = append(pattern, regexp.QuoteMeta(word))
	}
	return regexp.MustCompile(strings.Join(pattern, `[\s│]+`))
}

// values are the arguments of a block: string, bool, int, []string, map[string]string, or a tftypes.Value for anything else.
type values map[string]any

// plus gives the values with others over them; nil takes one out.
func (v values) plus(others values) values {
	sum := maps.Clone(v)
	for name, value := range others {
		sum[name] = value
		if value == nil {
			delete(sum, name)
		}
	}
	return sum
}

// unknownString is a string that is known only after apply.
var unknownString = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)

// defaultUser are the provider block's arguments for the registry's default user.
func defaultUser(registry *acrtest.Registry) values {
	arguments := values{"registry": registry.Host(), "username": acrtest.DefaultUser, "password": acrtest.DefaultPassword}
	if registry.CAPEM() == "" {
		return arguments.plus(values{"plain_http": true})
	}
	return arguments.plus(values{"ca_cert_pem": registry.CAPEM()})
}

// protocol talks to the provider as Terraform does, without a Terraform: diagnostics come as they are, with their
// attribute, and a call takes no time.
type protocol struct {
	t       *testing.T
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

func newProtocol(t *testing.T) protocol {
	t.Helper()
	server, err := factories["acr"]()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schemas.Diagnostics) > 0 {
		t.Fatal(err, schemas.Diagnostics)
	}
	return protocol{t, server, schemas}
}

// configuredFor gives a provider that is configured without a diagnostic.
func configuredFor(t *testing.T, arguments values) protocol {
	t.Helper()
	p := newProtocol(t)
	if diagnostics := p.configure(arguments); len(diagnostics) > 0 {
		t.Fatalf("configuring: %s", describe(diagnostics))
	}
	return p
}

// configure validates a provider block and configures the provider, as Terraform does before it reads.
func (p protocol) configure(arguments values) []*tfprotov6.Diagnostic {
	p.t.Helper()
	return p.configureWith(arguments, nil)
}

func (p protocol) configureWith(arguments values, capabilities *tfprotov6.ConfigureProviderClientCapabilities) []*tfprotov6.Diagnostic {
	p.t.Helper()
	config := p.encode(p.schemas.Provider, arguments)
	validated, err := p.server.ValidateProviderConfig(p.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: config})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return validated.Diagnostics
	}
	configured, err := p.server.ConfigureProvider(p.t.Context(), &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.11.4", Config: config, ClientCapabilities: capabilities,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return configured.Diagnostics
}

// read validates and reads a data source. The state is nil where nothing was read.
func (p protocol) read(typeName string, arguments values) (state map[string]tftypes.Value, diagnostics []*tfprotov6.Diagnostic) {
	p.t.Helper()
	schema := p.schemas.DataSourceSchemas[typeName]
	config := p.encode(schema, arguments)
	validated, err := p.server.ValidateDataResourceConfig(p.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: typeName, Config: config})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return nil, validated.Diagnostics
	}
	answer, err := p.server.ReadDataSource(p.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: typeName, Config: config})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.decode(schema, answer.State), answer.Diagnostics
}

// mustRead is read where no diagnostic is expected.
func (p protocol) mustRead(typeName string, arguments values) map[string]tftypes.Value {
	p.t.Helper()
	state, diagnostics := p.read(typeName, arguments)
	if len(diagnostics) > 0 {
		p.t.Fatalf("reading %s: %s", typeName, describe(diagnostics))
	}
	return state
}

// open opens the ephemeral resource, as read does a data source.
func (p protocol) open(typeName string, arguments values) (result map[string]tftypes.Value, diagnostics []*tfprotov6.Diagnostic) {
	p.t.Helper()
	schema := p.schemas.EphemeralResourceSchemas[typeName]
	config := p.encode(schema, arguments)
	validated, err := p.server.ValidateEphemeralResourceConfig(p.t.Context(), &tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: typeName, Config: config})
	if err != nil {
		p.t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return nil, validated.Diagnostics
	}
	answer, err := p.server.OpenEphemeralResource(p.t.Context(), &tfprotov6.OpenEphemeralResourceRequest{TypeName: typeName, Config: config})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.decode(schema, answer.Result), answer.Diagnostics
}

// encode makes a block of its arguments, with null for the rest.
func (p protocol) encode(schema *tfprotov6.Schema, arguments values) *tfprotov6.DynamicValue {
	p.t.Helper()
	block := schema.ValueType().(tftypes.Object)
	attributes := map[string]tftypes.Value{}
	for name, kind := range block.AttributeTypes {
		attributes[name] = tftypes.NewValue(kind, nil)
	}
	for name, argument := range arguments {
		attributes[name] = encodeArgument(block.AttributeTypes[name], argument)
	}
	config, err := tfprotov6.NewDynamicValue(block, tftypes.NewValue(block, attributes))
	if err != nil {
		p.t.Fatal(err)
	}
	return &config
}

func encodeArgument(kind tftypes.Type, argument any) tftypes.Value {
	switch argument := argument.(type) {
	case tftypes.Value:
		return argument
	case []string:
		var elements []tftypes.Value
		for _, element := range argument {
			elements = append(elements, tftypes.NewValue(tftypes.String, element))
		}
		return tftypes.NewValue(kind, elements)
	case map[string]string:
		elements := map[string]tftypes.Value{}
		for key, element := range argument {
			elements[key] = tftypes.NewValue(tftypes.String, element)
		}
		return tftypes.NewValue(kind, elements)
	default:
		return tftypes.NewValue(kind, argument)
	}
}

func (p protocol) decode(schema *tfprotov6.Schema, state *tfprotov6.DynamicValue) map[string]tftypes.Value {
	p.t.Helper()
	if state == nil {
		return nil
	}
	value, err := state.Unmarshal(schema.ValueType())
	if err != nil {
		p.t.Fatal(err)
	}
	var attributes map[string]tftypes.Value
	if err := value.As(&attributes); err != nil {
		p.t.Fatal(err)
	}
	return attributes
}

// text gives a string attribute, "null" where it is null.
func text(value tftypes.Value) string {
	var s *string
	if err := value.As(&s); err != nil {
		return err.Error()
	}
	if s == nil {
		return "null"
	}
	return *s
}

// describe writes diagnostics with all that a person sees of them.
func describe(diagnostics []*tfprotov6.Diagnostic) string {
	var b strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintf(&b, "\n%s at %q: %s\n%s\n", d.Severity, attributeOf(d), d.Summary, d.Detail)
	}
	return b.String()
}

// attributeOf writes a diagnostic's path as in trusted_token_hosts[0]; empty for none.
func attributeOf(d *tfprotov6.Diagnostic) string {
	if d.Attribute == nil {
		return ""
	}
	var b strings.Builder
	for _, step := range d.Attribute.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			b.WriteString(string(step))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&b, "[%d]", int64(step))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&b, "[%q]", string(step))
		default:
			b.WriteString("[]")
		}
	}
	return b.String()
}

// wanted is the one diagnostic that a failure ends in.
type wanted struct {
	attribute string
	summary   string
	says      []string // all of them in the detail
	hides     []string // none of them anywhere
}

func (w wanted) check(t *testing.T, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	if len(diagnostics) != 1 {
		t.Fatalf("want one diagnostic, got %d: %s", len(diagnostics), describe(diagnostics))
	}
	got := diagnostics[0]
	if attribute := attributeOf(got); attribute != w.attribute {
		t.Errorf("want it on %q, got %q", w.attribute, attribute)
	}
	if got.Summary != w.summary {
		t.Errorf("want the summary %q, got %q", w.summary, got.Summary)
	}
	for _, words := range w.says {
		if !strings.Contains(got.Detail, words) {
			t.Errorf("want %q in the detail", words)
		}
	}
	shown := got.Summary + got.Detail
	for _, hidden := range append(w.hides, goTypes...) {
		if strings.Contains(shown, hidden) {
			t.Errorf("%q must not be shown", hidden)
		}
	}
	if t.Failed() {
		t.Log(describe(diagnostics))
	}
}

// goTypes are what a Go error looks like where it was not put into words.
var goTypes = []string{"*acr.", "*url.", "*net.", "types.", "basetypes", "tftypes", "%!"}
