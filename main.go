// Command terraform-provider-acr serves the provider to Terraform and OpenTofu.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/acrkit/terraform-provider-acr/internal/provider"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger: print what TF_REATTACH_PROVIDERS must be, and stay")
	flag.Parse()

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/acrkit/acr",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
