package provider

import (
	"os"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

func TestEveryReasonIsExplained(t *testing.T) {
	reasons := append(fault.Reasons(), missingRegistry, unknownConfiguration, unknownForEphemeral, uncheckedCertificate, fewerPermissions, moreFailures,
		otherRegistry, leftElsewhere, tagLeft)
	seen := map[string]fault.Reason{}
	for _, reason := range reasons {
		explained := explanations[reason]
		for _, part := range []string{explained.Summary, explained.Cause, explained.Remedy} {
			if strings.TrimSpace(part) == "" {
				t.Errorf("%q lacks summary, cause or remedy", reason)
			}
		}
		if other, taken := seen[explained.Summary]; taken {
			t.Errorf("%q and %q have one summary, %q", reason, other, explained.Summary)
		}
		seen[explained.Summary] = reason
	}
	if len(explanations) != len(reasons) {
		t.Errorf("%d explanations for %d reasons", len(explanations), len(reasons))
	}
}

// The page "Troubleshooting" repeats the text of each diagnostic.
func TestTroubleshootingPage(t *testing.T) {
	content, err := os.ReadFile("../../templates/guides/troubleshooting.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(content)), " ")
	for reason, explained := range explanations {
		for _, part := range []string{explained.Summary, explained.Cause, explained.Remedy} {
			if !strings.Contains(page, strings.Join(strings.Fields(part), " ")) {
				t.Errorf("the page lacks, for %q: %s", reason, part)
			}
		}
	}
}
