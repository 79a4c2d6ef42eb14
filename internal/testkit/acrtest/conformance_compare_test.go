package acrtest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// notModelled are members of recorded JSON that no longer exist.
var notModelled = []string{"teleportEnabled"}

// notRecorded are members that newer registries send and the recordings lack.
var notRecorded = []string{"rid"}

// exactHeaders must have equal values; presentHeaders must exist if they were recorded.
var (
	exactHeaders = []string{
		"Accept-Ranges", "Access-Control-Expose-Headers", "Cache-Control", "Content-Range", "Content-Type",
		"Docker-Content-Digest", "Docker-Distribution-Api-Version", "Link", "Range", "Strict-Transport-Security",
		"WWW-Authenticate", "X-Content-Type-Options", "X-Ms-Int-Docker-Content-Digest",
	}
	presentHeaders = []string{
		"Content-Length", "Docker-Upload-Uuid", "ETag", "Location", "X-Ms-Client-Request-Id", "X-Ms-Correlation-Request-Id",
		"X-Ms-Ratelimit-Remaining-Calls-Per-Second", "X-Ms-Request-Id",
	}
)

func (r *replay) compareHeaders(a answer) {
	e := r.recorded
	for _, name := range exactHeaders {
		got, want := a.header.Values(name), values(e.Response.Headers, name)
		if name == "WWW-Authenticate" {
			got, want = r.challenges(got), r.challenges(want)
		}
		if !sameLines(got, want, r.expected) {
			r.Errorf("%s: %q, recorded %q", name, got, want)
		}
	}
	for _, name := range presentHeaders {
		if len(values(e.Response.Headers, name)) > 0 && len(a.header.Values(name)) == 0 {
			r.Errorf("%s is missing", name)
		}
	}
	if etag := e.header("ETag"); strings.Contains(etag, "sha256:") && a.header.Get("ETag") != etag {
		r.Errorf("ETag: %q, recorded %q", a.header.Get("ETag"), etag)
	}
	r.compareLocation(a.header.Get("Location"), e.header("Location"))
	chunked := values(e.Response.Headers, "Transfer-Encoding") != nil || e.is("token.get.200")
	if got := slices.Equal(a.coding, []string{"chunked"}); got != chunked && !r.shorter(a) {
		r.Errorf("chunked: %v, recorded %v", got, chunked)
	}
}

// shorter reports whether a list that was recorded chunked is short here: its entries are others.
func (r *replay) shorter(a answer) bool {
	return r.recorded.is("acr_manifests") && len(r.recorded.Response.Body) > len(a.body) && len(a.body) <= 2048
}

// sameLines compares the lines of a header. One recorder joined them, another kept only the last.
func sameLines(got, recorded []string, expected func(string) string) bool {
	joined := expected(strings.Join(recorded, ", "))
	if strings.Join(got, ", ") == joined {
		return true
	}
	return len(got) > 1 && len(recorded) == 1 && got[len(got)-1] == joined
}

var actions = regexp.MustCompile(`:[a-z_,]+( |"|$)`)

