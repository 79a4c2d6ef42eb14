package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30

	// maxGrowth is how much memory one answer may cost the provider, in KiB: 64 MiB.
	maxGrowth = 64 * kib
)

// What the configurations read.
const (
	readManifest = `data "acr_manifest" "m" {
  repository = "app"
  tag        = "v"
}`
	readConfig = `data "acr_image_config" "c" {
  repository = "app"
  tag        = "v"
}`
	readTags  = `data "acr_tags" "t" { repository = "app" }`
	readToken = `data "acr_bearer_token" "b" { repository = "app" }`
)

// memoryCase is one read whose answer is measured.
type memoryCase struct {
	name    string
	reads   string
	arrange func(*acrtest.Registry)
	want    string // in what the CLI prints
}

// An answer that is refused takes at most 64 MiB more than the idle provider.
func TestRefusedAnswersTakeLittleMemory(t *testing.T) {
	const (
		resource = acrtest.KindResource
		token    = acrtest.KindToken
	)
	measure(t, []memoryCase{
		{"manifest of 4 MiB of {}", readManifest, index(`"manifests":[` + emptyObjects(4*mib-120) + `]`), "too many values"},
		{"manifest of 4 MiB of [", readManifest, manifest(strings.Repeat("[", 4*mib)), "too many values"},
		{"manifest nested 10,000 levels deep", readManifest, index(`"manifests":[],"x":` + nested(10_000)), "nested too deeply"},
		{"manifest one byte over 4 MiB", readManifest, fault(acrtest.Fault{Kind: resource, Oversize: 4*mib + 1}), "4194304 bytes"},
		{"manifest of 1 GiB", readManifest, fault(acrtest.Fault{Kind: resource, Oversize: gib}), "4194304 bytes"},
		{"manifest that inflates to 1 GiB", readManifest, fault(acrtest.Fault{Kind: resource, GzipBomb: gib}), "4194304 bytes"},

		{"token answer of 1 GiB", readManifest, fault(acrtest.Fault{Kind: token, Oversize: gib}), "131072 bytes"},
		{"token answer that inflates to 1 GiB", readManifest, fault(acrtest.Fault{Kind: token, GzipBomb: gib}), "131072 bytes"},
		{"error body of 1 GiB", readManifest, fault(errorBody(gib)), "403 Forbidden"},
		{"response header of 10 MiB", readManifest, fault(acrtest.Fault{Kind: resource, HeaderBytes: 10 * mib}), "65536 bytes"},
		{"challenge of 1 MiB", readManifest, fault(challenge(mib)), "65536 bytes"},
		{"challenge of 60 KiB", readManifest, fault(challenge(60 * kib)), "Error:"},

		{"tag page of 8 MiB of {}", readTags, fault(page(`{"tags":[` + emptyObjects(8*mib-20) + `]}`)), "too many values"},
		{"tag page of 1 GiB", readTags, fault(acrtest.Fault{Kind: resource, Oversize: gib}), "8388608 bytes"},
		{"tag page that inflates to 1 GiB", readTags, fault(acrtest.Fault{Kind: resource, GzipBomb: gib}), "8388608 bytes"},

		{"configuration of 8 MiB of {}", readConfig, config(`"x":[` + emptyObjects(8*mib-60) + `]`), "too many values"},
		{"configuration that inflates to 1 GiB", readConfig, fault(acrtest.Fault{Kind: resource, Path: "/blobs/", GzipBomb: gib}), "8388608 bytes"},
	})
}

