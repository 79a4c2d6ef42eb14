package oci

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestParseImage(t *testing.T) {
	for text, want := range map[string]Image{
		"example.azurecr.io/app":                             {Registry: "example.azurecr.io", Repository: "app"},
		"example.azurecr.io/team/app:1.0":                    {Registry: "example.azurecr.io", Repository: "team/app", Tag: "1.0"},
		"example.azurecr.io/app@" + digestA:                  {Registry: "example.azurecr.io", Repository: "app", Digest: digestA},
		"example.azurecr.io/a/b/c:v_1-x@" + digestA:          {Registry: "example.azurecr.io", Repository: "a/b/c", Tag: "v_1-x", Digest: digestA},
		"localhost/app":                                      {Registry: "localhost", Repository: "app"},
		"localhost:5000/app:1":                               {Registry: "localhost:5000", Repository: "app", Tag: "1"},
		"registry:5000/app":                                  {Registry: "registry:5000", Repository: "app"},
		"127.0.0.1:5000/app":                                 {Registry: "127.0.0.1:5000", Repository: "app"},
		"[::1]:5000/app":                                     {Registry: "[::1]:5000", Repository: "app"},
		"Example.azurecr.io/app":                             {Registry: "Example.azurecr.io", Repository: "app"},
		"docker.io/library/alpine":                           {Registry: "docker.io", Repository: "library/alpine"},
		"r.io/app@sha512:" + strings.Repeat("0", 128):        {Registry: "r.io", Repository: "app", Digest: "sha512:" + strings.Repeat("0", 128)},
		"r.io/" + strings.Repeat("a", 255):                   {Registry: "r.io", Repository: strings.Repeat("a", 255)},
		"example.azurecr.io/app:" + strings.Repeat("a", 128): {Registry: "example.azurecr.io", Repository: "app", Tag: strings.Repeat("a", 128)},
	} {
		want.Canonical = text
		if got, err := ParseImage(text); err != nil || *got != want {
			t.Errorf("image %s = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseImageRefuses(t *testing.T) {
	const noRegistry = "names no registry"
	for text, fault := range map[string]string{
		"alpine": noRegistry, "alpine:3": noRegistry, "library/alpine": noRegistry, "team/app:1.0": noRegistry, "alpine@" + digestA: noRegistry,
		digestA: noRegistry, "a/b/c": noRegistry,
		"": "not an image reference", " ": "", "r.io/": "", "r.io/App": "", "r.io/app:": "", "r.io/app:a b": "", "r.io/app@": "",
		"r.io/app@sha256:abc": "", "r.io/app@" + digestA + "0": "", "r.io/app@md5:" + strings.Repeat("0", 32): "", "r.io/app:" + strings.Repeat("a", 129): "",
		"r.io/" + strings.Repeat("a", 256): "", "https://r.io/app": "", "r.io//app": "", "r.io/app/": "", "r.io/../app": "", "r.io/app\n": "",
		"r.io/app:1:2": "", "u@r.io/app": "", "r.io/app@" + digestA + ":1": "", "r.io/äpp": "", "r.io/app\x00": "", "r.io/app?x=y": "",
	} {
		image, err := ParseImage(text)
		faulttest.WantArgument(t, err, "reference")
		if image != nil || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("image %q = %+v, error = %v; want %q in it", text, image, err, fault)
		}
	}
}

func TestParseReference(t *testing.T) {
	for text, want := range map[string]Image{
		"app:1.0":                         {Repository: "app", Tag: "1.0"},
		"team/app@" + digestA:             {Repository: "team/app", Digest: digestA},
		"a/b/c:v":                         {Repository: "a/b/c", Tag: "v"},
		"example.azurecr.io/team/app:1.0": {Registry: "example.azurecr.io", Repository: "team/app", Tag: "1.0"},
		"localhost:5000/app@" + digestA:   {Registry: "localhost:5000", Repository: "app", Digest: digestA},
		"r.io/my.team/app:1":              {Registry: "r.io", Repository: "my.team/app", Tag: "1"},
	} {
		want.Canonical = text
		if got, err := ParseReference(text); err != nil || *got != want {
			t.Errorf("reference %s = %+v, %v; want %+v", text, got, err, want)
		}
	}
	const grammar, one = "is not a reference", "needs a tag or a digest, and not both"
	for text, want := range map[string]string{
		"": grammar, "App:1": grammar, "app:": grammar, "app:1\n": grammar, "https://r.io/app:1": grammar, "app@sha256:abc": grammar,
		"app": one, "team/app": one, "r.io/app": one, "app:1@" + digestA: one, "r.io/app:1@" + digestA: one,
	} {
		image, err := ParseReference(text)
		faulttest.WantArgument(t, err, "reference")
		if image != nil || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("reference %q = %+v, error = %v; want %q in it", text, image, err, want)
		}
	}
}

// The parts are valid by their own rules, and the canonical form is read as the same image.
func FuzzImageReference(f *testing.F) {
	for _, seed := range []string{
		"example.azurecr.io/team/app:1.0", "example.azurecr.io/app@" + digestA, "example.azurecr.io/app:1.0@" + digestA,
		"localhost:5000/app", "[::1]:5000/app:1", "alpine", "library/alpine:3", "Example.io/app", "r.io/a__b--c.d/e", "r.io/app@sha256:abc", "", digestA,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		image, err := ParseImage(text)
		if err != nil {
			if failed, ok := fault.As(err); !ok || failed.Argument != "reference" || image != nil || strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Errorf("image = %+v, error = %q", image, err)
			}
			return
		}
		if err := ValidateRepository(image.Repository); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if image.Tag != "" && ValidateTag(image.Tag) != nil || image.Digest != "" && ValidateDigest(image.Digest) != nil {
			t.Errorf("%q has the tag %q and the digest %q", text, image.Tag, image.Digest)
		}
		want := image.Registry + "/" + image.Repository
		if image.Tag != "" {
			want += ":" + image.Tag
		}
		if image.Digest != "" {
			want += "@" + image.Digest
		}
		if image.Canonical != want {
			t.Errorf("%q is %q in canonical order, want %q", text, image.Canonical, want)
		}
		if again, err := ParseImage(image.Canonical); err != nil || *again != *image {
			t.Errorf("%q is read as %+v, %q as %+v (%v)", text, image, image.Canonical, again, err)
		}
	})
}

