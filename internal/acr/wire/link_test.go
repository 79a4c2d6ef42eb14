package wire

import (
	"strings"
	"testing"
	"time"
)

func TestHostileLinksAreQuick(t *testing.T) {
	for name, part := range map[string]string{
		"links": "<a>,", "brackets": "<", "parameters": "; a=b", "semicolons": ";", "quotes": `;a="`, "relations": "a ",
	} {
		link := "<a>; rel=\"" + strings.Repeat(part, maxChallengeBytes/len(part))
		if name != "relations" {
			link = "<a>" + link[len(`<a>; rel="`):]
		}
		started := time.Now()
		_, _, _ = ParseLink([]string{link})
		if took := time.Since(started); took > quick {
			t.Errorf("%s: took %s, want next to none", name, took)
		}
	}
}