// Answers at their limits, many times larger than usual ones, stay within the same limit.
func TestLargeAnswersTakeLittleMemory(t *testing.T) {
	measure(t, []memoryCase{
		{"a small manifest", readManifest, func(*acrtest.Registry) {}, "No changes"},
		{"manifest of 4 MiB in one annotation", readManifest, index(`"annotations":{"a":"` + strings.Repeat("a", 4*mib-120) + `"},"manifests":[]`), "No changes"},
		{"manifest with 4,000 children", readManifest, index(`"manifests":[` + list(4_000, child) + `]`), "No changes"},
		{"manifest with 4,001 children", readManifest, index(`"manifests":[` + list(4_001, child) + `]`), "too many values"},
		{"manifest with 59,000 annotations", readManifest, index(`"annotations":{` + list(59_000, pair) + `},"manifests":[]`), "No changes"},
		{"tag page of 10,000 tags", readTags, fault(page(`{"tags":[` + list(10_000, tag) + `]}`)), "No changes"},
		{"tag page of 10,001 tags", readTags, fault(page(`{"tags":[` + list(10_001, tag) + `]}`)), "over 10000 entries"},
		{"configuration with 59,000 labels", readConfig, config(`"config":{"Labels":{` + list(59_000, pair) + `}}`), "No changes"},
		{"configuration of 8 MiB", readConfig, config(`"history":[{"comment":"` + strings.Repeat("a", 8*mib-120) + `"}]`), "No changes"},
		{"configuration of 8 MiB, half in a label", readConfig, config(`"history":[{"comment":"` + strings.Repeat("a", 4*mib) + `"}],"config":{"Labels":{"a":"` + strings.Repeat("a", 4*mib-180) + `"}}`), "No changes"},
		{"configuration of 8 MiB in a label", readConfig, config(`"config":{"Labels":{"a":"` + strings.Repeat("a", 8*mib-120) + `"}}`), "4194304 bytes"},
		{"token that opens 25,000 resources", readToken, fault(tokenOf(`[` + emptyObjects(75_000) + `]`)), "No changes"},
		{"token that opens 1,600 resources", readToken, fault(tokenOf(`[` + list(1_600, access) + `]`)), "No changes"},
	})
}

// measure plans each read with a new provider process, and compares its growth with the limit. It measures the whole
// built provider, including the conversions for Terraform.
func measure(t *testing.T, cases []memoryCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			registry.PutImage("app", "v", acrtest.Image{})
			test.arrange(registry)
			process := startProvider(t, registry)
			idle := process.peak(t)

			output := plan(t, registry, process, test.reads)
			if !strings.Contains(strings.Join(strings.Fields(output), " "), test.want) {
				t.Errorf("the CLI did not print %q:\n%.2000s", test.want, output)
			}
			growth := process.peak(t) - idle
			t.Logf("%.1f MiB over the %.1f MiB of the idle process", float64(growth)/kib, float64(idle)/kib)
			if growth > maxGrowth {
				t.Errorf("the provider took %d KiB more than idle, want at most %d KiB", growth, maxGrowth)
			}
		})
	}
}

// plan runs the CLI with the process as its provider, and returns all that the CLI printed, whether it failed or not.
func plan(t *testing.T, registry *acrtest.Registry, process providerProcess, reads string) string {
	t.Helper()
	workspace := newWorkspace(t, fmt.Sprintf("provider \"acr\" {\n  ca_cert_pem = %q\n  max_retries = 0\n}\n%s\n", registry.CAPEM(), reads))
	workspace.Set("TF_REATTACH_PROVIDERS", process.reattach)
	output, err := workspace.Run(t.Context(), "plan", "-no-color")
	if err != nil {
		output += err.Error()
	}
	return output
}

// fault makes the registry fail.
func fault(f acrtest.Fault) func(*acrtest.Registry) {
	return func(registry *acrtest.Registry) { registry.Inject(f) }
}

// manifest replaces app:v with an index of these bytes.
func manifest(content string) func(*acrtest.Registry) {
	return func(registry *acrtest.Registry) {
		registry.PutManifest("app", "v", ocispec.MediaTypeImageIndex, []byte(content))
	}
}

// index replaces app:v with an index of these members.
func index(members string) func(*acrtest.Registry) {
	return manifest(`{"schemaVersion":2,` + members + `}`)
}

// config replaces app:v with an image whose configuration has these members.
func config(members string) func(*acrtest.Registry) {
	return func(registry *acrtest.Registry) {
		content := []byte(`{"os":"linux","architecture":"amd64",` + members + `}`)
		digest := registry.PutBlob("app", content)
		registry.PutManifest("app", "v", ocispec.MediaTypeImageManifest, fmt.Appendf(nil,
			`{"schemaVersion":2,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`, ocispec.MediaTypeImageConfig, digest, len(content)))
	}
}

func page(content string) acrtest.Fault {
	return acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusOK, Body: content}
}

