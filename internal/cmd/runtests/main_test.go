package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// project makes a Go module of the files, and makes it the working folder. TMPDIR is an empty folder, which it returns.
func project(t *testing.T, files map[string]string) (temporary string) {
	t.Helper()
	folder := t.TempDir()
	files["go.mod"] = "module example.com/project\n\ngo 1.26\n"
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
	temporary = t.TempDir()
	t.Setenv("TMPDIR", temporary)
	return temporary
}

// report runs the tests of the working folder, and passes each line of the report to a function. It returns what run
// returned.
func report(t *testing.T, ctx context.Context, line func(string)) error {
	t.Helper()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		defer writer.Close()
		ended <- run(ctx, writer, []string{"./..."})
	}()
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		line(lines.Text())
	}
	return <-ended
}

func wantEmpty(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("%s was left behind", entry.Name())
	}
}

func TestSlowPackageHidesNoOther(t *testing.T) {
	released := filepath.Join(t.TempDir(), "released")
	t.Setenv("RELEASED", released)
	temporary := project(t, map[string]string{
		"a/a_test.go": `package a

import (
	"os"
	"testing"
	"time"
)

func TestSlow(t *testing.T) {
	for {
		if _, err := os.Stat(os.Getenv("RELEASED")); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
`,
		"b/b_test.go": "package b\n\nimport \"testing\"\n\nfunc TestQuick(*testing.T) {}\n",
	})
	var packages []string
	err := report(t, t.Context(), func(line string) {
		fields := strings.Fields(line)
		if fields[0] != "ok" {
			return
		}
		packages = append(packages, fields[1])
		if err := os.WriteFile(released, nil, 0o600); err != nil { // the slow one ends after the other was reported
			t.Error(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if got := strings.Join(packages, " "); got != "example.com/project/b example.com/project/a" {
		t.Errorf("the packages were reported as %s", got)
	}
	wantEmpty(t, temporary)
}

// Failures are reported in full, passes in a line, and the end names everything that did not pass.
func TestReportTellsWhatDidNotPass(t *testing.T) {
	project(t, map[string]string{
		"broken/broken_test.go": "package broken\n\nvar x int = \"\"\n",
		"ended/ended_test.go":   "package ended\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) { os.Exit(3) }\n",
		"mixed/mixed_test.go": `package mixed

import "testing"

func TestFails(t *testing.T) {
	t.Run("part", func(t *testing.T) { t.Error("two is not three") })
	t.Run("other part", func(t *testing.T) { t.Log("of no interest") })
}

func TestSkips(t *testing.T) { t.Skip("no such CLI") }

func TestPasses(t *testing.T) { t.Log("of no interest") }
`,
		"none/none.go": "package none\n",
	})
	var lines strings.Builder
	err := report(t, t.Context(), func(line string) { lines.WriteString(line + "\n") })
	if err == nil || err.Error() != "exit status 1" {
		t.Errorf("it ended with %v, want exit status 1", err)
	}
	got := lines.String()
	for _, want := range []string{
		"broken/broken_test.go:3:13: cannot use \"\"",
		"FAIL\texample.com/project/broken [build failed]\n",
		"FAIL\texample.com/project/ended\t",
		"two is not three",
		"FAIL\texample.com/project/mixed\t",
		"?   \texample.com/project/none\t[no test files]\n",
		"skipped: example.com/project/mixed: TestSkips\n    mixed_test.go:10: no such CLI\n",
		"FAILED: example.com/project/broken\n",
		"FAILED: example.com/project/ended\n",
		"FAILED: example.com/project/mixed: TestFails\n",
		"FAILED: example.com/project/mixed: TestFails/part\n",
		"\n2 passed, 2 failed, 1 skipped in ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(got, "of no interest") || strings.Count(got, "FAILED: ") != 4 {
		t.Error("the report tells too much")
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestSilenceIsBroken(t *testing.T) {
	var said strings.Builder
	p := newProgress(&said)
	for _, line := range []string{
		`{"Action":"start","Package":"` + module + `test/e2e"}`,
		`{"Action":"run","Package":"` + module + `test/e2e","Test":"TestSlow"}`,
		`{"Action":"start","Package":"` + module + `internal/acr"}`,
	} {
		p.line(line)
	}
	p.signOfLife(time.Hour)
	if said.Len() > 0 {
		t.Errorf("it said %q, though the silence was short", said.String())
	}
	p.signOfLife(0)
	if got, want := said.String(), "  ... 0 s: test/e2e (TestSlow)\n"; got != want {
		t.Errorf("it said %q, want %q", got, want)
	}
}
