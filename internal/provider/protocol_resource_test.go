package provider_test

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// managed is a resource as Terraform keeps it between two calls. The zero value is none.
type managed struct {
	state    *tfprotov6.DynamicValue
	identity *tfprotov6.ResourceIdentityData
	private  []byte
}

// plan validates and plans a change of a resource; nil arguments plan its removal. It returns the planned state.
func (p protocol) plan(typeName string, prior managed, arguments values) (*tfprotov6.PlanResourceChangeResponse, []*tfprotov6.Diagnostic) {
	p.t.Helper()
	schema := p.schemas.ResourceSchemas[typeName]
	config := p.encodeOrNull(schema, arguments)
	if arguments != nil {
		validated, err := p.server.ValidateResourceConfig(p.t.Context(), &tfprotov6.ValidateResourceConfigRequest{
			TypeName: typeName, Config: config,
			ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true}, // as Terraform 1.11 has it
		})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(validated.Diagnostics) > 0 {
			return nil, validated.Diagnostics
		}
	}
	planned, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typeName, PriorState: p.stateOrNull(schema, prior), PriorIdentity: prior.identity, PriorPrivate: prior.private,
		Config: config, ProposedNewState: p.propose(schema, prior, arguments),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return planned, planned.Diagnostics
}

// apply plans and applies a change.
func (p protocol) apply(typeName string, prior managed, arguments values) (managed, []*tfprotov6.Diagnostic) {
	p.t.Helper()
	planned, diagnostics := p.plan(typeName, prior, arguments)
	if len(diagnostics) > 0 {
		return prior, diagnostics
	}
	schema := p.schemas.ResourceSchemas[typeName]
	applied, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName, PriorState: p.stateOrNull(schema, prior), PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
		Config: p.encodeOrNull(schema, arguments), PlannedIdentity: planned.PlannedIdentity,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return managed{applied.NewState, applied.NewIdentity, applied.Private}, applied.Diagnostics
}

// mustApply is apply without any diagnostic.
func (p protocol) mustApply(typeName string, prior managed, arguments values) managed {
	p.t.Helper()
	m, diagnostics := p.apply(typeName, prior, arguments)
	if len(diagnostics) > 0 {
		p.t.Fatalf("applying %s: %s", typeName, describe(diagnostics))
	}
	return m
}

// refresh reads a resource.
func (p protocol) refresh(typeName string, m managed) (managed, []*tfprotov6.Diagnostic) {
	p.t.Helper()
	read, err := p.server.ReadResource(p.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: typeName, CurrentState: m.state, CurrentIdentity: m.identity, Private: m.private,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return managed{read.NewState, read.NewIdentity, read.Private}, read.Diagnostics
}

// importBy imports a resource by its id, or by its identity if there are values, and reads it.
func (p protocol) importBy(typeName, id string, identity values) (managed, []*tfprotov6.Diagnostic) {
	p.t.Helper()
	request := &tfprotov6.ImportResourceStateRequest{TypeName: typeName, ID: id}
	if identity != nil {
		request.Identity = p.encodeIdentity(typeName, identity)
	}
	imported, err := p.server.ImportResourceState(p.t.Context(), request)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(imported.Diagnostics) > 0 {
		return managed{}, imported.Diagnostics
	}
	only := imported.ImportedResources[0]
	return p.refresh(typeName, managed{only.State, only.Identity, only.Private})
}

// attributesOf decodes a resource's state; empty if it is gone.
func (p protocol) attributesOf(typeName string, m managed) map[string]tftypes.Value {
	p.t.Helper()
	return p.decode(p.schemas.ResourceSchemas[typeName], m.state)
}

// identityOf decodes a resource's identity, with "null" for null.
func (p protocol) identityOf(typeName string, m managed) map[string]string {
	p.t.Helper()
	value, err := m.identity.IdentityData.Unmarshal(p.identitySchema(typeName).ValueType())
	if err != nil {
		p.t.Fatal(err)
	}
	var fields map[string]tftypes.Value
	if err := value.As(&fields); err != nil {
		p.t.Fatal(err)
	}
	texts := map[string]string{}
	for name, field := range fields {
		texts[name] = text(field)
	}
	return texts
}

func (p protocol) identitySchema(typeName string) *tfprotov6.ResourceIdentitySchema {
	p.t.Helper()
	schemas, err := p.server.GetResourceIdentitySchemas(p.t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		p.t.Fatal(err)
	}
	return schemas.IdentitySchemas[typeName]
}

func (p protocol) encodeIdentity(typeName string, identity values) *tfprotov6.ResourceIdentityData {
	p.t.Helper()
	object := p.identitySchema(typeName).ValueType().(tftypes.Object)
	fields := map[string]tftypes.Value{}
	for name, kind := range object.AttributeTypes {
		fields[name] = tftypes.NewValue(kind, identity[name])
	}
	data, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, fields))
	if err != nil {
		p.t.Fatal(err)
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: &data}
}

// propose merges configuration and state as Terraform does: computed attributes keep their values.
func (p protocol) propose(schema *tfprotov6.Schema, prior managed, arguments values) *tfprotov6.DynamicValue {
	p.t.Helper()
	if arguments == nil || prior.state == nil {
		return p.encodeOrNull(schema, arguments)
	}
	proposed := values{}
	had := p.decode(schema, prior.state)
	for _, attribute := range schema.Block.Attributes {
		if attribute.Computed {
			proposed[attribute.Name] = had[attribute.Name]
		}
	}
	return p.encode(schema, proposed.plus(arguments))
}

func (p protocol) stateOrNull(schema *tfprotov6.Schema, m managed) *tfprotov6.DynamicValue {
	if m.state == nil {
		return p.encodeOrNull(schema, nil)
	}
	return m.state
}

func (p protocol) encodeOrNull(schema *tfprotov6.Schema, arguments values) *tfprotov6.DynamicValue {
	p.t.Helper()
	if arguments != nil {
		return p.encode(schema, arguments)
	}
	null, err := tfprotov6.NewDynamicValue(schema.ValueType(), tftypes.NewValue(schema.ValueType(), nil))
	if err != nil {
		p.t.Fatal(err)
	}
	return &null
}
