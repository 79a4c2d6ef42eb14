package wire

import (
	"errors"
	"net/http"
	"testing"
)

func TestEncodingOfABody(t *testing.T) {
	for _, test := range []struct {
		lines   []string
		refused bool
	}{
		{nil, false}, {[]string{""}, false}, {[]string{"identity"}, false}, {[]string{"Identity, aws-chunked"}, false},
		{[]string{"aws-chunked"}, false}, {[]string{"aws-chunked,gzip"}, true}, {[]string{"aws-chunked", "zstd"}, true},
		{[]string{"gzip"}, true}, {[]string{"br"}, true}, {[]string{"of its own"}, true},
	} {
		err := checkEncoding(&http.Response{Header: http.Header{"Content-Encoding": test.lines}})
		if errors.Is(err, ErrEncoding) != test.refused {
			t.Errorf("Content-Encoding %q: %v, want it refused: %t", test.lines, err, test.refused)
		}
	}
}