func TestValidateRepository(t *testing.T) {
	for _, name := range []string{"a", "alpine", "library/alpine", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a---b", "0", "localhost/a", "r.example/a", strings.Repeat("a", 255)} {
		faulttest.WantArgument(t, ValidateRepository(name), "")
	}
	for _, name := range []string{
		"", " ", "/", "a/", "/a", "a//b", "A", "a/B", "a b", "a:b", "a@b", "-a", "a-", ".a", "a.", "a..b", "_a", "a___b", "a.-b",
		"..", "../a", "a/../b", "a/./b", "a%2fb", "a?b", "a#b", "a\\b", "a\n", "a\x00", "ä", "a/b\r\nX: y", "r.example:5000/a", "\xff",
		strings.Repeat("a", 256), strings.Repeat("a/", 200) + "a",
	} {
		faulttest.WantArgument(t, ValidateRepository(name), "repository")
	}
}

func TestValidateTag(t *testing.T) {
	for _, tag := range []string{"a", "latest", "1.0", "_x", "A-b.C_d", "1", strings.Repeat("a", 128)} {
		faulttest.WantArgument(t, ValidateTag(tag), "")
	}
	for _, tag := range []string{"", " ", ".a", "-a", "a/b", "a:b", "a b", "a\n", "\na", "ä", "a%2f", "a?b", "a#b", "..", "a@b", "a+b", strings.Repeat("a", 129), "sha256:" + strings.Repeat("a", 64)} {
		faulttest.WantArgument(t, ValidateTag(tag), "tag")
	}
}

func TestValidateDigest(t *testing.T) {
	for _, value := range []string{digestA, "sha384:" + strings.Repeat("0", 96), "sha512:" + strings.Repeat("f", 128)} {
		faulttest.WantArgument(t, ValidateDigest(value), "")
	}
	for _, value := range []string{
		"", "sha256", "sha256:", "sha256:abc", strings.ToUpper(digestA), "SHA256:" + strings.Repeat("a", 64), digestA + "a", digestA + "\n",
		" " + digestA, "sha512:" + strings.Repeat("a", 64), "md5:" + strings.Repeat("a", 32), "blake3:" + strings.Repeat("a", 64),
		"sha256:" + strings.Repeat("g", 64), strings.Repeat("a", 64), "sha256:../../" + strings.Repeat("a", 58),
	} {
		faulttest.WantArgument(t, ValidateDigest(value), "digest")
	}
}

// An error names each rule of the grammar, so that whoever breaks one finds it.
func TestGrammarErrorsNameEachRule(t *testing.T) {
	for want, err := range map[string]error{
		"at most 255 lower-case letters and digits": ValidateRepository(strings.Repeat("a", 256)),
		"64 hexadecimal digits in lower case":       ValidateDigest(strings.ToUpper(digestA)),
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
