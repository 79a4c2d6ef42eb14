package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// outcome is the result of a run.
type outcome struct {
	succeeded int
	err       error // of the reads that failed
	traffic   traffic
	took      time.Duration
}

// table prints a row as soon as its run is over: the whole takes a minute.
type table struct{ w io.Writer }

func newTable(w io.Writer) table {
	t := table{w}
	t.row("", "failing", "reads", "succeeded", "failed", "requests", "429", "503", "reset", "retries", "time")
	return t
}

func (t table) add(r run, o outcome) {
	answers := o.traffic.answers
	t.row(r.name, fmt.Sprintf("%.0f %%", r.rate*100), r.reads, o.succeeded, r.reads-o.succeeded, o.traffic.requests,
		answers[http.StatusTooManyRequests], answers[http.StatusServiceUnavailable], answers[noAnswer], o.traffic.retries,
		fmt.Sprintf("%.1f s", o.took.Seconds()))
}

func (t table) row(cells ...any) {
	fmt.Fprintf(t.w, "%-20v %8v %6v %10v %7v %9v %5v %5v %6v %8v %7v\n", cells...)
}
