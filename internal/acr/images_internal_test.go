package acr

import (
	"fmt"
	"testing"
)

// The first ten reads request all tokens, so that none waits for another, whatever a repository holds.
func TestFirstReadsAskForAllTokens(t *testing.T) {
	var reads []*imageRead
	for repository := range 100 {
		for tag := range 1 + repository%3*10 {
			reads = append(reads, &imageRead{request: ManifestRequest{Repository: fmt.Sprintf("app%02d", repository), Tag: fmt.Sprintf("v%d", tag)}})
		}
	}
	ordered := inTurn(reads)
	tokens := map[*sharedToken]bool{}
	for _, read := range ordered[:5] {
		tokens[read.request.shared] = true
	}
	if len(tokens) != 5 {
		t.Errorf("the first five reads ask for %d tokens, want the five for 100 repositories", len(tokens))
	}
	all := map[*sharedToken]bool{}
	for _, read := range ordered {
		all[read.request.shared] = true
	}
	if len(all) != 5 || len(ordered) != len(reads) {
		t.Errorf("%d reads with %d tokens, want %d with 5", len(ordered), len(all), len(reads))
	}
}
