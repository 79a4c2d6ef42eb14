// Package examples applies every configuration of the examples folder, word for word, with a real Terraform or OpenTofu.
//
// Everything that the configurations name exists: example.azurecr.io is a registry in memory behind a proxy, the acr
// provider is the real one, and the other providers are stand-ins. All providers are this test's own program, started
// under another name.
package examples

import (
	"crypto/x509"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/acrkit/terraform-provider-acr/internal/provider"
	"github.com/acrkit/terraform-provider-acr/internal/server"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// sources are the providers that the examples use.
var sources = []string{
	"acrkit/acr", "hashicorp/azurerm", "hashicorp/helm", "hashicorp/http", "hashicorp/kubernetes", "kreuzwerker/docker",
}

// authoritiesVariable names, for a provider's process, the file of the certificate authorities that it trusts.
const authoritiesVariable = "EXAMPLES_AUTHORITIES"

func TestMain(m *testing.M) {
	name, isProvider := strings.CutPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	if !isProvider {
		os.Exit(m.Run())
	}
	if err := serve(name); err != nil {
		log.Fatal(err)
	}
}

// serve runs a provider's process.
func serve(name string) error {
	authorities, err := os.ReadFile(os.Getenv(authoritiesVariable))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authorities)
	x509.SetFallbackRoots(pool) // instead of the system's, as long as GODEBUG has x509usefallbackroots=1
	if name == "acr" {
		return tf6server.Serve("registry.terraform.io/acrkit/acr", func() tfprotov6.ProviderServer {
			return server.New(provider.New("test"))
		})
	}
	return tf6server.Serve("registry.terraform.io/stand-in/"+name, func() tfprotov6.ProviderServer { return standIns[name] })
}

// providers puts this program under the name of each provider into a folder.
func providers(t *testing.T) terraform.Providers {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	all := terraform.Providers{}
	for _, source := range sources {
		if err := os.Symlink(self, filepath.Join(folder, "terraform-provider-"+filepath.Base(source))); err != nil {
			t.Fatal(err)
		}
		all[source] = folder
	}
	return all
}
