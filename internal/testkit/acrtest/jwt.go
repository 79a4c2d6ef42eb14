package acrtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// claims are the claims that Azure Container Registry puts into a token. Times are seconds since 1970 (RFC 7519 section
// 2).
type claims struct {
	ID          string       `json:"jti"`
	Subject     string       `json:"sub"`
	NotBefore   int64        `json:"nbf"`
	Expires     int64        `json:"exp"`
	IssuedAt    int64        `json:"iat"`
	Issuer      string       `json:"iss"`
	Audience    string       `json:"aud"`
	Version     string       `json:"version"`
	Registry    string       `json:"rid"`
	Access      []permission `json:"access,omitzero"`       // of an access token
	Permissions *permissions `json:"permissions,omitempty"` // of a refresh token
	Roles       []string     `json:"roles"`
	GrantType   string       `json:"grant_type"`
}

// registryID is the rid claim. It has no meaning for a client.
const registryID = "00000000000000000000000000000001"

// What is wrong with a token.
var (
	errMalformedToken = errors.New("malformed token")
	errSignature      = errors.New("the token's signature does not verify")
	errAudience       = errors.New("the token is for another audience")
	errTime           = errors.New("the token is not valid at this time")
	errRevoked        = errors.New("the token is revoked")
	errUnknownToken   = errors.New("the token was not issued here")
)

// signingKey is made once for the process: 2048 bits take long to generate.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("making the token key: %v", err))
	}
	return key
})

// tokens issues and verifies the tokens of one registry.
type tokens struct {
	mu      sync.Mutex
	live    []string          // the ids of the tokens issued since the last revoke
	revoked map[string]bool   // by id
	opaque  map[string]claims // by the token itself, for tokens that are no JWT
}

func (t *tokens) issue(c claims, opaque bool) string {
	token := opaquePrefix + c.ID
	if !opaque {
		token = sign(c)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = append(t.live, c.ID)
	if opaque {
		if t.opaque == nil {
			t.opaque = map[string]claims{}
		}
		t.opaque[token] = c
	}
	return token
}

const opaquePrefix = "acrtest-opaque-"

func (t *tokens) revoke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.revoked == nil {
		t.revoked = map[string]bool{}
	}
	for _, id := range t.live {
		t.revoked[id] = true
	}
	t.live = nil
}

// verify checks everything but the scope.
func (t *tokens) verify(token, audience string, now time.Time) (claims, error) {
	c, err := t.read(token)
	switch {
	case err != nil:
		return claims{}, err
	case c.Audience != audience:
		return claims{}, errAudience
	case now.Unix() < c.NotBefore || now.Unix() >= c.Expires:
		return claims{}, errTime
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.revoked[c.ID] {
		return claims{}, errRevoked
	}
	return c, nil
}

func (t *tokens) read(token string) (claims, error) {
	if !strings.HasPrefix(token, opaquePrefix) {
		return verifySignature(token)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c, known := t.opaque[token]
	if !known {
		return claims{}, errUnknownToken
	}
	return c, nil
}

// jwtHeader is on every token. Verifying never looks at it: the algorithm is
// the registry's own, so that no token can choose another (RFC 8725 section 3.1).
var jwtHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"ACRT:EST0"}`))

// sign makes a JWT (RFC 7519) with RS256 (RFC 7518 section 3.3).
func sign(c claims) string {
	payload, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("encoding a token's claims: %v", err))
	}
	signed := jwtHeader + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, signingKey(), crypto.SHA256, sum[:])
	if err != nil {
		panic(fmt.Sprintf("signing a token: %v", err))
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func verifySignature(token string) (claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, errMalformedToken
	}
	payload, payloadErr := base64.RawURLEncoding.DecodeString(parts[1])
	signature, signatureErr := base64.RawURLEncoding.DecodeString(parts[2])
	if payloadErr != nil || signatureErr != nil {
		return claims{}, errMalformedToken
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&signingKey().PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return claims{}, errSignature
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil {
		return claims{}, errMalformedToken
	}
	return c, nil
}
