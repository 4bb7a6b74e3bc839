package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

const (
	maxUnpacked = 100 << 20
	maxEntries  = 10_000
	maxRatio    = 100
	// freeUnpacked may be reached at any ratio: small charts of repetitive YAML compress very well.
	freeUnpacked = 10 << 20
)

// checkArchive refuses what no chart needs before Helm's loader allocates anything for it: bombs, entries that are neither
// files nor folders, and files of one name, of which another reader of the same archive would see the other. Charts inside the chart are bounded by the memory limit of the process.
func checkArchive(packed []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return errors.New("the package is not a gzip archive")
	}
	counted := &counter{in: unzipped, limit: min(maxUnpacked, max(freeUnpacked, int64(len(packed))*maxRatio))}
	entries := tar.NewReader(counted)
	names := map[string]string{}
	for n := 0; ; n++ {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errTooLarge) {
			return err
		}
		if err != nil {
			return errors.New("the package is not a complete tar archive")
		}
		if n >= maxEntries {
			return fmt.Errorf("the package has more than %d files", maxEntries)
		}
		switch header.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader, tar.TypeXHeader:
		case tar.TypeReg:
			// Some file systems hold names for the same that differ in letters' case.
			name := strings.ToLower(path.Clean(header.Name))
			if twin, isThere := names[name]; isThere {
				return fmt.Errorf("the package holds one file twice, %q and %q: some programs see only one of them", twin, header.Name)
			}
			names[name] = header.Name
		default:
			return fmt.Errorf("the package holds a link or a device, %q: only files and folders are allowed", header.Name)
		}
	}
}

var errTooLarge = errors.New("the package unpacks to more than is allowed (100 MiB, and 100 times its packed size)")

// counter fails when more was read than its limit.
type counter struct {
	in    io.Reader
	read  int64
	limit int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.read += int64(n)
	if c.read > c.limit {
		return n, errTooLarge
	}
	return n, err
}
