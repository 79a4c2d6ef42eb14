package wire

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestParseRetryAfter checks the parser against RFC 9110 section 10.2.3.
func TestParseRetryAfter(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for value, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, "007": 7 * time.Second, "60": time.Minute, " 60\t": time.Minute, "61": 61 * time.Second,
		"31536000": year, "31536001": year, "4294967295": year, "4294967296": year,
		"9223372036854775807": year, "18446744073709551616": year, strings.Repeat("9", 1000): year,
		"Sun, 01 Mar 2026 12:00:10 GMT":  9500 * time.Millisecond,
		"Sunday, 01-Mar-26 12:00:10 GMT": 9500 * time.Millisecond,
		"Sun Mar  1 12:00:10 2026":       9500 * time.Millisecond,
		"Sun, 01 Mar 2026 12:00:00 GMT":  0,
		"Sun, 01 Mar 2026 11:59:59 GMT":  0,
		"Thu, 01 Jan 1970 00:00:00 GMT":  0,
		"Sun, 01 Mar 2026 13:00:00 GMT":  time.Hour - 500*time.Millisecond,
		"Fri, 31 Dec 9999 23:59:59 GMT":  year,
		"":                               0,
		" ":                              0,
		"-1":                             0,
		"-9223372036854775808":           0,
		"+5":                             0,
		"1.5":                            0,
		"1e3":                            0,
		"0x10":                           0,
		"1 2":                            0,
		"5s":                             0,
		"٣":                              0,
		"soon":                           0,
		"Sun, 32 Mar 2026 12:00:10 GMT":  0,
		"Sun, 01 Mar 2026 12:00:10 CET":  0,
		"2026-03-01T12:00:10Z":           0,
		"\x00":                           0,
	} {
		if got := ParseRetryAfter(value, retryNow); got != want {
			t.Errorf("Retry-After %.40q = %s, want %s", value, got, want)
		}
	}
}

// The result is never negative, never more than a year, and 0 for anything but digits and dates.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"0", "1", "60", "-1", "9223372036854775808", "1.5", "Sun, 01 Mar 2026 12:00:10 GMT", "Sunday, 01-Mar-26 12:00:10 GMT",
		"Sun Mar  1 12:00:10 2026", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "",
	} {
		f.Add(seed, retryNow.UnixNano())
		f.Add(seed, int64(math.MinInt64))
	}
	f.Fuzz(func(t *testing.T, value string, at int64) {
		now := time.Unix(0, at)
		got := ParseRetryAfter(value, now)
		if got < 0 || got > 365*24*time.Hour {
			t.Fatalf("Retry-After %q = %s", value, got)
		}
		if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
			if want := min(seconds, 365*24*3600); got != time.Duration(want)*time.Second {
				t.Errorf("Retry-After %q = %s, want %d s", value, got, want)
			}
			return
		}
		date, err := http.ParseTime(strings.TrimSpace(value))
		digits := strings.Trim(strings.TrimSpace(value), "0123456789") == ""
		if got > 0 && !digits && (err != nil || !date.After(now)) {
			t.Errorf("Retry-After %q = %s, of neither seconds nor a date to come", value, got)
		}
	})
}

// retryNow lies within a second, while a date of Retry-After is a whole one.
var retryNow = time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)
