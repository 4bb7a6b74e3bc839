// Command strata-render renders Helm charts, and the templates and macros of packs, with Helm's own packages.
//
// It reads one JSON request a line from stdin and answers each with one JSON line on stdout, in order, until stdin
// ends. It needs no cluster, no network and no file: charts come as bytes, `lookup` finds what the request brings, host names
// do not resolve, references in values schemas are not fetched. A request that takes longer than its deadline ends the process.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"time"
)

// exitDeadline tells the parent that a request took too long.
const exitDeadline = 124

func main() {
	// Helm's warnings quote values, which must not reach anybody's log.
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	limitMemory()
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "strata-render: the request is not JSON")
		os.Exit(2)
	}
}

// serve answers requests until the input ends.
func serve(in io.Reader, out io.Writer) error {
	requests := json.NewDecoder(bufio.NewReaderSize(in, 1<<16))
	buffered := bufio.NewWriterSize(out, 1<<16)
	answers := json.NewEncoder(buffered)
	answers.SetEscapeHTML(false)
	for {
		var req Request
		if err := requests.Decode(&req); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(answerInTime(&req)); err != nil {
			return err
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
	}
}

// answerInTime ends the process when the request's time is over: a running template cannot be interrupted, and
// nothing else is in this process that could be lost.
func answerInTime(req *Request) Answer {
	if req.DeadlineMs > 0 {
		timer := time.AfterFunc(time.Duration(req.DeadlineMs)*time.Millisecond, func() { os.Exit(exitDeadline) })
		defer timer.Stop()
	}
	return answer(req)
}
