package provider

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// syntax checks a string attribute against a grammar of internal/acr at validation, before anything is sent. Neither
// check's error nor the diagnostic shows a secret.
type syntax struct {
	of    string // what the value must be, for Terraform's own description of the schema
	check func(value string) error
}

var (
	registrySyntax         = syntax{"a login server, host[:port]", checkOf(acr.ParseRegistry)}
	usernameSyntax         = syntax{"a user name without a colon", ifGiven(auth.ValidateUsername)}
	passwordSyntax         = syntax{"a password without line breaks", ifGiven(checkPassword)}
	trustedTokenHostSyntax = syntax{"host[:port]", auth.ValidateTrustedTokenHost}
	timeoutSyntax          = syntax{"a Go duration over 0 and up to " + maxTimeoutText, checkOf(parseTimeout)}
	repositorySyntax       = syntax{"a repository name of the OCI distribution spec", oci.ValidateRepository}
	tagSyntax              = syntax{"a tag of the OCI distribution spec", oci.ValidateTag}
	digestSyntax           = syntax{"a digest, such as sha256:…", oci.ValidateDigest}
	platformSyntax         = syntax{"os/architecture[/variant]", checkOf(oci.ParsePlatform)}
	sourceSyntax           = syntax{"an image by its digest, registry/repository@sha256:…", checkOf(parseSource)}
	scopeSyntax            = syntax{"a complete scope, type:name:actions", auth.ValidateScope}
	actionSyntax           = syntax{"an action of a scope", auth.ValidateAction}
	accessTokenSyntax      = syntax{"a bearer token", func(v string) error { return auth.ValidateAccessToken(secret.New(v)) }}
	environmentSyntax      = syntax{"public, usgovernment or china", entra.ValidateEnvironment}
	audienceSyntax         = syntax{"the URI of an audience", entra.ValidateAudience}
	regexSyntax            = syntax{"a regular expression of RE2", checkRegex}
	notEmpty               = syntax{"not empty", checkNotEmpty}
)

func (s syntax) Description(context.Context) string { return "must be " + s.of }

func (s syntax) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (s syntax) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := s.check(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.Append(invalidValueDiagnostic(err, req.Path))
	}
}

// checkOf returns a check that fails if the parser does.
func checkOf[T any](parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		_, err := parse(value)
		return err
	}
}

// ifGiven returns a check for an attribute that may be left out, but not empty.
func ifGiven(check func(string) error) func(string) error {
	return func(value string) error {
		if err := checkNotEmpty(value); err != nil {
			return err
		}
		return check(value)
	}
}

// checkPassword adds advice for a line break, which comes from the end of a file.
func checkPassword(value string) error {
	err := auth.ValidatePassword(secret.New(value))
	failed, ok := fault.As(err)
	if !ok || !strings.ContainsAny(value, "\r\n") {
		return err
	}
	advised := *failed
	advised.Detail += "; " + lineBreakAdvice
	return &advised
}

func checkRegex(value string) error {
	if _, err := regexp.Compile(value); err != nil {
		return &fault.Error{Reason: fault.InvalidArgument, Detail: err.Error()}
	}
	return nil
}

func checkNotEmpty(value string) error {
	if value == "" {
		return &fault.Error{Reason: fault.InvalidArgument, Detail: "is empty; " + emptyAdvice}
	}
	return nil
}

// wholeNumber checks that a number has no fraction and is within bounds. For a fraction in an Int64Attribute the framework
// reports an error of the provider, and asks to report it (v1.19.0, internal/fwschemadata).
type wholeNumber struct{ least, most int64 }

func (w wholeNumber) Description(context.Context) string {
	if w.most == math.MaxInt64 {
		return fmt.Sprintf("a whole number of at least %d", w.least)
	}
	return fmt.Sprintf("a whole number from %d to %d", w.least, w.most)
}

func (w wholeNumber) MarkdownDescription(ctx context.Context) string { return w.Description(ctx) }

func (w wholeNumber) ValidateNumber(ctx context.Context, req validator.NumberRequest, resp *validator.NumberResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	number := req.ConfigValue.ValueBigFloat()
	if whole, accuracy := number.Int64(); accuracy != big.Exact || whole < w.least || whole > w.most {
		resp.Diagnostics.Append(invalidValueDiagnostic(fault.Invalid("", "%v is not %s", number, w.Description(ctx)), req.Path))
	}
}

// exactlyOneOf checks that exactly one of two attributes is set. It belongs to the first of them, where its error is
// shown. The validator of terraform-plugin-framework-validators matches patterns of paths with the whole configuration,
// which took 6 % of the CPU of a hundred reads.
type exactlyOneOf [2]string

func (e exactlyOneOf) Description(context.Context) string {
	return "exactly one of " + e[0] + " and " + e[1] + " is needed"
}

func (e exactlyOneOf) MarkdownDescription(ctx context.Context) string { return e.Description(ctx) }

func (e exactlyOneOf) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	var attributes map[string]tftypes.Value
	if req.Config.Raw.As(&attributes) != nil {
		return
	}
	first, second := attributes[e[0]], attributes[e[1]]
	if first.IsNull() != second.IsNull() || !first.IsKnown() || !second.IsKnown() {
		return
	}
	given := "both are given"
	if first.IsNull() {
		given = "neither is given"
	}
	resp.Diagnostics.Append(invalidValueDiagnostic(fault.Invalid(e[0], "%s, and %s", e.Description(ctx), given), req.Path))
}
