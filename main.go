// Command terraform-provider-acr serves the provider to Terraform and OpenTofu.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/acrkit/terraform-provider-acr/internal/provider"
	"github.com/acrkit/terraform-provider-acr/internal/server"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	provider.LimitMemory()
	// net/http logs what a server sends unasked on an idle connection, and that may repeat a secret.
	log.SetOutput(io.Discard)
	forDebugger := flag.Bool("debug", false, "serve for a debugger: print what TF_REATTACH_PROVIDERS must be, and stay")
	flag.Parse()
	if !*forDebugger {
		logWhatTerraformKeeps()
	}

	if err := serve(*forDebugger); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(forDebugger bool) error {
	var options []tf6server.ServeOpt
	if forDebugger {
		options = append(options, tf6server.WithManagedDebug())
	}
	return tf6server.Serve("registry.terraform.io/acrkit/acr", func() tfprotov6.ProviderServer {
		return server.New(provider.New(version))
	}, options...)
}

// logWhatTerraformKeeps sets the log level to the one at which Terraform keeps a provider's lines, TF_LOG_PROVIDER or
// else TF_LOG. The plugin libraries log at TRACE by default, and without either variable Terraform discards all of it.
// For a plan over a hundred images, that took as long as the reads themselves. A level set by TF_LOG_SDK or
// TF_LOG_PROVIDER_ACR stays. For a debugger the log goes to the terminal, so nothing is changed.
func logWhatTerraformKeeps() {
	level := cmp.Or(os.Getenv("TF_LOG_PROVIDER"), os.Getenv("TF_LOG"), "off")
	for _, variable := range []string{"TF_LOG_SDK", "TF_LOG_PROVIDER_ACR"} {
		if os.Getenv(variable) == "" {
			_ = os.Setenv(variable, level) // fails only for a malformed name
		}
	}
}