// tokenOf returns a token answer whose token has this access claim.
func tokenOf(access string) acrtest.Fault {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"access":` + access + `}`))
	return acrtest.Fault{Kind: acrtest.KindToken, Status: http.StatusOK, Body: `{"access_token":"e30.` + claims + `.e30"}`}
}

func errorBody(size int) acrtest.Fault {
	return acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		for chunk := make([]byte, 64*kib); size > 0; size -= len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}}
}

func challenge(size int) acrtest.Fault {
	header := `Bearer realm="https://` + strings.Repeat("a", size-50) + `",service="s",scope="s"`
	return acrtest.Fault{Kind: acrtest.KindChallenge, Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {header}}}
}

// list returns the elements 0 to n-1, with commas between.
func list(n int, element func(i int) string) string {
	var text strings.Builder
	for i := range n {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(element(i))
	}
	return text.String()
}

func child(i int) string {
	return fmt.Sprintf(`{"digest":"sha256:%064x","platform":{"os":"a","architecture":"b"},"annotations":{"a":""}}`, i)
}

func pair(i int) string   { return fmt.Sprintf(`"%x":""`, i) }
func tag(i int) string    { return fmt.Sprintf(`{"name":"v%06d"}`, i) }
func access(i int) string { return fmt.Sprintf(`{"name":"%d","actions":["a"]}`, i) }

// emptyObjects returns {} as often as it fits into so many bytes, with commas between.
func emptyObjects(size int) string {
	return strings.Repeat("{},", size/len("{},")-1) + "{}"
}

func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

// providerProcess is the built provider, started before Terraform, so that it outlives the run.
type providerProcess struct {
	pid      int
	reattach string // what TF_REATTACH_PROVIDERS must be
}

// startProvider runs the provider as for a debugger until the test ends, with the registry and its user in its environment.
func startProvider(t *testing.T, registry *acrtest.Registry) providerProcess {
	t.Helper()
	command := exec.CommandContext(t.Context(), provider, "-debug")
	command.Env = append(os.Environ(),
		"ACR_REGISTRY="+registry.Host(), "ACR_USERNAME="+acrtest.DefaultUser, "ACR_PASSWORD="+acrtest.DefaultPassword)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // killed
	})
	return providerProcess{command.Process.Pid, readReattach(t, bufio.NewScanner(stdout))}
}

var reattachVariable = regexp.MustCompile(`TF_REATTACH_PROVIDERS='(.*)'`)

// readReattach parses what the provider prints, and repeats it for the address that the provider has in OpenTofu.
func readReattach(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		match := reattachVariable.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		var providers map[string]json.RawMessage
		if err := json.Unmarshal([]byte(match[1]), &providers); err != nil {
			t.Fatal(err)
		}
		providers["registry.opentofu.org/acrkit/acr"] = providers["registry.terraform.io/acrkit/acr"]
		both, err := json.Marshal(providers)
		if err != nil {
			t.Fatal(err)
		}
		return string(both)
	}
	t.Fatal("the provider did not print TF_REATTACH_PROVIDERS")
	return ""
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak returns the most memory that the process has had so far, in KiB.
func (p providerProcess) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	match := peakLine.FindSubmatch(status)
	if match == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	peak, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// A layer is copied without being kept: one of 2 GiB takes no more memory than any other.
func TestCopyOfALargeLayerTakesLittleMemory(t *testing.T) {
	const size = 2 * gib
	source, target := acrtest.StartT(t, acrtest.Options{PlainHTTP: true}), acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
	digest := source.PutImage("app", "v", acrtest.Image{Layers: []ocispec.Descriptor{source.PutLayer("app", size)}})
	process := startProvider(t, target)
	idle := process.peak(t)

	workspace := newWorkspace(t, fmt.Sprintf(`
provider "acr" {
  plain_http = true
}

resource "acr_image_copy" "large" {
  source             = "%s/app@%s"
  repository         = "app"
  source_username    = %q
  source_password_wo = %q
}
`, source.Host(), digest, acrtest.DefaultUser, acrtest.DefaultPassword))
	if refuses(t, workspace) {
		return
	}
	workspace.Set("TF_REATTACH_PROVIDERS", process.reattach)
	apply(t, workspace)

	growth := process.peak(t) - idle
	t.Logf("%.1f MiB over the %.1f MiB of the idle process", float64(growth)/kib, float64(idle)/kib)
	if growth > maxGrowth {
		t.Errorf("the provider took %d KiB more than idle, want at most %d KiB", growth, maxGrowth)
	}
	var received int64
	for _, request := range target.Requests() {
		received += request.Received
	}
	if received < size {
		t.Errorf("%d bytes reached the target, want at least %d", received, size)
	}
}
