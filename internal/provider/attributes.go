package provider

import (
	"math"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

// This file holds the arguments that several data sources share. The results that they share are in descriptors.go and
// locks.go.

// repositoryAttribute returns the repository of every data source that reads within one.
func repositoryAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Required:            true,
		MarkdownDescription: "Repository, such as `team/app`, without the registry and without a tag.",
		Validators:          []validator.String{repositorySyntax},
	}
}

// tagAttribute returns the tag of a data source that also has a digest. It checks that exactly one of the two is set,
// and shows the error.
func tagAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "Tag to read, such as `1.4.2`. Set either this or `digest`.",
		Validators:          []validator.String{exactlyOneOf{"tag", "digest"}, tagSyntax},
	}
}

// nameRegexAttribute returns the filter for a list of tags or repositories.
func nameRegexAttribute(things string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "Only return " + things + " whose name matches this [RE2](https://github.com/google/re2/wiki/Syntax) regular expression. " +
			"The match may be anywhere in the name; use `^` and `$` to match all of it.",
		Validators: []validator.String{regexSyntax},
	}
}

// orderByAttribute returns the order of a list: its own, which is the default, or by time. more ends the description.
func orderByAttribute(own, more string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional:            true,
		MarkdownDescription: "Order of the list: `" + own + "` (default), `time_desc` (the last updated first) or `time_asc`." + more,
		Validators:          []validator.String{stringvalidator.OneOf(own, acr.OrderByTimeDesc, acr.OrderByTimeAsc)},
	}
}

// limitAttribute returns the limit of a list.
func limitAttribute(description string) schema.NumberAttribute {
	return schema.NumberAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Validators:          []validator.Number{wholeNumber{1, math.MaxInt64}},
	}
}
