// Command actor is what runs in the pods of a recorded scenario: it does what its environment tells it.
//
// As `actor pause` it does nothing until it is told to end, which is all that a pod's sandbox needs.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	// After SIGTERM it leaves at once, and cleanly.
	ends, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	if len(os.Args) > 1 && os.Args[1] == "pause" {
		<-ends.Done()
		return
	}
	if text, is := os.LookupEnv("SAYS"); is {
		fmt.Println(text)
	}
	if span, is := duration("EXIT_AFTER"); is {
		time.AfterFunc(span, func() { os.Exit(number("EXIT_CODE")) })
	}
	if span, is := duration("ALLOCATE_AFTER"); is {
		time.AfterFunc(span, allocate)
	}
	if span, is := duration("FILL_AFTER"); is {
		time.AfterFunc(span, fill)
	}
	if os.Getenv("STAYS") != "" {
		// It does not hear of SIGTERM.
		signal.Ignore(syscall.SIGTERM)
		ends = context.Background()
	}
	go serve()
	<-ends.Done()
	if span, is := duration("LEAVES_AFTER"); is {
		time.Sleep(span)
	}
	os.Exit(number("LEAVES_WITH"))
}

// serve answers /ready as the phases say, and everything else with 200.
func serve() {
	if span, is := duration("LISTENS_AFTER"); is {
		time.Sleep(span)
	}
	started := time.Now()
	hangs, hanging := duration("HANGS_AFTER")
	var ready atomic.Bool
	go phases(&ready)
	handler := func(writer http.ResponseWriter, request *http.Request) {
		if hanging && time.Since(started) >= hangs {
			<-request.Context().Done()
			return
		}
		if request.URL.Path == "/ready" && !ready.Load() {
			writer.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		// Another container of the pod listens there already.
		return
	}
	panic(http.Serve(listener, http.HandlerFunc(handler)))
}

// phases makes it ready and not in turn, READY="0s" from the start on, "5s 3s" after 5 s for 3 s, "never" not.
func phases(ready *atomic.Bool) {
	text, is := os.LookupEnv("READY")
	if text == "never" {
		return
	}
	if !is {
		text = "0s"
	}
	for _, span := range strings.Fields(text) {
		time.Sleep(parse(span))
		ready.Store(!ready.Load())
	}
}

// allocate takes memory and writes to it until somebody ends that.
func allocate() {
	var held [][]byte
	for {
		block := make([]byte, 4<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
	}
}

// fill writes FILL_MIB mebibytes to FILL_FILE.
func fill() {
	file, err := os.Create(os.Getenv("FILL_FILE"))
	if err != nil {
		panic(err)
	}
	block := make([]byte, 1<<20)
	for range number("FILL_MIB") {
		if _, err := file.Write(block); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
	}
}

func duration(name string) (time.Duration, bool) {
	text, is := os.LookupEnv(name)
	if !is {
		return 0, false
	}
	return parse(text), true
}

func parse(text string) time.Duration {
	span, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return span
}

func number(name string) int {
	value, _ := strconv.Atoi(os.Getenv(name))
	return value
}
