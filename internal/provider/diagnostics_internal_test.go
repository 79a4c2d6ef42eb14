package provider

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

func TestAttributeAtFault(t *testing.T) {
	byName := subject{repository: "name"}
	byDigest := subject{repository: "repository", manifest: "digest"}
	withToken := subject{repository: "repository", manifest: "tag", accessToken: "access_token"}
	tests := []struct {
		subject subject
		failed  fault.Error
		want    string
	}{
		{byName, fault.Error{Reason: fault.InvalidArgument, Argument: "repository"}, "name"},
		{byName, fault.Error{Reason: fault.RepositoryNotFound}, "name"},
		{byDigest, fault.Error{Reason: fault.InvalidArgument, Argument: "platform"}, "platform"},
		{byDigest, fault.Error{Reason: fault.ManifestNotFound}, "digest"},
		{byDigest, fault.Error{Reason: fault.Schema1}, "digest"},
		{byDigest, fault.Error{Reason: fault.PlatformNotFound}, "platform"},
		{byDigest, fault.Error{Reason: fault.InsufficientScope}, ""},
		{byDigest, fault.Error{Reason: fault.InvalidToken}, ""},
		{withToken, fault.Error{Reason: fault.InsufficientScope}, "access_token"},
		{withToken, fault.Error{Reason: fault.InvalidToken}, "access_token"},
		{withToken, fault.Error{Reason: fault.WrongCredentials}, ""},
		{subject{}, fault.Error{Reason: missingRegistry, Argument: "registry"}, "registry"},
		{subject{}, fault.Error{Reason: fault.CredentialHelper}, "use_docker_config"},
	}
	for _, test := range tests {
		if got := test.subject.attribute(&test.failed); got != test.want {
			t.Errorf("%s: %q, want %q", test.failed.Reason, got, test.want)
		}
	}
}

func TestFailureDetail(t *testing.T) {
	detail := failureDetail(&fault.Error{
		Reason: fault.WrongCredentials, Operation: "reading the manifest r.example.com/app:1.0", Step: "asking https://r.example.com/oauth2/token for a token",
		Status: 401, Code: "UNAUTHORIZED", Message: "authentication required", CorrelationID: "1-2", Detail: "it was sent no credential",
	})
	want := explanations[fault.WrongCredentials].Cause + "\n\n" +
		"Attempted: reading the manifest r.example.com/app:1.0: asking https://r.example.com/oauth2/token for a token\n" +
		"Came back: 401 Unauthorized UNAUTHORIZED: authentication required (correlation id 1-2); it was sent no credential\n" +
		"What to do: " + explanations[fault.WrongCredentials].Remedy
	if detail != want {
		t.Errorf("got\n%s\nwant\n%s", detail, want)
	}
}

// An error that is not from internal/acr is reported without its text, which nobody has checked for secrets.
func TestForeignErrorIsNotRepeated(t *testing.T) {
	d := failureDiagnostic(errors.New("sesame"), subject{})
	if strings.Contains(d.Detail(), "sesame") || d.Summary() == "" {
		t.Errorf("%s: %s", d.Summary(), d.Detail())
	}
}

// A challenge can name thousands of actions; a warning names only some.
func TestFewerPermissionsWarningIsShort(t *testing.T) {
	missing := make([]string, 500)
	for i := range missing {
		missing[i] = fmt.Sprintf("repository:app:a%d", i)
	}
	detail := fewerPermissionsWarning(missing).Detail()
	if !strings.Contains(detail, "repository:app:a19, and 480 more") || strings.Contains(detail, "repository:app:a20") {
		t.Errorf("the warning is %q", detail)
	}
}
