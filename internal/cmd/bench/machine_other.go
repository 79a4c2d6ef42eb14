//go:build !linux

package main

import (
	"os"
	"time"
)

// Other systems count in other units, or not at all.

func peakOf(*os.ProcessState) int64 { return 0 }

func loadAverage() string { return "" }

func busyTime() time.Duration { return 0 }

func ownTime() time.Duration { return 0 }
