package provider

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
)

// softLimit is the memory limit of the Go runtime, in bytes: near it, garbage is collected early. An answer that fills its
// limit is copied several times on its way to Terraform, and may take 64 MiB in all.
const softLimit = 48 << 20

// LimitMemory sets the soft limit, unless GOMEMLIMIT sets one.
func LimitMemory() { setMemoryLimit(softLimit) }

// makeRoom removes the limit before a long list is built: with the live heap above it, the collector would run without
// pause. A list is long if it has more entries than one answer can hold.
func makeRoom(entries int) {
	if entries > acr.MaxPageEntries {
		setMemoryLimit(math.MaxInt64)
	}
}

func setMemoryLimit(limit int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}
