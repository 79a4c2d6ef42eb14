// The registry command runs the test registry by itself, with the demo's images in it, and prints what a configuration
// needs to read from it, so that someone without an Azure registry can go on from the demo. Ctrl-C ends it, and it
// leaves nothing behind.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/template"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		stop()
		os.Exit(1)
	}
}

// instructions are printed for a person: a template over the struct in [serve].
//
//go:embed instructions.txt
var instructions string

// serve runs the registry until the context ends.
func serve(ctx context.Context, w io.Writer) (err error) {
	registry, err := shop.Start()
	if err != nil {
		return err
	}
	defer registry.Close()
	folder, err := os.MkdirTemp("", "acr-registry")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	authority := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(authority, []byte(registry.CAPEM()), 0o600); err != nil {
		return err
	}
	err = template.Must(template.New("").Parse(instructions)).Execute(w, struct{ Host, Username, Password, Authority string }{
		registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, filepath.ToSlash(authority),
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
