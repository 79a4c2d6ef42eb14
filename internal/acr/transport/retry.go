package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// MaxRetryAfter is the longest wait that a registry may ask for. If it asks for more, the request fails at once: a
// person should decide whether to wait.
const MaxRetryAfter = 60 * time.Second

// Do sends the request, and retries it as the policy below allows. It returns any answer whose status another attempt
// would not change. Reading the body is part of the attempt, so that a truncated one is fetched again. Errors are
// *fault.Error without Operation: no answer came, or the registry is overloaded or broken.
func (t *Transport) Do(ctx context.Context, r Request) (*Response, error) {
	most := t.config.MaxRetries + 1
	if r.Once || r.Content != nil {
		most = 1
	}
	var answer *Response
	err := t.repeat(ctx, r.Step, most, func() (failed *failure) {
		answer, failed = t.try(ctx, r)
		return failed
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Repeat runs what Do cannot retry by itself: an upload, which takes several requests, or a write that may not be sent
// again blindly (RFC 9110 section 9.2.2). It starts again if run reports that what Do sends only once broke, as often and
// with the same waits as Do. Do has already retried any other failure. The error is the last of run, which must be a
// *fault.Error, or says that the context ended.
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

// repeat makes attempts until one succeeds or its verdict forbids another. It returns the last error.
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

// failure is an attempt without an answer to return.
type failure struct {
	err     *fault.Error
	verdict verdict
}

// try makes one attempt. A status that may pass counts as a failure, even if reading its body failed.
func (t *Transport) try(ctx context.Context, r Request) (*Response, *failure) {
	answer, err := t.attempt(ctx, r)
	switch {
	case ctx.Err() != nil && (err != nil || r.mayPass(answer.Status)):
		return nil, &failure{err: cancelled(r.Step), verdict: never}
	case answer != nil && r.mayPass(answer.Status):
		return nil, t.judgeStatus(answer, r)
	case err != nil:
		if own, ok := fault.As(err); ok { // of the content that was to be sent
			return nil, &failure{err: own, verdict: never}
		}
		failed := &failure{err: t.diagnose(err), verdict: verdictOn(err)}
		failed.err.Step = r.Step
		if answer != nil {
			failed.err.Status = answer.Status
		}
		var refused *proxyRefusal
		if errors.As(err, &refused) {
			t.heedRetryAfter(failed, refused.status, refused.header, "proxy")
		}
		return nil, failed
	}
	return answer, nil
}

// mayPass reports whether the same request may get another answer later (RFC 9110 sections 15.5.9 and 15.6, RFC 6585
// section 4). A 5xx that no specification knows counts as a 500 (RFC 9110 section 15): content delivery networks have
// several for a server that they cannot reach.
func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return status/100 == 5 && http.StatusText(status) == ""
}

func (r Request) mayPass(status int) bool {
	return mayPass(status) || slices.Contains(r.Passing, status)
}

// judgeStatus returns the failure for a status that may pass.
func (t *Transport) judgeStatus(answer *Response, r Request) *failure {
	reason := fault.RegistryFault
	switch {
	case answer.Status == http.StatusTooManyRequests:
		reason = fault.RateLimited
	case answer.Status/100 == 4:
		reason = fault.RequestRefused
	}
	f := &failure{err: answer.Fault(reason, r.Step), verdict: again}
	if fault.IsOfCacheRule(f.err.Message) {
		f.err.Reason = fault.CacheRule // the source limits its callers or fails, not this registry
	}
	t.heedRetryAfter(f, answer.Status, answer.Header, "registry")
	return f
}

// heedRetryAfter adopts the wait that the sender of an answer asks for, if RFC 9110 section 10.2.3 and RFC 6585 section
// 4 give Retry-After a meaning. A date is read against the sender's own Date, so that the clocks need not agree.
func (t *Transport) heedRetryAfter(f *failure, status int, header http.Header, sender string) {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = t.Now()
	}
	f.err.RetryAfter = wire.ParseRetryAfter(header.Get("Retry-After"), now)
	if f.err.RetryAfter > MaxRetryAfter {
		f.verdict = never
		f.err.Detail = fmt.Sprintf("the %s asks to wait %s, which is over the limit of %s", sender, f.err.RetryAfter, MaxRetryAfter)
	}
}

// verdictOn returns the verdict on an attempt without an answer. An unknown host, a refusal and a time-out rarely pass
// in a moment: they are retried once. A connection that broke or could not be made often passes, and so does a proxy's
// trouble with the hosts behind it. All else is a decision of the peer or of this client.
func verdictOn(err error) verdict {
	var proxy *proxyRefusal
	switch {
	case errors.As(err, &proxy) && mayPass(proxy.status):
		return again
	case isDecided(err):
		return never
	case isUnknownHost(err), isTimeOut(err), isGivenUp(err), isRefused(err):
		return once
	case isBroken(err), isDialError(err):
		return again
	default:
		return never
	}
}

// verdictOnBroken returns the verdict on what broke when Do could not send it again. A token that expired in the meantime
// is replaced. A part that is unknown may be on its way to the replica that answered (Microsoft, "Geo-replication in Azure
// Container Registry"), and an upload may be known to another one.
func verdictOnBroken(failed *fault.Error) verdict {
	switch {
	case failed.RetryAfter > MaxRetryAfter:
		return never
	case failed.Reason == fault.Unreachable, failed.Reason == fault.PartUnknown, failed.Reason == fault.UploadLost, mayPass(failed.Status):
		return again
	case failed.Reason == fault.TimedOut, failed.Reason == fault.InvalidToken, failed.Reason == fault.ProxyRefused:
		return once
	}
	return never
}

func cancelled(step string) *fault.Error {
	return &fault.Error{Reason: fault.Canceled, Step: step, Detail: "cancelled before an answer came"}
}
