package acrtest

import (
	"net/http"
	"sync"
	"time"
)

// rateLimit remembers when the last requests were let through.
type rateLimit struct {
	mu   sync.Mutex
	last []time.Time
}

// allow reports whether one more request stays within so many in a second, and answers 429 if it does not. A limit of 0
// allows all.
//
// The real registry counts by the minute and sends Retry-After in seconds, up to 60 (Microsoft's
// container-registry-skus); its answer was never recorded.
func (l *rateLimit) allow(perSecond int, w http.ResponseWriter) bool {
	if perSecond == 0 {
		return true
	}
	l.mu.Lock()
	now := time.Now()
	allowed := len(l.last) < perSecond || now.Sub(l.last[0]) >= time.Second
	if allowed {
		l.last = append(l.last, now)
		l.last = l.last[max(0, len(l.last)-perSecond):]
	}
	l.mu.Unlock()
	if !allowed {
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusTooManyRequests, statusTexts[http.StatusTooManyRequests])
	}
	return allowed
}
