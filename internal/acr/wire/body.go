package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ErrTooLarge is returned for a body over its limit.
var ErrTooLarge = errors.New("too large")

// ErrEncoding is returned for a body with a content encoding that was not asked for.
var ErrEncoding = errors.New("unknown content encoding")

// ReadBody reads a body of at most limit bytes, counted after decompression. It never truncates: for one byte more it
// returns ErrTooLarge, and for a compression that was not asked for ErrEncoding.
func ReadBody(res *http.Response, limit int64) ([]byte, error) {
	if err := checkEncoding(res); err != nil {
		return nil, err
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

// checkEncoding returns ErrEncoding if a body is compressed though that was not asked for. aws-chunked is not a compression
// but a way to upload. Amazon's storage forgets it, and storage that imitates it may send it with the plain bytes (AWS,
// "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks").
func checkEncoding(res *http.Response) error {
	for encoding := range strings.SplitSeq(strings.Join(res.Header.Values("Content-Encoding"), ","), ",") {
		switch strings.ToLower(strings.TrimSpace(encoding)) {
		case "", "identity", "aws-chunked":
		default:
			return ErrEncoding
		}
	}
	return nil
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: the body is over the limit of %d bytes", ErrTooLarge, limit)
}