// challenges replaces the recorded registry's address by this one's, and sorts the actions of a scope: both orders were
// recorded.
func (r *replay) challenges(lines []string) []string {
	challenges := slices.Clone(lines)
	for i, challenge := range challenges {
		parts := strings.Split(challenge, `"`)
		parts[1], parts[3] = "https://"+r.registry.Host()+"/oauth2/token", r.registry.Host()
		challenges[i] = actions.ReplaceAllStringFunc(strings.Join(parts, `"`), func(scope string) string {
			end := scope[len(scope)-1:]
			names := strings.Split(strings.Trim(scope, `: "`), ",")
			slices.Sort(names)
			return ":" + strings.Join(names, ",") + end
		})
	}
	return challenges
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// compareLocation compares where an answer points to: the path, except the number of an upload, and the names of the
// parameters. In a redirect to the storage, host, account and digest differ between registries.
func (r *replay) compareLocation(got, recorded string) {
	if recorded == "" {
		return
	}
	gotURL, gotErr := url.Parse(got)
	wantURL, wantErr := url.Parse(r.expected(recorded))
	if gotErr != nil || wantErr != nil {
		r.Fatal(gotErr, wantErr)
	}
	shape := func(u *url.URL) string { return uuid.ReplaceAllString(u.Path, "UUID") }
	if r.recorded.Response.Status == 307 {
		shape = func(u *url.URL) string { return strings.Join(strings.Split(u.Path, "/")[2:8], "/") }
	} else if gotURL.Host != "" {
		r.Errorf("Location %q is not relative, recorded %q", got, recorded)
	}
	if shape(gotURL) != shape(wantURL) {
		r.Errorf("Location %q, recorded %q", got, recorded)
	}
	for name := range wantURL.Query() {
		if gotURL.Query().Get(name) == "" {
			r.Errorf("Location has no %s: %q", name, got)
		}
	}
}

func (r *replay) compareBody(a answer) {
	e := r.recorded
	recorded := string(e.Response.Body)
	switch {
	case e.Request.Method == "HEAD":
		r.compareHead(a)
	case e.Response.Status == 307:
		if !strings.Contains(a.body, ">Temporary Redirect</a>.\n\n") {
			r.Errorf("body %q", a.body)
		}
	case strings.HasPrefix(e.Request.Path, "/oauth2/") && recorded != "":
		r.compareToken(a.body, recorded)
	case e.is("acr_") && e.Response.Status < 400 && recorded != "":
		r.compareShape(r.decode(a.body), r.decode(recorded))
		if !strings.HasSuffix(a.body, "}\n") {
			r.Error("the JSON has no line end")
		}
	default:
		wantBody(r.T, a, recorded)
	}
}

// compareHead compares the length: no body comes with it.
func (r *replay) compareHead(a answer) {
	if length := r.recorded.header("Content-Length"); length != a.header.Get("Content-Length") {
		r.Errorf("Content-Length: %q, recorded %q", a.header.Get("Content-Length"), length)
	}
	if a.body != "" {
		r.Errorf("HEAD has a body: %q", a.body)
	}
}

// compareToken compares the members of the answer, and those of the token if the recorder kept it.
func (r *replay) compareToken(body, recorded string) {
	got, want := r.decodeToken(body), r.decodeToken(recorded)
	if want["claims"] == nil {
		delete(got, "header")
		delete(got, "claims")
	}
	r.compareShape(got, want)
}

// decodeToken adds header and claims of a token to the answer's members.
func (r *replay) decodeToken(body string) map[string]any {
	members, ok := r.decode(body).(map[string]any)
	if !ok {
		r.Fatalf("no object: %s", body)
	}
	for _, token := range slices.Collect(maps.Values(members)) {
		parts := strings.Split(fmt.Sprint(token), ".")
		for i, part := range []string{"header", "claims"} {
			data, err := base64.RawURLEncoding.DecodeString(parts[min(i, len(parts)-1)])
			var value any
			if err == nil && len(parts) == 3 && json.Unmarshal(data, &value) == nil && parts[0] != "sanitized" {
				members[part] = value
			}
		}
	}
	return members
}

// compareShape compares members and types.
func (r *replay) compareShape(got, recorded any) {
	r.Helper()
	gotShape, wantShape := map[string]string{}, map[string]string{}
	shape("", got, gotShape)
	shape("", recorded, wantShape)
	if reflect.DeepEqual(gotShape, wantShape) {
		return
	}
	for _, place := range slices.Sorted(maps.Keys(wantShape)) {
		if gotShape[place] != wantShape[place] {
			r.Errorf("%s is %q, recorded %q", place, gotShape[place], wantShape[place])
		}
	}
	for _, place := range slices.Sorted(maps.Keys(gotShape)) {
		if wantShape[place] == "" {
			r.Errorf("%s was not recorded", place)
		}
	}
}

// shape records the type of every member; the elements of a list count as one.
func shape(place string, value any, types map[string]string) {
	types[place] = fmt.Sprintf("%T", value)
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if !slices.Contains(notModelled, name) && !slices.Contains(notRecorded, name) {
				shape(place+"."+name, member, types)
			}
		}
	case []any:
		for _, element := range value {
			shape(place+"[]", element, types)
		}
	}
}
