// Package hostile makes bodies that hold as much as their limits allow, and measures what reading them takes.
package hostile

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Body is what a stranger sends to one reader.
type Body struct {
	Read    func(body []byte) error
	Body    []byte
	Refused bool // whether Read must return an error
}

// maxAllocated is what a read may allocate, in bytes: with the rest of the provider it stays under 64 MiB.
const maxAllocated = 56 << 20

// WantLittleMemory reads each body in its own test, which fails if that allocates too much. It measures everything that
// was ever allocated, which is more than what is in use at once.
func WantLittleMemory(t *testing.T, bodies map[string]Body) {
	t.Helper()
	for name, b := range bodies {
		t.Run(name, func(t *testing.T) {
			var err error
			took := allocated(func() { err = b.Read(b.Body) })
			if (err != nil) != b.Refused {
				t.Errorf("error = %v, want one: %t", err, b.Refused)
			}
			if took > maxAllocated {
				t.Errorf("%d bytes took %d MiB, want at most %d", len(b.Body), took>>20, maxAllocated>>20)
			}
			t.Logf("%d bytes took %.1f MiB: %v", len(b.Body), float64(took)/(1<<20), err)
		})
	}
}

// allocated returns the bytes that f allocated, whether or not they were freed.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Repeated fills a body of at most limit bytes with one element, at most so many times.
func Repeated(limit int, start, element, end string, most int) []byte {
	n := min((limit-len(start)-len(end))/(len(element)+1), most)
	return []byte(start + strings.Repeat(element+",", n-1) + element + end)
}

// Members fills a body of at most limit bytes with at most so many members of different keys.
func Members(limit, most int, start, value, end string) []byte {
	body := bytes.NewBufferString(start)
	for i := 0; body.Len() < limit-len(end)-20 && i < most; i++ {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(body, `"%x":%s`, i, value)
	}
	body.WriteString(end)
	return body.Bytes()
}

// Nested returns a body of so many levels.
func Nested(open, end string, levels int) []byte {
	return []byte(strings.Repeat(open, levels) + strings.Repeat(end, levels))
}
