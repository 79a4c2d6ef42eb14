package oci

import (
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestParsePlatform(t *testing.T) {
	for text, want := range map[string]ocispec.Platform{
		"linux/amd64":     {OS: "linux", Architecture: "amd64"},
		"linux/arm/v7":    {OS: "linux", Architecture: "arm", Variant: "v7"},
		"windows/amd64":   {OS: "windows", Architecture: "amd64"},
		"Linux/AArch64":   {OS: "Linux", Architecture: "AArch64"},
		"linux/x86_64":    {OS: "linux", Architecture: "x86_64"},
		"a.b_c-d/e.f/g-1": {OS: "a.b_c-d", Architecture: "e.f", Variant: "g-1"},
	} {
		got, err := ParsePlatform(text)
		if err != nil || FormatPlatform(got) != text || got.OS != want.OS || got.Architecture != want.Architecture || got.Variant != want.Variant {
			t.Errorf("platform %s = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "linux", "linux/", "/amd64", "linux/arm/", "linux/arm/v7/x", "linux//v7", "linux amd64", "linux/amd64 ", "linux/amd64\n", "linux/ämd64", "linux:amd64", "windows(10.0)/amd64", "linux/amd64\x00"} {
		_, err := ParsePlatform(text)
		faulttest.WantArgument(t, err, "platform")
	}
}

// platformIndex returns an index with a child for each text; the i-th child has i as its size.
func platformIndex(t *testing.T, texts ...string) *Manifest {
	t.Helper()
	index := &Manifest{MediaType: ocispec.MediaTypeImageIndex}
	for i, text := range texts {
		child := Descriptor{Size: int64(i), Digest: digest.FromString(text)}
		if text != "" {
			platform, err := ParsePlatform(text)
			if err != nil {
				t.Fatal(err)
			}
			child.Platform = &platform
		}
		index.Manifests = append(index.Manifests, child)
	}
	return index
}

func TestChoosePlatform(t *testing.T) {
	const none = -1
	arms := []string{"linux/arm/v5", "linux/arm/v7", "linux/arm/v6", "linux/arm64/v8"}
	for name, test := range map[string]struct {
		has    []string
		wanted string
		want   int
	}{
		"exact":                                {[]string{"linux/amd64", "linux/arm64"}, "linux/arm64", 1},
		"other OS":                             {[]string{"windows/amd64", "linux/amd64"}, "linux/amd64", 1},
		"none":                                 {[]string{"linux/amd64"}, "linux/arm64", none},
		"none of the OS":                       {[]string{"linux/amd64"}, "windows/amd64", none},
		"empty index":                          {nil, "linux/amd64", none},
		"child without platform":               {[]string{"", "linux/amd64"}, "linux/amd64", 1},
		"attestation":                          {[]string{"unknown/unknown", "linux/amd64"}, "linux/amd64", 1},
		"no variant, the usual one":            {[]string{"linux/arm64/v9", "linux/arm64/v8"}, "linux/arm64", 1},
		"usual variant, none there":            {[]string{"linux/arm64"}, "linux/arm64/v8", 0},
		"no variant, the only one":             {[]string{"linux/amd64", "linux/arm64/v9"}, "linux/arm64", 1},
		"no variant, the only one twice":       {[]string{"linux/arm64/v9", "linux/arm64/v9"}, "linux/arm64", 0},
		"no variant, two of them":              {[]string{"linux/arm64/v9", "linux/arm64/v10"}, "linux/arm64", none},
		"other variant":                        {[]string{"linux/arm64/v8"}, "linux/arm64/v9", none},
		"two children of a platform":           {[]string{"linux/amd64", "linux/amd64"}, "linux/amd64", 0},
		"amd64/v1 is amd64":                    {[]string{"linux/amd64/v3", "linux/amd64/v1"}, "linux/amd64", 1},
		"arm stands for v7":                    {arms, "linux/arm", 1},
		"arm, next lower":                      {[]string{"linux/arm/v5", "linux/arm/v6", "linux/arm/v8"}, "linux/arm", 1},
		"arm, next lower twice":                {[]string{"linux/arm/v6", "linux/arm/v6"}, "linux/arm", 0},
		"arm, only a higher":                   {[]string{"linux/arm/v8"}, "linux/arm", 0},
		"arm/v6 asked for":                     {arms, "linux/arm/v6", 2},
		"arm/v8 asked for is not lower":        {arms, "linux/arm/v8", none},
		"arm without variant is v7":            {[]string{"linux/arm"}, "linux/arm/v7", 0},
		"variant without v":                    {arms, "linux/arm/6", 2},
		"x86_64 is amd64":                      {[]string{"linux/amd64"}, "linux/x86_64", 0},
		"aarch64 is arm64":                     {[]string{"linux/arm64/v8"}, "linux/aarch64", 0},
		"armhf is arm/v7":                      {arms, "linux/armhf", 1},
		"armel is arm/v6":                      {arms, "linux/armel", 2},
		"i386 is 386":                          {[]string{"linux/386"}, "linux/i386", 0},
		"capitals":                             {[]string{"linux/amd64"}, "Linux/AMD64", 0},
		"index in another spelling":            {[]string{"Linux/x86-64"}, "linux/amd64", 0},
		"exact one behind those of a variant":  {[]string{"linux/amd64/v2", "linux/amd64/v3", "linux/amd64"}, "linux/amd64", 2},
		"variant asked for of several":         {[]string{"linux/amd64", "linux/amd64/v2", "linux/amd64/v3"}, "linux/amd64/v3", 2},
		"386 is not amd64":                     {[]string{"linux/386"}, "linux/amd64", none},
		"arm is not arm64":                     {[]string{"linux/arm64"}, "linux/arm", none},
		"Windows, the first of two OS version": {[]string{"windows/amd64", "windows/amd64"}, "windows/amd64", 0},
	} {
		t.Run(name, func(t *testing.T) {
			wanted, err := ParsePlatform(test.wanted)
			if err != nil {
				t.Fatal(err)
			}
			child, found := platformIndex(t, test.has...).Choose(wanted)
			if found != (test.want != none) || found && child.Size != int64(test.want) {
				t.Errorf("of %v for %s: child %d, found %t; want %d", test.has, test.wanted, child.Size, found, test.want)
			}
		})
	}
}

func TestFormatChild(t *testing.T) {
	index := platformIndex(t, "linux/arm64/v8", "unknown/unknown", "", "windows/amd64")
	index.Manifests = append(index.Manifests, Descriptor{Platform: &ocispec.Platform{}}, Descriptor{Platform: &ocispec.Platform{OS: "linux"}})
	var got []string
	for _, child := range index.Manifests {
		got = append(got, FormatChild(child))
	}
	if want := []string{"linux/arm64/v8", "", "", "windows/amd64", "", ""}; !slices.Equal(got, want) {
		t.Errorf("platforms = %q, want %q", got, want)
	}
}

func TestListPlatforms(t *testing.T) {
	for want, index := range map[string]*Manifest{
		"linux/amd64, linux/arm64/v8, windows/amd64":                   platformIndex(t, "linux/arm64/v8", "linux/amd64", "unknown/unknown", "linux/amd64", "windows/amd64"),
		"linux/amd64, children without a platform, such as " + digestA: {Manifests: append(platformIndex(t, "linux/amd64").Manifests, Descriptor{Digest: digestA}, Descriptor{Digest: digestB})},
		"children without a platform, such as " + digestA:              {Manifests: []Descriptor{{Digest: digestA, Platform: &ocispec.Platform{}}}},
		"none": {},
	} {
		if got := ListPlatforms(index); got != want {
			t.Errorf("list = %q, want %q", got, want)
		}
	}
}

func TestListPlatformsIsShortAndClean(t *testing.T) {
	index := &Manifest{}
	for i := range 100 {
		index.Manifests = append(index.Manifests, Descriptor{Platform: &ocispec.Platform{OS: "linux", Architecture: strings.Repeat("a", i+1)}})
	}
	if got := ListPlatforms(index); strings.Count(got, ",") != 20 || !strings.HasSuffix(got, ", and more") {
		t.Errorf("list = %q", got)
	}
	hostile := &Manifest{Manifests: []Descriptor{{Platform: &ocispec.Platform{OS: "\x1b[2J\r\n", Architecture: strings.Repeat("x", 10_000)}}}}
	if got := ListPlatforms(hostile); strings.ContainsAny(got, "\x1b\r\n") || len(got) > 310 {
		t.Errorf("list = %.400q", got)
	}
}

func TestFits(t *testing.T) {
	for _, test := range []struct {
		has, wanted string
		want        bool
	}{
		{"linux/amd64", "linux/amd64", true}, {"linux/amd64", "linux/arm64", false}, {"linux/arm64", "linux/arm64/v8", true},
		{"linux/arm/v6", "linux/arm", true}, {"linux/arm/v6", "linux/arm/v7", false}, {"windows/amd64", "linux/amd64", false},
	} {
		has, _ := ParsePlatform(test.has)
		wanted, _ := ParsePlatform(test.wanted)
		if got := Fits(has, wanted); got != test.want {
			t.Errorf("%s for %s = %t, want %t", test.has, test.wanted, got, test.want)
		}
	}
}
