package acr

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// A Location may have any form, and keeps its query to the letter, but leads nowhere else.
func TestUploadGoesOnAtTheRegistryAlone(t *testing.T) {
	const begun = "https://r.example.com/v2/app/blobs/uploads/"
	for location, want := range map[string]string{
		"/v2/app/blobs/uploads/1?_state=a%3D":           begun + "1?_state=a%3D",
		"1?_state=a%3D":                                 begun + "1?_state=a%3D",
		"https://r.example.com/x?y=z":                   "https://r.example.com/x?y=z",
		"https://R.example.com:443/x":                   "https://R.example.com:443/x",
		"//r.example.com/x":                             "https://r.example.com/x",
		`/\elsewhere.example.com/x`:                     "https://r.example.com/%5Celsewhere.example.com/x",
		"http://r.example.com/x":                        "",
		"https://r.example.com:8443/x":                  "",
		"//elsewhere.example.com/x":                     "",
		"https://r.example.com@elsewhere.example.com/x": "",
		"https://user:password@r.example.com/x":         "",
		"ftp://r.example.com/x":                         "",
		"https:///x":                                    "",
	} {
		at, err := url.Parse(begun)
		if err != nil {
			t.Fatal(err)
		}
		r := request{Request: transport.Request{Method: http.MethodPost, URL: at}}
		got, err := uploadLocation(r, &answer{Response: &transport.Response{Status: http.StatusAccepted, Header: http.Header{"Location": {location}}}})
		switch {
		case want == "":
			faulttest.Want(t, err, fault.BadRedirect, "where no blob is sent")
		case err != nil || got.String() != want:
			t.Errorf("%s leads to %v (%v), want %s", location, got, err, want)
		}
	}
}
