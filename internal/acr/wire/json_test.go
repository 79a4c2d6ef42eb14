package wire

import (
	"errors"
	"strings"
	"testing"
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
	if err := Unmarshal(nested(maxDepth), maxDepth, &into); err != nil {
		t.Errorf("as deep as may be: %v", err)
	}
	if err := Unmarshal(nested(maxDepth+1), 2*maxDepth, &into); !errors.Is(err, errTooDeep) {
		t.Errorf("error = %v, want %v", err, errTooDeep)
	}
}

func TestUnmarshalStopsAtItsLimit(t *testing.T) {
	list := func(values int) []byte { return []byte("[" + strings.Repeat("0,", values-1) + "0]") }
	var into []int
	if err := Unmarshal(list(100), 100, &into); err != nil || len(into) != 100 {
		t.Errorf("%d values were read of 100: %v", len(into), err)
	}
	if err := Unmarshal(list(101), 100, &into); !errors.Is(err, ErrTooMany) {
		t.Errorf("error = %v, want %v", err, ErrTooMany)
	}
}

// An error names the place only by keys that anybody may see.
func TestExplainNamesThePlace(t *testing.T) {
	for body, want := range map[string]string{
		`1`:                     "it is JSON of another shape",
		`{"a":{"b":[{"c":1}]}}`: "its a.b.0.c is JSON of another shape",
		`{"a":{"b":[1]}}`:       "its a.b.0 is JSON of another shape",
		`{"a":{"m":{"x y":1}}}`: "its a.m is JSON of another shape",
		`{"a":{"m":{"x.y":1}}}`: "its a.m is JSON of another shape",
		`{"a":{"m":{"` + strings.Repeat("k", maxKey) + `":1}}}`:   "its a.m." + strings.Repeat("k", maxKey) + " is JSON of another shape",
		`{"a":{"m":{"` + strings.Repeat("k", maxKey+1) + `":1}}}`: "its a.m is JSON of another shape",
		`{"a":{"a":1,"a":2}}`: "it has the same key twice in one object",
		`{"a":`:               "it is not valid JSON at byte 5",
	} {
		var into struct {
			A struct {
				B []struct {
					C string `json:"c"`
				} `json:"b"`
				M map[string]string `json:"m"`
			} `json:"a"`
		}
		err := Unmarshal([]byte(body), 100, &into)
		if err == nil {
			t.Errorf("%s was read", body)
		} else if got := Explain(err).Error(); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestLenientString(t *testing.T) {
	for body, want := range map[string]string{`{"s":"x"}`: "x", `{"s":1}`: "", `{"s":null}`: "", `{"s":["x"]}`: "", `{"s":{"s":"x"}}`: "", `{}`: ""} {
		var into struct {
			S LenientString `json:"s"`
		}
		if err := Unmarshal([]byte(body), 100, &into); err != nil || string(into.S) != want {
			t.Errorf("%s: %q, %v; want %q", body, into.S, err, want)
		}
	}
	var into struct {
		S LenientString `json:"s"`
	}
	if err := Unmarshal([]byte(`{"s":"x`), 100, &into); err == nil {
		t.Error("half a text was read")
	}
}
