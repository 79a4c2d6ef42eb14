package acrtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"

	digest "github.com/opencontainers/go-digest"
)

// MediaTypeSchema1 is the signed manifest of Docker's schema 1, which a Docker
// image is turned into for a client that accepts nothing newer.
const MediaTypeSchema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

// schema1 turns an image into the old form. The digest is that of the form
// without its signature, and each read is signed anew: so the body differs at
// every read and its sha256 is never the digest of the header.
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
		"header":    map[string]string{"alg": "ES256"},
		"signature": base64.RawURLEncoding.EncodeToString(signature),
		"protected": base64.RawURLEncoding.EncodeToString([]byte(`{"formatTail":"Cn0"}`)),
	}}
	return served{MediaTypeSchema1, d, indent(unsigned)}
}

func indent(value any) []byte {
	body, err := json.MarshalIndent(value, "", "   ")
	if err != nil {
		panic("acrtest: encoding a schema 1 manifest: " + err.Error())
	}
	return body
}
