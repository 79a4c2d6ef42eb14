package main

import (
	"os"
	"testing"
)

func TestLogWhatTerraformKeeps(t *testing.T) {
	variables := []string{"TF_LOG", "TF_LOG_PROVIDER", "TF_LOG_SDK", "TF_LOG_PROVIDER_ACR"}
	for name, test := range map[string]struct{ given, want [4]string }{
		"nothing is kept":              {[4]string{}, [4]string{"", "", "off", "off"}},
		"everything is kept":           {[4]string{"TRACE"}, [4]string{"TRACE", "", "TRACE", "TRACE"}},
		"providers' level comes first": {[4]string{"TRACE", "WARN"}, [4]string{"TRACE", "WARN", "WARN", "WARN"}},
		"the user's own choice":        {[4]string{"DEBUG", "", "error", "info"}, [4]string{"DEBUG", "", "error", "info"}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, variable := range variables {
				t.Setenv(variable, test.given[i])
			}
			logWhatTerraformKeeps()
			for i, variable := range variables {
				if got := os.Getenv(variable); got != test.want[i] {
					t.Errorf("%s = %q, want %q", variable, got, test.want[i])
				}
			}
		})
	}
}
