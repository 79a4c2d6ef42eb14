// The referrers command serves an empty in-memory registry, whose code is not this project's, on a free loopback port.
// Unlike the registry of tools/registry it answers the referrers API of the OCI distribution specification 1.1.
// Its first line on standard error says "listening on HOST:PORT"; it runs until it is killed.
package main

import (
	"log"
	"net"
	"net/http"
	"time"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	server := &http.Server{
		Handler:           ociserver.New(ocimem.New(), nil),
		ReadHeaderTimeout: 10 * time.Second,
	}
	log.Fatal(server.Serve(listener))
}
