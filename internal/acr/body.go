package acr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// errTooLarge says that a body is over its limit.
var errTooLarge = errors.New("too large")

// errEncoding says that a body is encoded in a way that was not asked for.
var errEncoding = errors.New("unknown content encoding")

// readBody reads a body of at most limit bytes, counted after decompression. One byte more is an error, never a
// truncation.
func readBody(res *http.Response, limit int64) ([]byte, error) {
	if encoding := res.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, errEncoding
	}
	if res.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var body bytes.Buffer
	if res.ContentLength > 0 {
		body.Grow(int(res.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(res.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(body.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return body.Bytes(), nil
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: the body is over the limit of %d bytes", errTooLarge, limit)
}
