package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
)

// madeUp is the text of the secrets in these tests.
const madeUp = "made/up+text=="

// traces returns the forms in which the text would show.
func traces(text string) []string {
	return []string{
		text, url.QueryEscape(text), url.PathEscape(text), fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text),
		fmt.Sprint([]byte(text)), strings.Trim(fmt.Sprintf("%#v", []byte(text)), "[]byte{}"), fmt.Sprint([]rune(text)),
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
		strings.ReplaceAll(text, "/", `\/`), strings.ReplaceAll(text, "+", "&#43;"), "made",
	}
}

func wantNoTrace(t *testing.T, where, text string) {
	t.Helper()
	for _, trace := range traces(madeUp) {
		if strings.Contains(text, trace) {
			t.Errorf("%s shows %q: %s", where, trace, text)
			return
		}
	}
}

func TestSecretReveals(t *testing.T) {
	if got := New(madeUp).Reveal(); got != madeUp {
		t.Errorf("text = %q, want %q", got, madeUp)
	}
	for name, empty := range map[string]Text{"zero": {}, "of an empty text": New("")} {
		if !empty.IsZero() || empty.Reveal() != "" {
			t.Errorf("the secret %s is not zero", name)
		}
	}
	if New(" ").IsZero() {
		t.Error("a space is zero")
	}
}

// holders put a secret into every kind of value in which a program may print it, behind exported and unexported fields.
func holders() map[string]any {
	type inner struct {
		secret  Text
		pointer *Text
	}
	type Outer struct {
		Exported Text
		inner    inner
		list     []inner
		table    map[string]inner
		any      any
		err      error
		array    [1]Text
		deep     **Text
	}
	secret := New(madeUp)
	pointer := &secret
	one := inner{secret, pointer}
	outer := Outer{
		Exported: secret, inner: one, list: []inner{one}, table: map[string]inner{"key": one}, any: one,
		err: errors.New("test"), array: [1]Text{secret}, deep: &pointer,
	}
	keyed := map[*Text]string{pointer: "value"}
	channel := make(chan Text, 1)
	channel <- secret
	return map[string]any{
		"itself": secret, "pointer": pointer, "pointer to a pointer": &pointer, "struct": outer, "pointer to a struct": &outer,
		"slice": []Text{secret}, "slice of pointers": []*Text{pointer}, "slice of any": []any{secret, pointer, outer},
		"map": map[string]Text{"key": secret}, "map of structs": map[string]Outer{"key": outer}, "map of any": map[string]any{"key": outer},
		"map by pointer": keyed, "channel": channel, "function": secret.reveal,
		"error about a secret": fmt.Errorf("with %v: %w", secret, errors.New("test")),
	}
}

// Every verb of fmt, with every flag.
func TestSecretPrintsAPlaceholder(t *testing.T) {
	for name, holder := range holders() {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspwz!" {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "# ", "10", "-30", ".3", "30.2", "#+ -030.3"} {
				format := "%" + flags + string(verb)
				wantNoTrace(t, name+" under "+format, fmt.Sprintf(format, holder))
			}
		}
		wantNoTrace(t, name+" by Sprint", fmt.Sprint(holder))
		wantNoTrace(t, name+" by Sprintln", fmt.Sprintln(holder, holder))
		wantNoTrace(t, name+" in an error", fmt.Errorf("failed with %v and %+v", holder, holder).Error())
		wantNoTrace(t, name+" in joined errors", errors.Join(fmt.Errorf("%#v", holder), fmt.Errorf("%s", holder)).Error())
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.2s"} {
		if got := fmt.Sprintf(format, New(madeUp)); got != "(secret)" {
			t.Errorf("%s = %q, want (secret)", format, got)
		}
	}
}

func TestSecretMarshalsAsAPlaceholder(t *testing.T) {
	for name, holder := range holders() {
		for kind, marshal := range map[string]func(any) ([]byte, error){
			"JSON": json.Marshal, "JSON v2": func(v any) ([]byte, error) { return jsonv2.Marshal(v) }, "XML": xml.Marshal,
		} {
			text, err := marshal(holder) // an error for channels and functions
			wantNoTrace(t, name+" as "+kind, fmt.Sprint(string(text), err))
		}
	}
	if got, err := json.Marshal(map[string]any{"a": New(madeUp), "b": []Text{{}}}); err != nil || string(got) != `{"a":"(secret)","b":["(secret)"]}` {
		t.Errorf("JSON = %s, %v", got, err)
	}
	if got, err := New(madeUp).MarshalText(); err != nil || string(got) != "(secret)" {
		t.Errorf("text = %s, %v", got, err)
	}
}

func TestSecretLogsAsAPlaceholder(t *testing.T) {
	var log bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for name, holder := range holders() {
		for kind, handler := range map[string]slog.Handler{"text": slog.NewTextHandler(&log, options), "JSON": slog.NewJSONHandler(&log, options)} {
			log.Reset()
			logger := slog.New(handler).With("with", holder).WithGroup("group")
			logger.Debug("test", "value", holder, slog.Group("inner", "value", holder), slog.Any("any", []any{holder}))
			wantNoTrace(t, name+" in a log of "+kind, log.String())
		}
	}
	log.Reset()
	slog.New(slog.NewTextHandler(&log, nil)).Info("test", "value", New(madeUp))
	if !strings.Contains(log.String(), `value=(secret)`) {
		t.Errorf("log = %s", log.String())
	}
}

func TestSecretInAPanic(t *testing.T) {
	defer func() { wantNoTrace(t, "a panic's value", fmt.Sprint(recover())) }()
	panic(fmt.Sprintf("%+v", holders()))
}

func TestFitsHeader(t *testing.T) {
	for text, want := range map[string]bool{
		"opaque": true, "a.b-c_d~e+f/g=": true, `!"#$%&'()*,:;<=>?@[\]^{|}`: true,
		"": false, " ": false, "a b": false, "a\n": false, "a\r\nX: y": false, "a\t": false, "a\x00": false, "a\x7f": false, "ä": false, "\xff": false,
	} {
		if got := New(text).FitsHeader(); got != want {
			t.Errorf("%q is usable = %t, want %t", text, got, want)
		}
	}
}

// Each secret is kept once, however often it is seen: a client sees its token with every request.
func TestSetKeepsEachSecretOnce(t *testing.T) {
	var set Set
	set.Add(New("made-up-one"), Text{}, New("made-up-two"))
	once := len(set.Redactor())
	for range 100 {
		set.Add(New("made-up-one"), New("made-up-two"))
	}
	if got := len(set.Redactor()); got != once || len(set.list) != 2 {
		t.Errorf("%d secrets with %d forms, want 2 with %d", len(set.list), got, once)
	}
}
