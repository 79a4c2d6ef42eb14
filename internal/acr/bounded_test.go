package acr

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestMeasure(t *testing.T) {
	for body, want := range map[string]int{
		``: 0, `{}`: 1, `[]`: 1, `"a"`: 0, `{"a":1}`: 1, `{"a":1,"b":2}`: 2, `[1,2,3]`: 3, `[[],[{}]]`: 5,
		`"[,{"`: 0, `["[,{"]`: 1, `["\",[{"]`: 1, `["\\",[]]`: 3, `["\\\",["]`: 1, `["a\u002c,"]`: 1, `"\`: 0, `",`: 0,
	} {
		if got, _ := measure([]byte(body)); got != want {
			t.Errorf("%s holds %d values, want %d", body, got, want)
		}
	}
}

func TestDepth(t *testing.T) {
	for body, want := range map[string]int{
		`1`: 0, `{}`: 1, `[[]]`: 2, `[[],[]]`: 2, `{"a":[{}],"b":{}}`: 3, `["[[["]`: 1, `]]][`: 0,
	} {
		if _, got := measure([]byte(body)); got != want {
			t.Errorf("%s has %d levels, want %d", body, got, want)
		}
	}
	nested := func(levels int) []byte {
		return []byte(strings.Repeat("[", levels) + strings.Repeat("]", levels))
	}
	var into any
	if err := unmarshal(nested(maxDepth), maxPageValues, &into); err != nil {
		t.Errorf("as deep as may be: %v", err)
	}
	if err := unmarshal(nested(maxDepth+1), maxPageValues, &into); !errors.Is(err, errTooDeep) {
		t.Errorf("error = %v, want %v", err, errTooDeep)
	}
}

func TestUnmarshalStopsAtItsLimit(t *testing.T) {
	list := func(values int) []byte { return []byte("[" + strings.Repeat("0,", values-1) + "0]") }
	var into []int
	if err := unmarshal(list(100), 100, &into); err != nil || len(into) != 100 {
		t.Errorf("%d values were read of 100: %v", len(into), err)
	}
	if err := unmarshal(list(101), 100, &into); !errors.Is(err, errTooMany) {
		t.Errorf("error = %v, want %v", err, errTooMany)
	}
}

// repeated fills a body of at most limit bytes with one element, at most so many times.
func repeated(limit int, start, element, end string, most int) []byte {
	n := min((limit-len(start)-len(end))/(len(element)+1), most)
	return []byte(start + strings.Repeat(element+",", n-1) + element + end)
}

// members fills a body of at most limit bytes with at most so many members of different keys.
func members(limit, most int, start, value, end string) []byte {
	body := bytes.NewBufferString(start)
	for i := 0; body.Len() < limit-len(end)-20 && i < most; i++ {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(body, `"%x":%s`, i, value)
	}
	body.WriteString(end)
	return body.Bytes()
}

