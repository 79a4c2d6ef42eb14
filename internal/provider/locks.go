package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

// locksModel is what may be done with a repository or a tag. It is embedded by their models.
type locksModel struct {
	DeleteEnabled types.Bool `tfsdk:"delete_enabled"`
	WriteEnabled  types.Bool `tfsdk:"write_enabled"`
	ReadEnabled   types.Bool `tfsdk:"read_enabled"`
	ListEnabled   types.Bool `tfsdk:"list_enabled"`
}

// newLocksModel gives null throughout where the registry does not say.
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

// values are those of addLockAttributes.
func (m locksModel) values() values {
	return values{
		"delete_enabled": m.DeleteEnabled,
		"write_enabled":  m.WriteEnabled,
		"read_enabled":   m.ReadEnabled,
		"list_enabled":   m.ListEnabled,
	}
}

// addLockAttributes adds the schema of locksModel for a "tag" or a "repository".
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
