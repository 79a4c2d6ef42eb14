package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// subject has the names of the attributes that say what is read or written. An attribute that does not exist stays
// empty.
type subject struct {
	repository  string // names the repository
	manifest    string // "tag" or "digest", as configured
	tag         string // names the tag that is written
	accessToken string // holds a token that is used instead of the provider's own
}

// attribute returns the attribute that an error is about, empty if none is at fault.
func (s subject) attribute(failed *fault.Error) string {
	switch failed.Reason {
	case fault.InvalidArgument, fault.MissingSetting, fault.ConflictingSettings, fault.NoFederatedToken, missingRegistry:
		if failed.Argument == "repository" {
			return s.repository
		}
		return failed.Argument
	case fault.CredentialHelper:
		return "use_docker_config"
	case fault.RepositoryNotFound, fault.ListNotFound:
		return s.repository
	case fault.TagElsewhere, fault.TagMoved:
		return s.tag
	case fault.ManifestNotFound, fault.NotInRepository, fault.Schema1, fault.NotAnImage, fault.MalformedImage:
		return s.manifest
	case fault.PlatformNotFound:
		return "platform"
	case fault.InvalidToken, fault.InsufficientScope:
		return s.accessToken
	default:
		return ""
	}
}

// manifestAttribute returns the attribute that names the manifest.
func manifestAttribute(digest string) string {
	if digest == "" {
		return "tag"
	}
	return "digest"
}

// failureDiagnostic turns an error of internal/acr into the one diagnostic that a person sees.
func failureDiagnostic(err error, s subject) diag.Diagnostic {
	failed := failureOf(err)
	attribute := s.attribute(failed)
	if attribute == "" {
		return diag.NewErrorDiagnostic(explanations[failed.Reason].Summary, failureDetail(failed))
	}
	return diag.NewAttributeErrorDiagnostic(path.Root(attribute), explanations[failed.Reason].Summary, failureDetail(failed))
}

// failureAt is failureDiagnostic for a value at a path that alone says what is read. It names the path, of which Terraform
// shows only the attribute.
func failureAt(err error, at path.Path) diag.Diagnostic {
	failed := failureOf(err)
	if fault.IsOfArgument(failed) {
		return invalidValueDiagnostic(err, at)
	}
	named := *failed
	named.Operation = joined(": ", at.String(), failed.Operation)
	return diag.NewAttributeErrorDiagnostic(at, explanations[named.Reason].Summary, failureDetail(&named))
}

func failureOf(err error) *fault.Error {
	if failed, ok := fault.As(err); ok {
		return failed
	}
	return &fault.Error{Reason: fault.BadAnswer, Detail: "an error without a reason"}
}

// failureDetail returns the text of the diagnostic for an error.
func failureDetail(failed *fault.Error) string {
	explained := explanations[failed.Reason]
	switch {
	case failed.Reason == fault.InvalidArgument: // the error itself says what is expected
		return failed.Argument + ": " + failed.Detail + "."
	case fault.IsOfArgument(failed):
		return failed.Argument + ": " + failed.Detail + ".\n\nWhat to do: " + explained.Remedy
	}
	var facts []string
	if attempted := joined(": ", failed.Operation, failed.Step); attempted != "" {
		facts = append(facts, "Attempted: "+attempted)
	}
	if cameBack := joined("; ", failed.Answer(), failed.Detail); cameBack != "" {
		facts = append(facts, "Came back: "+cameBack)
	}
	return explained.detail(facts...)
}

// joined joins the texts that are not empty with the separator.
func joined(separator string, texts ...string) string {
	var present []string
	for _, text := range texts {
		if text != "" {
			present = append(present, text)
		}
	}
	return strings.Join(present, separator)
}

// invalidValueDiagnostic returns the diagnostic for an invalid value at a path.
func invalidValueDiagnostic(err error, at path.Path) diag.Diagnostic {
	failed, ok := fault.As(err)
	if !ok {
		failed = &fault.Error{Reason: fault.InvalidArgument, Detail: "breaks its grammar"}
	}
	named := *failed
	named.Argument = at.String()
	return diag.NewAttributeErrorDiagnostic(at, explanations[named.Reason].Summary, failureDetail(&named))
}

// unknownConfigurationError returns the error that names the attributes of the provider block that are known only after
// apply.
func unknownConfigurationError(reason fault.Reason, attributes []string) diag.Diagnostic {
	explained := explanations[reason]
	return diag.NewErrorDiagnostic(explained.Summary, explained.detail("Known only after apply: `"+strings.Join(attributes, "`, `")+"` of the provider block."))
}

// uncheckedCertificateWarning returns the warning about insecure_skip_verify.
func uncheckedCertificateWarning(at path.Path) diag.Diagnostic {
	explained := explanations[uncheckedCertificate]
	return diag.NewAttributeWarningDiagnostic(at, explained.Summary, explained.detail())
}

// tagLeftWarning returns the warning about a tag that names another image than the copy that is destroyed.
func tagLeftWarning(failed *fault.Error) diag.Diagnostic {
	left := *failed
	left.Reason = tagLeft
	return diag.NewWarningDiagnostic(explanations[tagLeft].Summary, failureDetail(&left))
}

// maxNamed is the most missing actions that a warning names: a challenge can name thousands.
const maxNamed = 20

// fewerPermissionsWarning returns the warning that names the actions a token was requested with and does not grant.
func fewerPermissionsWarning(missing []string) diag.Diagnostic {
	explained := explanations[fewerPermissions]
	if len(missing) > maxNamed {
		missing = append(slices.Clone(missing[:maxNamed]), fmt.Sprintf("and %d more", len(missing)-maxNamed))
	}
	return diag.NewWarningDiagnostic(explained.Summary, explained.detail("Not granted: "+strings.Join(missing, ", ")))
}

// argumentError turns a parser's error into that of a function's only argument. Terraform adds the full stop.
func argumentError(err error) *function.FuncError {
	if failed, ok := fault.As(err); ok {
		return function.NewArgumentFuncError(0, failed.Detail)
	}
	return function.NewArgumentFuncError(0, err.Error())
}