// Hardening items 16 and 17: memory stays under 64 MiB for every hostile body, be it read or refused. What is measured
// is all that was ever allocated, which is more than what is in use at once.
func TestHostileBodiesTakeLittleMemory(t *testing.T) {
	const index = `{"schemaVersion":2,"manifests":[`
	readManifest := func(body []byte) error {
		_, err := decodeManifest(body, ocispec.MediaTypeImageIndex)
		return err
	}
	readConfig := func(body []byte) error {
		_, err := decodeImageConfig(body)
		return err
	}
	readTags := func(body []byte) error {
		var page struct {
			Tags tagList `json:"tags"`
		}
		return decodePage(&response{header: http.Header{}, body: body}, &page)
	}
	readNames := func(body []byte) error {
		var page struct {
			Tags []string `json:"tags"`
		}
		return decodePage(&response{header: http.Header{}, body: body}, &page)
	}
	readToken := func(body []byte) error {
		_, err := decodeToken(body, time.Now())
		return err
	}
	nested := func(open, end string, levels int) []byte {
		return []byte(strings.Repeat(open, levels) + strings.Repeat(end, levels))
	}
	const many = maxManifestValues - 10 // and maxConfigValues is the same
	for name, test := range map[string]struct {
		read    func([]byte) error
		body    []byte
		refused bool
	}{
		"4 MiB of empty descriptors":             {readManifest, []byte(index + strings.Repeat("{},", (maxManifest-40)/3) + "{}]}"), true},
		"empty descriptors within the limit":     {readManifest, repeated(maxManifest, index, "{}", "]}", many/2), true},
		"4 MiB of annotations":                   {readManifest, members(maxManifest, maxManifest, `{"annotations":{`, `""`, "}}"), true},
		"as many annotations as there may be":    {readManifest, members(maxManifest, many, `{"manifests":[],"annotations":{`, `""`, "}}"), false},
		"4 MiB of one annotation":                {readManifest, []byte(`{"manifests":[],"annotations":{"a":"` + strings.Repeat("b", maxManifest-50) + `"}}`), false},
		"unknown members":                        {readManifest, members(maxManifest, many, `{"manifests":[],"x":{`, `1`, "}}"), false},
		"one descriptor too many":                {readManifest, repeated(maxManifest, index, `{"digest":"a:b"}`, "]}", maxDescriptors+1), true},
		"as many descriptors as there may be":    {readManifest, repeated(maxManifest, index, `{"digest":"a:b"}`, "]}", maxDescriptors), false},
		"too many descriptors with annotations":  {readManifest, repeated(maxManifest, index, `{"digest":"a:b","annotations":{"":""},"platform":{}}`, "]}", maxDescriptors+1), true},
		"descriptors with annotations":           {readManifest, repeated(maxManifest, index, `{"digest":"a:b","annotations":{"":""},"platform":{}}`, "]}", maxDescriptors), false},
		"os.features":                            {readManifest, repeated(maxManifest, index+`{"digest":"a:b","platform":{"os.features":[`, `""`, "]}}]}", many), false},
		"4 MiB of empty strings":                 {readManifest, []byte(`{"x":[` + strings.Repeat(`"",`, (maxManifest-20)/3) + `""]}`), true},
		"4 MiB of brackets":                      {readManifest, []byte(strings.Repeat("[", maxManifest)), true},
		"10,000 levels of arrays":                {readManifest, []byte(`{"x":` + string(nested("[", "]", 10_000)) + "}"), true},
		"10,000 levels of objects":               {readManifest, nested(`{"x":`, "}", 10_000), true},
		"10,000 levels of annotations":           {readManifest, nested(`{"annotations":`, "}", 10_000), true},
		"4 MiB of backslashes":                   {readManifest, []byte(`{"x":"` + strings.Repeat(`\\`, maxManifest/2-8) + `"}`), true},
		"4 MiB of invalid UTF-8":                 {readManifest, bytes.Repeat([]byte{0xff}, maxManifest), true},
		"4 MiB of digits":                        {readManifest, []byte(`{"manifests":[],"x":` + strings.Repeat("1", maxManifest-30) + `}`), false},
		"a size of 4 MiB of digits":              {readManifest, []byte(`{"schemaVersion":` + strings.Repeat("1", maxManifest-30) + `}`), true},
		"labels":                                 {readConfig, members(maxConfig, many, `{"config":{"Labels":{`, `""`, "}}}"), false},
		"environment":                            {readConfig, repeated(maxConfig, `{"config":{"Env":[`, `"a=b"`, "]}}", many), false},
		"ports":                                  {readConfig, members(maxConfig, many, `{"config":{"ExposedPorts":{`, `null`, "}}}"), false},
		"8 MiB of unknown members of a config":   {readConfig, []byte(`{"x":{` + strings.Repeat(`"":1,`, maxConfig/5-4) + `"":1}}`), true},
		"history":                                {readConfig, repeated(maxConfig, `{"history":[`, `{"created_by":"x"}`, "]}", many/2), false},
		"empty tags":                             {readTags, repeated(maxPage, `{"tags":[`, `{}`, "]}", maxPage), true},
		"tags with attributes":                   {readTags, repeated(maxPage, `{"tags":[`, `{"name":"a","changeableAttributes":{}}`, "]}", maxPageValues/4-10), false},
		"names":                                  {readNames, repeated(maxPage, `{"tags":[`, `"a"`, "]}", maxPageValues-10), false},
		"more names than fit":                    {readNames, []byte(`{"tags":[` + strings.Repeat(`"a",`, maxPage/4-4) + `"a"]}`), true},
		"128 KiB of token members":               {readToken, members(maxTokenBody, many, `{"access_token":"x",`, `1`, "}"), false},
		"128 KiB of audience":                    {readToken, []byte(`{"access_token":"` + jwt(`{"aud":[`+strings.Repeat(`"",`, 30_000)+`""]}`).Reveal() + `"}`), false},
		"128 KiB of access":                      {readToken, []byte(`{"access_token":"` + jwt(`{"access":[`+strings.Repeat(`{},`, 30_000)+`{}]}`).Reveal() + `"}`), false},
		"10,000 levels of a token":               {readToken, nested(`{"access_token":`, "}", 10_000), true},
		"128 KiB of dots":                        {readToken, []byte(`{"access_token":"` + strings.Repeat(".", maxTokenBody-20) + `"}`), false},
		"members of a tag that are too many":     {readTags, members(maxPage, maxPageValues+10, `{"tags":[{"name":"a",`, `[]`, "}]}"), true},
		"members of a tag, as many as there may": {readTags, members(maxPage, many, `{"tags":[{"name":"a",`, `1`, "}]}"), false},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			took := allocated(func() { err = test.read(test.body) })
			if (err != nil) != test.refused {
				t.Errorf("error = %v, want one: %t", err, test.refused)
			}
			if took > 56<<20 {
				t.Errorf("%d bytes took %d MiB, want at most 56", len(test.body), took>>20)
			}
			t.Logf("%d bytes took %.1f MiB: %v", len(test.body), float64(took)/(1<<20), err)
		})
	}
}

// allocated gives the bytes that f allocated, whether or not they were freed.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
