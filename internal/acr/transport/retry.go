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

// MaxRetryAfter is the longest wait that a registry may ask for. A longer one fails at once: the person at the terminal
// knows better whether to wait.
const MaxRetryAfter = 60 * time.Second

// Do sends the request until it has an answer to keep: any status but those that another attempt may mend. The body is
// read within the repeated part, so that a truncated one is fetched again. An error is always a *fault.Error, without
// Operation: it says that there is no answer, or that the registry is overloaded or broken.
func (t *Transport) Do(ctx context.Context, r Request) (*Response, error) {
	most := t.config.MaxRetries + 1
	if r.Once || r.Content != nil {
		most = 1
	}
	var answer *Response
	err := t.repeat(ctx, r.Step, most, func() (failed *failure) {
		answer, failed = t.try(ctx, r)
		if failed != nil && failed.acted && r.Unrepeatable {
			failed.verdict = never
		}
		return failed
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Repeat runs what Do cannot send again by itself, such as an upload, which takes several requests. It begins again, as
// often and with the same waits as Do does, where run reports that a stream broke: any other failure was met as often
// as it may be already. Errors are run's last, which must be *fault.Error, or say that the context ended.
func (t *Transport) Repeat(ctx context.Context, run func() (broke bool, err error)) error {
	return t.repeat(ctx, "", t.config.MaxRetries+1, func() *failure {
		broke, err := run()
		if err == nil {
			return nil
		}
		failed, ok := fault.As(err)
		switch {
		case !ok:
			return &failure{err: t.diagnose(err), verdict: never}
		case !broke:
			return &failure{err: failed, verdict: never}
		}
		return &failure{err: failed, verdict: verdictOnBroken(failed)}
	})
}

// repeat makes attempts until one succeeds or its verdict is not to make another. The error is that of the last.
func (t *Transport) repeat(ctx context.Context, step string, most int, attempt func() *failure) error {
	var last *failure
	attempts, transient := 0, 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		attempts++
		if last = attempt(); last == nil {
			return struct{}{}, nil
		}
		if last.verdict == once {
			transient++
		}
		if last.verdict == never || transient > 1 {
			return struct{}{}, backoff.Permanent(last.err)
		}
		if last.err.RetryAfter > 0 {
			return struct{}{}, &backoff.RetryAfterError{Duration: last.err.RetryAfter}
		}
		return struct{}{}, last.err
	}, backoff.WithBackOff(t.BackOff()), backoff.WithMaxTries(uint(most)), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return cancelled(step)
	case attempts > 1:
		last.err.Detail = strings.TrimPrefix(fmt.Sprintf("%s, after %d attempts", last.err.Detail, attempts), ", ")
	}
	return last.err
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
		return nil, &failure{err: cancelled(r.Step), verdict: never}
	case answer != nil && mayPass(answer.Status):
		return nil, t.judgeStatus(answer, r)
	case err != nil:
		if own, ok := fault.As(err); ok { // of the content that was to be sent
			return nil, &failure{err: own, verdict: never}
		}
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
	if f.err.RetryAfter > MaxRetryAfter {
		f.verdict = never
		f.err.Detail = fmt.Sprintf("the registry asks to wait %s, which is over the limit of %s", f.err.RetryAfter, MaxRetryAfter)
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

// verdictOnBroken is for a stream that broke, in either direction, at a moment when Do could not send it again. Of a token
// that ended in the meantime there is a new one.
func verdictOnBroken(failed *fault.Error) verdict {
	switch failed.Reason {
	case fault.Unreachable, fault.RegistryFault:
		return again
	case fault.RateLimited:
		if failed.RetryAfter <= MaxRetryAfter {
			return again
		}
	case fault.TimedOut, fault.InvalidToken:
		return once
	}
	return never
}

func cancelled(step string) *fault.Error {
	return &fault.Error{Reason: fault.Canceled, Step: step, Detail: "cancelled before an answer came"}
}
