// Package docs tests the pages for people: links must lead somewhere, and configurations must be well formed.
package docs

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

var root = filepath.Join("..", "..")

// page is a Markdown file, with its fenced code blocks apart.
type page struct {
	path  string
	lines []string // outside of code
	code  []codeBlock
}

type codeBlock struct {
	language string
	line     int // of its first line
	text     string
}

// pages reads the project's own Markdown: the files at the top, and docs/.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	for _, pattern := range []string{"*.md", "tools/*.md", "docs/*.md", "docs/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no pages, %v", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, parse(path, string(content)))
		}
	}
	return all
}

func parse(path, content string) page {
	p := page{path: path}
	inCode := false
	for i, line := range strings.Split(content, "\n") {
		language, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && inCode:
			inCode = false
		case isFence:
			inCode = true
			p.code = append(p.code, codeBlock{language: language, line: i + 2})
		case inCode:
			p.code[len(p.code)-1].text += line + "\n"
		default:
			p.lines = append(p.lines, line)
		}
	}
	return p
}

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	anchor = regexp.MustCompile(`<a id="([^"]+)">`)
)

func (p page) links() []string {
	var targets []string
	for _, line := range p.lines {
		for _, match := range link.FindAllStringSubmatch(line, -1) {
			targets = append(targets, match[1])
		}
	}
	return targets
}

// anchors returns the names that a link may put behind "#": those of headings, as GitHub makes them, and explicit ones.
func (p page) anchors() []string {
	var names []string
	for _, line := range p.lines {
		for _, match := range anchor.FindAllStringSubmatch(line, -1) {
			names = append(names, match[1])
		}
		if heading := strings.TrimLeft(line, "#"); heading != line {
			names = append(names, slug(strings.TrimSpace(heading)))
		}
	}
	return names
}

func slug(heading string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c):
			return unicode.ToLower(c)
		}
		return -1
	}, heading)
}

// check returns what is wrong with a link within the project, nil for any other link.
func (p page) check(target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" {
		return err
	}
	there := p
	if u.Path != "" {
		path := filepath.Join(filepath.Dir(p.path), filepath.FromSlash(u.Path))
		content, err := os.ReadFile(path)
		if err != nil && u.Fragment != "" {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		there = parse(path, string(content))
	}
	if u.Fragment != "" && !slices.Contains(there.anchors(), u.Fragment) {
		return fmt.Errorf("%s has no heading for #%s", there.path, u.Fragment)
	}
	return nil
}

func TestLinks(t *testing.T) {
	checked := 0
	for _, p := range pages(t) {
		for _, target := range p.links() {
			checked++
			if err := p.check(target); err != nil {
				t.Errorf("%s: %s: %v", p.path, target, err)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d links found", checked)
	}
}

// The test finds a link that leads nowhere.
func TestBrokenLinks(t *testing.T) {
	p := parse(filepath.Join(root, "page.md"), "# One heading\n[a](#one-heading) [b](LICENSE) [c](https://example.com/x#y)\n"+
		"[d](#another) [e](NOFILE.md) [f](README.md#no-such-heading)\n```\n[g](NOFILE.md)\n```\n")
	var broken []string
	for _, target := range p.links() {
		if p.check(target) != nil {
			broken = append(broken, target)
		}
	}
	want := []string{
		"#another", "NOFILE.md", "README.md#no-such-heading",
	}
	if !slices.Equal(broken, want) {
		t.Errorf("want %v to be broken, got %v", want, broken)
	}
}

// Every configuration on a page is well formed, and formatted as `terraform fmt` does it.
func TestConfigurations(t *testing.T) {
	workspace, err := terraform.NewWorkspace(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer workspace.Close()
	cli, err := terraform.CLIVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, p := range pages(t) {
		for _, code := range p.code {
			if code.language != "terraform" {
				continue
			}
			count++
			if _, lacks := cli.Lacks(code.text); lacks { // its `fmt` reports that as a mistake
				continue
			}
			name := fmt.Sprintf("%s_line_%d.tf", strings.ReplaceAll(strings.TrimPrefix(p.path, root+string(filepath.Separator)), string(filepath.Separator), "_"), code.line)
			if err := workspace.Write(name, code.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d configurations found", count)
	}
	if badly, err := workspace.Run(t.Context(), "fmt", "-check", "-diff"); err != nil {
		t.Errorf("%v\n%s", err, badly)
	}
}

// SECURITY.md names the tests that check its promises.
func TestNamedTestsExist(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`").FindAllStringSubmatch(string(content), -1)
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
	var tests strings.Builder
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		tests.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(t *testing.T) {") {
			t.Errorf("there is no %s", name[1])
		}
	}
}
