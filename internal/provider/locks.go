package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

// locksModel is what may be done with a repository, a tag or a manifest.
type locksModel struct{ DeleteEnabled, WriteEnabled, ReadEnabled, ListEnabled types.Bool }

// locksOf returns the locks that a block sets.
func locksOf(b block) locksModel {
	return locksModel{
		DeleteEnabled: get[types.Bool](b, "delete_enabled"),
		WriteEnabled:  get[types.Bool](b, "write_enabled"),
		ReadEnabled:   get[types.Bool](b, "read_enabled"),
		ListEnabled:   get[types.Bool](b, "list_enabled"),
	}
}

// newLocksModel returns null for all locks if the registry does not say.
func newLocksModel(a *acr.Attributes) locksModel {
	if a == nil {
		return locksModel{}
	}
	return locksModel{
		DeleteEnabled: types.BoolValue(a.DeleteEnabled),
		WriteEnabled:  types.BoolValue(a.WriteEnabled),
		ReadEnabled:   types.BoolValue(a.ReadEnabled),
		ListEnabled:   types.BoolValue(a.ListEnabled),
	}
}

// values returns the attributes of addLockAttributes.
func (m locksModel) values() values {
	return values{
		"delete_enabled": m.DeleteEnabled,
		"write_enabled":  m.WriteEnabled,
		"read_enabled":   m.ReadEnabled,
		"list_enabled":   m.ListEnabled,
	}
}

// addLockAttributes adds the schema of locksModel for a "repository", a "tag" or a "manifest".
func addLockAttributes(attributes map[string]schema.Attribute, of string) {
	for name, action := range map[string]string{
		"delete_enabled": "deleted",
		"write_enabled":  "written to",
		"read_enabled":   "read",
		"list_enabled":   "listed",
	} {
		attributes[name] = schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the " + of + " may be " + action + ", as `az acr repository update` sets it; null if the registry does not say.",
		}
	}
}

// attributes returns the locks that are set.
func (m locksModel) attributes() acr.ChangeableAttributes {
	return acr.ChangeableAttributes{
		DeleteEnabled: m.DeleteEnabled.ValueBoolPointer(),
		WriteEnabled:  m.WriteEnabled.ValueBoolPointer(),
		ReadEnabled:   m.ReadEnabled.ValueBoolPointer(),
		ListEnabled:   m.ListEnabled.ValueBoolPointer(),
	}
}

// watched returns the registry's values of the locks that are set. If none is set, as after an import, it returns those
// that are locked, or all if nothing is locked.
func (m locksModel) watched(a *acr.Attributes) locksModel {
	imported := m == locksModel{}
	nothingLocked := *a == acr.Attributes{DeleteEnabled: true, WriteEnabled: true, ReadEnabled: true, ListEnabled: true}
	watch := func(had types.Bool, enabled bool) types.Bool {
		if imported && (nothingLocked || !enabled) || !had.IsNull() {
			return types.BoolValue(enabled)
		}
		return types.BoolNull()
	}
	return locksModel{
		DeleteEnabled: watch(m.DeleteEnabled, a.DeleteEnabled),
		WriteEnabled:  watch(m.WriteEnabled, a.WriteEnabled),
		ReadEnabled:   watch(m.ReadEnabled, a.ReadEnabled),
		ListEnabled:   watch(m.ListEnabled, a.ListEnabled),
	}
}
