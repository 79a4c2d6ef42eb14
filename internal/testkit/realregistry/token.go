package realregistry

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The accounts of every registry. None is a secret: they exist for the length of a test, on loopback. The passwords
// contain the characters of Azure's passwords that URL-encoding would change.
const (
	// Username and Password may do everything.
	Username = "writer"
	Password = "pass+word/of=writer"

	// ReaderUsername and ReaderPassword may only pull: a token for anything else is granted without it.
	ReaderUsername = "reader"
	ReaderPassword = "pass+word/of=reader"

	// RefreshToken stands for Username in a POST with grant_type=refresh_token,
	// and as the password of NullGUID in a GET, the way Azure accepts it.
	RefreshToken = "refresh-token-of-writer"
	NullGUID     = "00000000-0000-0000-0000-000000000000"
)

const (
	tokenPath     = "/oauth2/token"
	issuer        = "realregistry"
	tokenLifetime = 75 * time.Minute // as Azure's access tokens
)

// tokenSigner makes the tokens that one registry trusts.
// https://distribution.github.io/distribution/spec/auth/jwt/
type tokenSigner struct {
	service        string
	key            *rsa.PrivateKey
	certificate    []byte // DER
	certificatePEM []byte
}

// access is one entry of a token's access claim.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

func newTokenSigner(service string) (*tokenSigner, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "token signer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tokenSigner{
		service:        service,
		key:            key,
		certificate:    certificate,
		certificatePEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
	}, nil
}

// sign returns a JWT (RS256, RFC 7519) that grants the access to the subject.
func (s *tokenSigner) sign(subject string, granted []access) (string, error) {
	now := time.Now()
	header, err := encodeSegment(map[string]any{
		"typ": "JWT",
		"alg": "RS256",
		"x5c": []string{base64.StdEncoding.EncodeToString(s.certificate)},
	})
	if err != nil {
		return "", err
	}
	claims, err := encodeSegment(map[string]any{
		"jti":    rand.Text(),
		"iss":    issuer,
		"sub":    subject,
		"aud":    s.service,
		"iat":    now.Unix(),
		"nbf":    now.Unix(),
		"exp":    now.Add(tokenLifetime).Unix(),
		"access": granted,
	})
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(header + "." + claims))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return header + "." + claims + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func encodeSegment(value any) (string, error) {
	content, err := json.Marshal(value)
	return base64.RawURLEncoding.EncodeToString(content), err
}

// tokenServer answers GET with an optional Basic credential, and POST with a refresh token.
// https://distribution.github.io/distribution/spec/auth/token/
type tokenServer struct {
	signer        *tokenSigner
	anonymousPull []string
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	account, ok := authenticate(request)
	if !ok {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}`)
		return
	}
	if service := request.FormValue("service"); service != s.signer.service {
		http.Error(w, "unknown service", http.StatusBadRequest)
		return
	}
	token, err := s.signer.sign(account, s.grant(account, request.Form["scope"]))
	if err != nil {
		http.Error(w, "the token could not be signed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(map[string]string{"access_token": token})
}

// authenticate returns the account that the request proves, "" for none; false for a credential that is wrong.
func authenticate(request *http.Request) (account string, ok bool) {
	if request.Method == http.MethodPost {
		return Username, request.PostFormValue("grant_type") == "refresh_token" &&
			same(request.PostFormValue("refresh_token"), RefreshToken)
	}
	username, password, given := request.BasicAuth()
	switch {
	case !given:
		return "", request.Header.Get("Authorization") == ""
	case username == NullGUID:
		return Username, same(password, RefreshToken)
	case username == Username:
		return Username, same(password, Password)
	case username == ReaderUsername:
		return ReaderUsername, same(password, ReaderPassword)
	}
	return "", false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// grant returns the part of the requested scopes that the account may have.
// A scope is TYPE:NAME:ACTION[,ACTION]; several come as repeated parameters or separated by spaces.
func (s *tokenServer) grant(account string, scopes []string) []access {
	granted := []access{}
	for scope := range strings.FieldsSeq(strings.Join(scopes, " ")) {
		kind, rest, _ := strings.Cut(scope, ":")
		separator := strings.LastIndex(rest, ":")
		if separator < 0 {
			continue
		}
		name, actions := rest[:separator], strings.Split(rest[separator+1:], ",")
		actions = slices.DeleteFunc(actions, func(action string) bool { return !s.allows(account, kind, name, action) })
		if len(actions) > 0 {
			granted = append(granted, access{Type: kind, Name: name, Actions: actions})
		}
	}
	return granted
}

func (s *tokenServer) allows(account, kind, name, action string) bool {
	switch account {
	case Username:
		return true
	case ReaderUsername:
		return action == "pull"
	default:
		return kind == "repository" && action == "pull" && slices.Contains(s.anonymousPull, name)
	}
}

// authorizationScheme returns the scheme of the request's Authorization field, or "".
func authorizationScheme(request *http.Request) string {
	scheme, _, _ := strings.Cut(request.Header.Get("Authorization"), " ")
	return scheme
}
