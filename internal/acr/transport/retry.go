package transport

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// maxRetryAfter is the longest wait that a registry may ask for. A longer one fails at once: the person at the terminal
// knows better whether to wait.
const maxRetryAfter = 60 * time.Second

// Do sends the request until it has an answer to keep: any status but those that another attempt may mend. The body is
// read within the repeated part, so that a truncated one is fetched again. An error is always a *fault.Error, without
// Operation: it says that there is no answer, or that the registry is overloaded or broken.
func (t *Transport) Do(ctx context.Context, r Request) (*Response, error) {
	var last *failure
	attempts, transient := 0, 0
	answer, err := backoff.Retry(ctx, func() (*Response, error) {
		attempts++
		var answer *Response
		if answer, last = t.try(ctx, r); last == nil {
			return answer, nil
		}
		if last.verdict == once {
			transient++
		}
		if last.verdict == never || transient > 1 || r.Unrepeatable && last.acted {
			return nil, backoff.Permanent(last.err)
		}
		if last.err.RetryAfter > 0 {
			return nil, &backoff.RetryAfterError{Duration: last.err.RetryAfter}
		}
		return nil, last.err
	}, backoff.WithBackOff(t.BackOff()), backoff.WithMaxTries(t.mostAttempts(r)), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, cancelled(r)
	case attempts > 1:
		last.err.Detail = strings.TrimPrefix(fmt.Sprintf("%s, after %d attempts", last.err.Detail, attempts), ", ")
	}
	return nil, last.err
}

func (t *Transport) mostAttempts(r Request) uint {
	if r.Once {
		return 1
	}
	return uint(t.config.MaxRetries) + 1
}

// fullJitter waits a random time between 0 and 1 s, then 2 s, 4 s, … 30 s.
func fullJitter() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     500 * time.Millisecond,
		RandomizationFactor: 1, // interval ± interval, that is from 0 to twice the interval
		Multiplier:          2,
		MaxInterval:         15 * time.Second,
	}
}

// verdict says whether a failed attempt is made again.
type verdict int

const (
	never verdict = iota // the answer would be the same
	once                 // rarely transient: retry once, then report it
	again                // as often as max_retries allows
)

// failure is one attempt that brought no answer to keep.
type failure struct {
	err     *fault.Error
	verdict verdict
	acted   bool // the server may have done what it was asked for
}

// try makes one attempt. A status that another attempt may mend counts, whatever became of its body.
func (t *Transport) try(ctx context.Context, r Request) (*Response, *failure) {
	answer, err := t.attempt(ctx, r)
	switch {
	case ctx.Err() != nil && (err != nil || mayPass(answer.Status)):
		return nil, &failure{err: cancelled(r), verdict: never}
	case answer != nil && mayPass(answer.Status):
		return nil, t.judgeStatus(answer, r)
	case err != nil:
		failed := t.diagnose(err)
		failed.Step = r.Step
		if answer != nil {
			failed.Status = answer.Status
		}
		return nil, &failure{err: failed, verdict: verdictOn(err), acted: !isBeforeSending(err)}
	}
	return answer, nil
}

// mayPass reports whether the same request may get another answer later (RFC 9110 sections 15.5.9 and 15.6, RFC 6585
// section 4).
func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isRefusal reports whether a status that may pass says that nothing was done: the request was not complete, came too
// early or found the server unable to take it (RFC 9110 sections 15.5.9 and 15.6.4, RFC 6585 section 4).
func isRefusal(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// judgeStatus is for a status that may pass. Retry-After counts where RFC 9110 section 10.2.3 and RFC 6585 section 4
// give it a meaning.
func (t *Transport) judgeStatus(answer *Response, r Request) *failure {
	reason := fault.RegistryFault
	switch answer.Status {
	case http.StatusTooManyRequests:
		reason = fault.RateLimited
	case http.StatusRequestTimeout:
		reason = fault.RequestRefused
	}
	f := &failure{err: answer.Fault(reason, r.Step), verdict: again, acted: !isRefusal(answer.Status)}
	if answer.Status != http.StatusTooManyRequests && answer.Status != http.StatusServiceUnavailable {
		return f
	}
	f.err.RetryAfter = wire.ParseRetryAfter(answer.Header.Get("Retry-After"), t.Now())
	if f.err.RetryAfter > maxRetryAfter {
		f.verdict = never
		f.err.Detail = fmt.Sprintf("the registry asks to wait %s, which is over the limit of %s", f.err.RetryAfter, maxRetryAfter)
	}
	return f
}

// isBeforeSending reports whether an attempt failed before a server had the request.
func isBeforeSending(err error) bool { return isUnknownHost(err) || isRefused(err) || isDialError(err) }

// verdictOn is for an attempt without an answer. An unknown host, a refusal and a time-out are seldom gone a moment
// later; a connection that broke or could not be made often is. All else is a decision of the peer or of this client.
func verdictOn(err error) verdict {
	switch {
	case isDecided(err):
		return never
	case isUnknownHost(err), isTimeOut(err), isRefused(err):
		return once
	case isBroken(err), isDialError(err):
		return again
	default:
		return never
	}
}

func cancelled(r Request) *fault.Error {
	return &fault.Error{Reason: fault.Canceled, Step: r.Step, Detail: "cancelled before an answer came"}
}
