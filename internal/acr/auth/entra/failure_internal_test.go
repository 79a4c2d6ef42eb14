package entra

import (
	"regexp"
	"strings"
	"testing"
)

// Of any answer, only codes and ids are kept.
func FuzzRefusal(f *testing.F) {
	for _, seed := range []string{
		`{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range.","trace_id":"0a-1","correlation_id":"0a-2"}`,
		`{"error":"invalid_request","error_description":"Identity not found"}`,
		`{"error":{"code":"x"},"error_description":null}`,
		`{"error":"a","error":"b"}`,
		"<html>", "", "[]", "\xff",
	} {
		f.Add([]byte(seed))
	}
	detail := regexp.MustCompile(`^[a-z_]{0,40}(, )?(trace id [0-9A-Fa-f-]{1,40})?$`)
	f.Fuzz(func(t *testing.T, body []byte) {
		failed := (&witness{status: 400, body: body}).refusal()
		if !detail.MatchString(failed.Detail) || len(failed.Code) > 15 || strings.Trim(strings.ToLower(failed.CorrelationID), "0123456789abcdef-") != "" {
			t.Errorf("code %q, detail %q, correlation id %q", failed.Code, failed.Detail, failed.CorrelationID)
		}
		if failed.Message != "" || failed.Status != 400 || failed.Reason == "" {
			t.Errorf("%+v", failed)
		}
	})
}
