package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// module is cut off the names of packages.
const module = "github.com/acrkit/terraform-provider-acr/"

// event is one line of `go test -json`. https://pkg.go.dev/cmd/test2json lists the actions.
type event struct {
	Action  string
	Package string // empty if the event is that of a build
	Test    string // empty if the event is the package's
	Output  string
}

// progress turns the events into a report for people.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	started time.Time
	said    time.Time                 // when the report last said something
	running map[string]*packageResult // by package
	counts  map[string]int            // of tests, by the action that ended them
	failed  []string
	skipped map[skip][]string // tests
}

// skip is why tests of a package were skipped.
type skip struct{ pkg, why string }

// packageResult is what is known of a package whose tests run.
type packageResult struct {
	test       string              // the test that began last
	failed     bool                // whether a test has failed
	output     []string            // of the package itself
	testOutput map[string][]string // of each test that has not passed
}

func newProgress(w io.Writer) *progress {
	now := time.Now()
	return &progress{w: w, started: now, said: now, running: map[string]*packageResult{}, counts: map[string]int{}, skipped: map[skip][]string{}}
}

// read reports on the events, one a line, until there are no more.
func (p *progress) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			p.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (p *progress) line(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e event
	switch {
	case json.Unmarshal([]byte(line), &e) != nil: // words of go itself
		p.say(line)
	case e.Package == "":
		p.say(e.Output)
	case e.Test == "":
		p.ofPackage(e)
	default:
		p.ofTest(e)
	}
}

func (p *progress) result(name string) *packageResult {
	if p.running[name] == nil {
		p.running[name] = &packageResult{testOutput: map[string][]string{}}
	}
	return p.running[name]
}

func (p *progress) ofPackage(e event) {
	result := p.result(e.Package)
	switch e.Action {
	case "output":
		result.output = append(result.output, e.Output)
	case "pass", "skip", "fail":
		if e.Action == "fail" && !result.failed { // it did not build, or ended outside of a test
			p.failed = append(p.failed, strings.TrimPrefix(e.Package, module))
		}
		p.say(result.report())
		delete(p.running, e.Package)
	}
}

// report returns the report on a package when it ends: the output of each test that did not pass, and go's closing
// line.
func (r *packageResult) report() string {
	var report strings.Builder
	for _, test := range slices.Sorted(maps.Keys(r.testOutput)) {
		report.WriteString(strings.Join(r.testOutput[test], ""))
	}
	for _, line := range r.output {
		if line != "PASS\n" && line != "FAIL\n" {
			report.WriteString(line)
		}
	}
	return report.String()
}

func (p *progress) ofTest(e event) {
	result := p.result(e.Package)
	name := strings.TrimPrefix(e.Package, module) + ": " + e.Test
	switch e.Action {
	case "run":
		result.test = e.Test
		return
	case "output":
		result.testOutput[e.Test] = append(result.testOutput[e.Test], e.Output)
		return
	case "pass":
		delete(result.testOutput, e.Test)
	case "skip":
		skipped := skip{strings.TrimPrefix(e.Package, module), reason(result.testOutput[e.Test])}
		p.skipped[skipped] = append(p.skipped[skipped], e.Test)
		delete(result.testOutput, e.Test)
	case "fail":
		p.failed = append(p.failed, name)
		result.failed = true
	default:
		return
	}
	p.counts[e.Action]++
}

// reason returns what a skipped test said, without the lines that go adds.
func reason(output []string) string {
	said := slices.DeleteFunc(output, func(line string) bool {
		line = strings.TrimSpace(line)
		return strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---")
	})
	return strings.TrimRight(strings.Join(said, ""), "\n")
}

// say writes a part of the report.
func (p *progress) say(text string) {
	fmt.Fprint(p.w, text)
	p.said = time.Now()
}

// signOfLife says what runs, where the report has been silent for that long.
func (p *progress) signOfLife(silent time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.said) < silent {
		return
	}
	var running []string
	for _, name := range slices.Sorted(maps.Keys(p.running)) {
		if test := p.running[name].test; test != "" {
			running = append(running, strings.TrimPrefix(name, module)+" ("+test+")")
		}
	}
	p.say(fmt.Sprintf("  ... %.0f s: %s\n", time.Since(p.started).Seconds(), cmp.Or(strings.Join(running, ", "), "compiling")))
}

// finish reports on the whole: what was skipped and why, what failed, and the counts.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for skipped, tests := range p.skipped {
		p.say("skipped: " + skipped.pkg + ": " + strings.Join(tests, ", ") + "\n" + skipped.why + "\n")
	}
	for _, name := range p.failed {
		p.say("FAILED: " + name + "\n")
	}
	p.say(fmt.Sprintf("%d passed, %d failed, %d skipped in %.0f s\n",
		p.counts["pass"], p.counts["fail"], p.counts["skip"], time.Since(p.started).Seconds()))
}
