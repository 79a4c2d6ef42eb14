package provider

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
)

// reasonsIn returns the constants of a file that are reasons.
func reasonsIn(t *testing.T, file string) (reasons []fault.Reason) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Type == nil || !strings.HasSuffix(types.ExprString(spec.Type), "Reason") {
			return true
		}
		if value, err := strconv.Unquote(types.ExprString(spec.Values[0])); err == nil {
			reasons = append(reasons, fault.Reason(value))
		}
		return true
	})
	return reasons
}

func TestEveryReasonIsExplained(t *testing.T) {
	reasons := append(reasonsIn(t, "../acr/fault/fault.go"), reasonsIn(t, "explanations.go")...)
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
