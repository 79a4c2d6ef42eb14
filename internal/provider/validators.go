package provider

import (
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// syntax holds a string attribute to a grammar of internal/acr at validation, before anything is sent. The diagnostic
// shows of the value what check's error shows: nothing, for a secret.
type syntax struct {
	of    string // what the value has to be, for Terraform's own description of the schema
	check func(value string) error
}

var (
	registrySyntax         = syntax{"a login server, host[:port]", checkOf(acr.ParseRegistry)}
	usernameSyntax         = syntax{"a user name without a colon", acr.ValidateUsername}
	passwordSyntax         = syntax{"a password without line breaks", func(v string) error { return acr.ValidatePassword(secret.New(v)) }}
	trustedTokenHostSyntax = syntax{"host[:port]", acr.ValidateTrustedTokenHost}
	timeoutSyntax          = syntax{"a Go duration over 0 and up to 1h", checkOf(parseTimeout)}
	repositorySyntax       = syntax{"a repository name of the OCI distribution spec", acr.ValidateRepository}
	tagSyntax              = syntax{"a tag of the OCI distribution spec", acr.ValidateTag}
	digestSyntax           = syntax{"a digest, such as sha256:…", acr.ValidateDigest}
	platformSyntax         = syntax{"os/architecture[/variant]", checkOf(acr.ParsePlatform)}
	scopeSyntax            = syntax{"a complete scope, type:name:actions", acr.ValidateScope}
	actionSyntax           = syntax{"an action of a scope", acr.ValidateAction}
	accessTokenSyntax      = syntax{"a bearer token", func(v string) error { return acr.ValidateAccessToken(secret.New(v)) }}
	regexSyntax            = syntax{"a regular expression of RE2", checkRegex}
	notEmpty               = syntax{"not empty", checkNotEmpty}
)

// checkOf keeps of a parser whether it fails.
func checkOf[T any](parse func(string) (T, error)) func(string) error {
	return func(value string) error {
		_, err := parse(value)
		return err
	}
}

func checkRegex(value string) error {
	if _, err := regexp.Compile(value); err != nil {
		return &fault.Error{Reason: fault.InvalidArgument, Detail: err.Error()}
	}
	return nil
}

func checkNotEmpty(value string) error {
	if value == "" {
		return &fault.Error{Reason: fault.InvalidArgument, Detail: "is empty; leave it out instead"}
	}
	return nil
}

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
