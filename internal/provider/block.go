package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// values maps attribute names to values.
type values = map[string]attr.Value

// block is a block as it is configured, planned or kept in the state. Its methods take an attribute's name, and return
// the zero value for one that is null.
//
// Attributes go by their names here, not by the fields of a struct: of a struct with tfsdk tags the framework compiles a
// regular expression for each field, whenever it is read or written (v1.19.0, internal/reflect/helpers.go). That was a
// fifth of the CPU of 400 reads.
type block struct {
	types      map[string]attr.Type
	configured values
}

// rawBlock is a tfsdk.Config, a tfsdk.Plan, a tfsdk.State or a tfsdk.ResourceIdentity.
type rawBlock interface {
	Get(context.Context, any) diag.Diagnostics
}

// newBlock reads a block.
func newBlock(ctx context.Context, from rawBlock, diags *diag.Diagnostics) block {
	var whole types.Object
	diags.Append(from.Get(ctx, &whole)...)
	return block{whole.AttributeTypes(ctx), whole.Attributes()}
}

func (b block) isNull(name string) bool  { return get[attr.Value](b, name).IsNull() }
func (b block) text(name string) string  { return get[types.String](b, name).ValueString() }
func (b block) flag(name string) bool    { return get[types.Bool](b, name).ValueBool() }
func (b block) number(name string) int64 { return wholeOf(get[types.Number](b, name)) }

// texts returns the elements of a list or a set of strings.
func (b block) texts(name string) []string {
	var texts []string
	for _, element := range get[interface{ Elements() []attr.Value }](b, name).Elements() {
		texts = append(texts, textOf(element))
	}
	return texts
}

// textMap returns a map of strings.
func (b block) textMap(name string) map[string]string {
	texts := map[string]string{}
	for key, element := range get[types.Map](b, name).Elements() {
		texts[key] = textOf(element)
	}
	return texts
}

// get returns an attribute. It panics if the schema has no such attribute of this type.
func get[T any](b block, name string) T {
	value, ok := b.configured[name].(T)
	if !ok {
		panic("the block has no such attribute " + name)
	}
	return value
}

// wholeOf returns a number that [wholeNumber] has checked, 0 for null.
func wholeOf(number types.Number) int64 {
	if number.IsNull() {
		return 0
	}
	whole, _ := number.ValueBigFloat().Int64()
	return whole
}

// textOf returns a string, empty for null.
func textOf(element attr.Value) string {
	text, _ := element.(types.String)
	return text.ValueString()
}

// write sets a state, or an ephemeral result, to the block with the values that were read. A computed attribute without
// a value is null.
func (b block) write(ctx context.Context, to interface {
	Set(context.Context, any) diag.Diagnostics
}, diags *diag.Diagnostics, read values) {
	all := maps.Clone(b.configured)
	maps.Copy(all, read)
	whole, problems := types.ObjectValue(b.types, all)
	diags.Append(problems...)
	if !problems.HasError() {
		diags.Append(to.Set(ctx, whole)...)
	}
}
