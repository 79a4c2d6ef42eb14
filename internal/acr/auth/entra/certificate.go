package entra

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// certificateCredential signs a service principal in with a certificate and its key.
type certificateCredential struct {
	application
	certificates []*x509.Certificate
	key          crypto.PrivateKey
	password     secret.Text
}

func (s settings) certificate(attribute string) (kind, error) {
	found, content, err := s.certificateContent()
	if err != nil {
		return nil, err
	}
	inBlock := s.block.ClientCertificatePassword
	password := s.untrimmed(s.find("client_certificate_password", inBlock), inBlock)
	c := certificateCredential{password: password.Text}
	c.certificates, c.key, err = parseCertificate(content, password.Reveal())
	switch {
	case errors.Is(err, errPassword) && password.IsZero():
		return nil, fault.Missing(password.attribute, "is not set, and the certificate is encrypted")
	case errors.Is(err, errPassword) && strings.TrimSpace(password.Reveal()) != password.Reveal():
		return nil, password.invalid("does not open the certificate; it begins or ends with white space, such as a line break, which counts")
	case errors.Is(err, errPassword):
		return nil, password.invalid("does not open the certificate")
	case err != nil:
		return nil, found.invalid("%s", err)
	}
	c.application, err = s.application(attribute)
	return c, err
}

// certificateContent returns the certificate's bytes, from the file that the block names, or else from the environment.
// As with azurerm, ARM_CLIENT_CERTIFICATE comes before the file that a variable names.
func (s settings) certificateContent() (value, []byte, error) {
	path := s.find("client_certificate_path", secret.New(s.block.ClientCertificatePath))
	inline := s.variable("client_certificate_path", certificateVariable)
	if !inline.IsZero() && (path.IsZero() || path.variable != "") {
		content, err := base64.StdEncoding.DecodeString(inline.Reveal())
		if err != nil {
			return value{}, nil, inline.invalid("is not base64")
		}
		return inline, content, nil
	}
	content, err := readFile(path.Reveal(), maxCertificate)
	if err != nil {
		return value{}, nil, path.invalid("%s", err)
	}
	return path, content, nil
}

// errPassword is returned for a certificate that the password does not open.
var errPassword = errors.New("the password is wrong")

// errKey is returned for a key without its certificate, or one that cannot sign for Entra ID.
var errKey = errors.New("holds no certificate that belongs to its private key, or a key that is not RSA, the only one that Entra ID takes")

// parseCertificate parses PEM, with the key in the clear, or PKCS#12. azidentity's own parser of PKCS#12 knows only the
// ciphers from before 2022, which OpenSSL 3 and Azure Key Vault may not use.
func parseCertificate(content []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	var certificates []*x509.Certificate
	var key crypto.PrivateKey
	if bytes.Contains(content, []byte("-----BEGIN ")) {
		if bytes.Contains(content, []byte("-----BEGIN ENCRYPTED")) || bytes.Contains(content, []byte("4,ENCRYPTED")) { // PKCS#8, RFC 1421
			return nil, nil, errors.New("holds an encrypted PEM key, which is not read: PKCS#12 can be encrypted, PEM cannot")
		}
		if bytes.Contains(content, []byte("-----BEGIN EC ")) {
			return nil, nil, errKey
		}
		var err error
		if certificates, key, err = azidentity.ParseCertificates(content, nil); err != nil {
			return nil, nil, errors.New("contains no PEM certificate with its private key")
		}
	} else {
		private, leaf, chain, err := pkcs12.DecodeChain(withoutTrail(content), password)
		if errors.Is(err, pkcs12.ErrIncorrectPassword) {
			return nil, nil, errPassword
		}
		if err != nil {
			return nil, nil, errors.New("holds neither PEM nor PKCS#12 with a certificate and its private key")
		}
		certificates, key = append([]*x509.Certificate{leaf}, chain...), private
	}
	if private, ok := key.(*rsa.PrivateKey); !ok || !signedFor(certificates, private) {
		return nil, nil, errKey
	}
	return certificates, key, nil
}

// withoutTrail returns DER without what follows it, such as a line break.
func withoutTrail(content []byte) []byte {
	var whole asn1.RawValue
	if _, err := asn1.Unmarshal(content, &whole); err != nil {
		return content
	}
	return whole.FullBytes
}

// signedFor reports whether one of the certificates belongs to the key.
func signedFor(certificates []*x509.Certificate, key *rsa.PrivateKey) bool {
	for _, c := range certificates {
		if key.PublicKey.Equal(c.PublicKey) {
			return true
		}
	}
	return false
}

func (c certificateCredential) credential(_ context.Context, _ Connection, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	return azidentity.NewClientCertificateCredential(c.tenantID, c.clientID, c.certificates, c.key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: c.at(options), DisableInstanceDiscovery: true,
	})
}

func (c certificateCredential) secrets() []secret.Text { return []secret.Text{c.password} }

func (c certificateCredential) String() string { return c.with("a client certificate") }
