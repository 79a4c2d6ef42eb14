package auth

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// jwt makes an unsigned JSON Web Token of a payload.
func jwt(payload string) secret.Text {
	encode := base64.RawURLEncoding.EncodeToString
	return secret.New(encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode([]byte(payload)) + "." + encode([]byte("signature")))
}

// acrClaims has the claims of an access token of Azure Container Registry, with made-up values.
const acrClaims = `{"jti":"00000000-0000-0000-0000-000000000001","sub":"reader","nbf":1700000000,"exp":1700004500,"iat":1700000000,` +
	`"iss":"Azure Container Registry","aud":"r.azurecr.io","version":"1.0","rid":"00000000000000000000000000000002",` +
	`"access":[{"type":"repository","name":"alpine","actions":["pull"]}],"roles":[],"grant_type":"access_token"}`

func TestParseClaims(t *testing.T) {
	issued, expires := time.Unix(1700000000, 0).UTC(), time.Unix(1700004500, 0).UTC()
	last := time.Date(9999, 12, 31, 23, 59, 58, 0, time.UTC)
	for name, test := range map[string]struct {
		payload string
		want    Claims
	}{
		"Azure Container Registry": {acrClaims, Claims{
			Subject: "reader", Issuer: "Azure Container Registry", Audience: []string{"r.azurecr.io"}, IssuedAt: issued, ExpiresAt: expires,
			Access: []Access{{Type: "repository", Name: "alpine", Actions: []string{"pull"}}},
		}},
		"nothing":                 {`{}`, Claims{}},
		"several audiences":       {`{"aud":["a","b"]}`, Claims{Audience: []string{"a", "b"}}},
		"no audience":             {`{"aud":[]}`, Claims{Audience: []string{}}},
		"empty audience":          {`{"aud":""}`, Claims{}},
		"audience of a bad type":  {`{"aud":{"a":1}}`, Claims{}},
		"fraction of a second":    {`{"iat":1700000000.999,"exp":17000045e2}`, Claims{IssuedAt: issued, ExpiresAt: expires}},
		"dates as text":           {`{"iat":"1700000000","exp":null}`, Claims{}},
		"dates out of range":      {`{"iat":-1,"exp":1e300}`, Claims{}},
		"dates beyond all range":  {`{"iat":1e999,"exp":-1e999}`, Claims{}},
		"date zero":               {`{"iat":0,"exp":253402300799}`, Claims{}},
		"last date":               {`{"exp":253402300798}`, Claims{ExpiresAt: last}},
		"texts of a bad type":     {`{"sub":1,"iss":["x"]}`, Claims{}},
		"granted nothing":         {`{"access":[]}`, Claims{Access: []Access{}}},
		"access null":             {`{"access":null}`, Claims{Access: []Access{}}},
		"access of a bad type":    {`{"access":"all"}`, Claims{}},
		"actions of a bad type":   {`{"access":[{"type":"repository","name":"a","actions":"pull"}]}`, Claims{}},
		"entry without actions":   {`{"access":[{"type":"repository","name":"a"}]}`, Claims{Access: []Access{{Type: "repository", Name: "a"}}}},
		"names in another case":   {`{"SUB":"x","Exp":1700004500}`, Claims{}},
		"unknown claims":          {`{"x":{"y":[1,2]},"sub":"z"}`, Claims{Subject: "z"}},
		"catalog among resources": {`{"access":[{"type":"registry","name":"catalog","actions":["*"]}]}`, Claims{Access: []Access{{Type: "registry", Name: "catalog", Actions: []string{"*"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseClaims(jwt(test.payload))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("claims = %+v, want %+v", *got, test.want)
			}
		})
	}
}

func TestParseClaimsOfAnOpaqueToken(t *testing.T) {
	whole := jwt(acrClaims).Reveal()
	parts := strings.Split(whole, ".")
	for name, token := range map[string]string{
		"empty":            "",
		"one part":         "opaque-token",
		"two parts":        parts[0] + "." + parts[1],
		"four parts":       whole + ".x",
		"no base64":        "a.!!!.c",
		"padded base64":    "a." + parts[1] + "==.c",
		"no JSON":          "a." + base64.RawURLEncoding.EncodeToString([]byte("payload")) + ".c",
		"empty payload":    "a..c",
		"JSON array":       jwt(`[]`).Reveal(),
		"JSON text":        jwt(`"x"`).Reveal(),
		"truncated":        jwt(acrClaims[:40]).Reveal(),
		"duplicate claims": jwt(`{"sub":"a","sub":"b"}`).Reveal(),
		"invalid UTF-8":    jwt("{\"sub\":\"\xff\"}").Reveal(),
		"trailing data":    jwt(`{}{}`).Reveal(),
		"deep nesting":     jwt(`{"x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`).Reveal(),
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := ParseClaims(secret.New(token))
			if !errors.Is(err, errOpaque) || claims != nil {
				t.Errorf("claims = %+v, error = %v; want %v", claims, err, errOpaque)
			}
		})
	}
}
