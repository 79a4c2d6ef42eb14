package entratest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// CertificatePassword opens what PKCS12 returns.
const CertificatePassword = "certificate-password-of-a-test"

// Certificate is the certificate of a service principal.
type Certificate struct {
	key  *rsa.PrivateKey
	leaf *x509.Certificate
	t    testing.TB
}

// NewCertificate makes a certificate that signs itself.
func NewCertificate(t testing.TB) *Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "entratest principal"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Certificate{key, leaf, t}
}

// Public returns the key that the fake checks assertions with.
func (c *Certificate) Public() *rsa.PublicKey { return &c.key.PublicKey }

// PEM returns the certificate with its key in the clear.
func (c *Certificate) PEM() []byte {
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.leaf.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
}

// PKCS12 returns the certificate and its key under a password, as OpenSSL 3 writes them, or with older ciphers.
func (c *Certificate) PKCS12(legacy bool) []byte {
	if legacy {
		return c.encode(pkcs12.LegacyRC2, CertificatePassword)
	}
	return c.PKCS12Under(CertificatePassword)
}

// PKCS12Under returns the certificate and its key under another password, as OpenSSL 3 writes them.
func (c *Certificate) PKCS12Under(password string) []byte {
	return c.encode(pkcs12.Modern2023, password)
}

func (c *Certificate) encode(encoder *pkcs12.Encoder, password string) []byte {
	content, err := encoder.Encode(c.key, c.leaf, nil, password)
	if err != nil {
		c.t.Fatal(err)
	}
	return content
}

// signed reports whether the assertion, a JWT, is signed with the certificate that the fake knows.
func (f *Fake) signed(assertion string) bool {
	parts := strings.Split(assertion, ".")
	if f.Key == nil || len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return err == nil && rsa.VerifyPSS(f.Key, crypto.SHA256, digest[:], signature, nil) == nil
}
