//go:build !linux

package main

// limitMemory can do nothing here: only GOMEMLIMIT holds.
func limitMemory() {}
