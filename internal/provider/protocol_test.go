package provider_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// values are the arguments of a block: string, bool, int, []string, map[string]string, or a tftypes.Value for anything else.
type values map[string]any

// plus returns the values, with others added or replaced; nil removes one.
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

// defaultUser returns the provider block's arguments for the registry's default user.
func defaultUser(registry *acrtest.Registry) values {
	arguments := values{"registry": registry.Host(), "username": acrtest.DefaultUser, "password": acrtest.DefaultPassword}
	if registry.CAPEM() == "" {
		return arguments.plus(values{"plain_http": true})
	}
	return arguments.plus(values{"ca_cert_pem": registry.CAPEM()})
}

// protocol talks to the provider as Terraform does, but without a Terraform: it gets diagnostics unchanged, with their
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

// configuredFor returns a provider that is configured without a diagnostic.
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

// read validates and reads a data source. The state is nil if nothing was read.
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

// mustRead is read without any diagnostic.
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

// encode makes a block from its arguments, with null for the rest.
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

// text returns a string attribute, or "null".
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

// wanted is the one diagnostic that a failure causes.
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

// goTypes are parts of Go errors that were not put into words.
var goTypes = []string{"*acr.", "*url.", "*net.", "types.", "basetypes", "tftypes", "%!"}

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// refused are arguments that a data source refuses before anything is sent, by what is wrong with them.
type refused map[string]struct {
	arguments values
	want      wanted
}

func (r refused) check(t *testing.T, typeName string) {
	t.Helper()
	registry := acrtest.StartT(t, acrtest.Options{})
	p := configuredFor(t, defaultUser(registry))
	for name, test := range r {
		t.Run(name, func(t *testing.T) {
			_, diagnostics := p.read(typeName, test.arguments)
			test.want.check(t, diagnostics)
		})
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// failing are reads that end in one error, by what the registry refuses or lacks. It holds the image app:1.0, the index
// multi:1.0 for linux/amd64 and linux/arm64, and the artifact chart:1.0.
type failing map[string]struct {
	options   acrtest.Options
	block     values // on top of the default user's
	fault     *acrtest.Fault
	arrange   func(*acrtest.Registry)
	arguments values
	want      wanted
}

func (f failing) check(t *testing.T, typeName string) {
	t.Helper()
	for name, test := range f {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, test.options)
			registry.PutImage("app", "1.0", acrtest.Image{})
			registry.PutIndex("multi", "1.0", acrtest.Index{Images: []acrtest.Image{{Architecture: "arm64"}, {Architecture: "amd64"}}, Attestation: true})
			registry.PutArtifact("chart", "1.0", acrtest.Artifact{ArtifactType: "application/vnd.example.chart"})
			if test.fault != nil {
				registry.Inject(*test.fault)
			}
			if test.arrange != nil {
				test.arrange(registry)
			}
			test.want.hides = append(test.want.hides, acrtest.DefaultPassword)
			state, diagnostics := configuredFor(t, defaultUser(registry).plus(test.block)).read(typeName, test.arguments)
			test.want.check(t, diagnostics)
			for attribute, value := range state {
				if _, given := test.arguments[attribute]; !given && !value.IsNull() {
					t.Errorf("%s reached the state in spite of the error", attribute)
				}
			}
		})
	}
}
