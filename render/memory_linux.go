package main

import (
	"os"
	"strconv"
	"syscall"
)

// limitMemory makes the kernel refuse memory above STRATA_RENDER_MEMORY bytes, so that a template bomb ends this
// process and not the operator. (GOMEMLIMIT alone only makes the garbage collector work harder.)
func limitMemory() {
	limit, err := strconv.ParseUint(os.Getenv("STRATA_RENDER_MEMORY"), 10, 64)
	if err != nil {
		return
	}
	// RLIMIT_DATA counts what is writable, not what the Go runtime merely reserves.
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}
