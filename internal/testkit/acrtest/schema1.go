package acrtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
)

// MediaTypeSchema1 is the signed manifest of Docker's schema 1, into which a Docker image is converted for a client
// that accepts nothing newer.
const MediaTypeSchema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

// schema1 converts an image to the old form. Its digest is that of the form without the signature, and each read is
// signed anew. So the body differs at every read, and its sha256 is never the digest in the header.
func (repo *repository) schema1(t target, m *manifest) served {
	type blobSum struct {
		BlobSum digest.Digest `json:"blobSum"`
	}
	type history struct {
		V1Compatibility string `json:"v1Compatibility"`
	}
	platform := repo.platform(m)
	unsigned := map[string]any{
		"schemaVersion": 1,
		"name":          t.name,
		"tag":           t.reference,
		"architecture":  platform.Architecture,
	}
	layers, entries := []blobSum{}, []history{}
	for _, layer := range m.parsed.Layers {
		compatibility, _ := json.Marshal(map[string]string{
			"id": digest.FromString(layer.Digest.String()).Encoded(), "os": platform.OS, "architecture": platform.Architecture,
		})
		layers = append(layers, blobSum{layer.Digest})
		entries = append(entries, history{string(compatibility)})
	}
	unsigned["fsLayers"], unsigned["history"] = layers, entries
	d := digest.FromBytes(indent(unsigned))

	signature := make([]byte, 64)
	_, _ = rand.Read(signature)
	unsigned["signatures"] = []map[string]any{{
		"header":    map[string]any{"jwk": signatureKey(), "alg": "ES256"},
		"signature": base64.RawURLEncoding.EncodeToString(signature),
		"protected": base64.RawURLEncoding.EncodeToString([]byte(`{"formatTail":"Cn0"}`)),
	}}
	return served{MediaTypeSchema1, d, indent(unsigned)}
}

// signatureKey is the public key that a signature names, as a JSON Web Key (RFC 7517) with the identifier of Docker's
// libtrust. The registry always used a temporary key, with which nobody could verify anything.
var signatureKey = sync.OnceValue(func() map[string]string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("acrtest: making a key for schema 1: " + err.Error())
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic("acrtest: encoding the key for schema 1: " + err.Error())
	}
	sum := sha256.Sum256(public)
	var groups []string
	for group := range slices.Chunk([]byte(base32.StdEncoding.EncodeToString(sum[:30])), 4) {
		groups = append(groups, string(group))
	}
	// The key ends in its point: 32 bytes of x and 32 of y.
	x, y := public[len(public)-64:len(public)-32], public[len(public)-32:]
	return map[string]string{
		"kty": "EC", "crv": "P-256", "kid": strings.Join(groups, ":"),
		"x": base64.RawURLEncoding.EncodeToString(x), "y": base64.RawURLEncoding.EncodeToString(y),
	}
})

func indent(value any) []byte {
	body, err := json.MarshalIndent(value, "", "   ")
	if err != nil {
		panic("acrtest: encoding a schema 1 manifest: " + err.Error())
	}
	return body
}
