package provider

import (
	"math"
	"os"
	"runtime/debug"
)

// memory is what the runtime is asked to keep to, in bytes: beyond it, garbage is collected as soon as it falls. An
// answer that fills its limit is copied several times on its way to Terraform, and may take 64 MiB in all.
const memory = 48 << 20

// LimitMemory sets that soft limit, where the user has set none by GOMEMLIMIT.
func LimitMemory() { setMemoryLimit(memory) }

// makeRoom lifts it for a list of more entries than one answer may hold: below what is in use, a limit would but keep the
// collector busy.
func makeRoom(entries int) {
	if entries > 10_000 {
		setMemoryLimit(math.MaxInt64)
	}
}

func setMemoryLimit(limit int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}
