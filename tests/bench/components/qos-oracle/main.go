// Answers the requests of plimsoll-qos' eval with Kubernetes' own code: one JSON request per line on standard
// input, one JSON answer per line on standard output. The differential test compares the two.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// request has the fields of every operation.
type request struct {
	Op     string        `json:"op"`
	Value  string        `json:"value"`
	Left   string        `json:"left"`
	Right  string        `json:"right"`
	Scale  int32         `json:"scale"`
	Server string        `json:"server"`
	Pod    *v1.PodSpec   `json:"pod"`
	To     *v1.PodSpec   `json:"to"`
	Status *v1.PodStatus `json:"status"`
}

// answer is marshalled with its keys in order, as every map is.
type answer map[string]any

func main() {
	// Switching between versions is what this program does; every switch would be complained of.
	klog.SetLogger(klog.Logger{})
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "qos-oracle:", err)
		os.Exit(1)
	}
}

func run(requests io.Reader, answers io.Writer) error {
	in := bufio.NewReaderSize(requests, 1<<16)
	out := bufio.NewWriterSize(answers, 1<<16)
	encoder := json.NewEncoder(out)
	for {
		line, err := in.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := encoder.Encode(respond(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		// Whoever waits for the answer before asking again gets it.
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func respond(line []byte) answer {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return failure(err)
	}
	switch asked.Op {
	case "quantity":
		return quantity(asked.Value)
	case "arithmetic":
		return arithmetic(asked.Left, asked.Right, asked.Scale)
	}
	if asked.Pod == nil {
		return failure(fmt.Errorf("op %q without a pod", asked.Op))
	}
	if err := emulate(asked.Server); err != nil {
		return failure(err)
	}
	switch asked.Op {
	case "qosClass":
		return qosClass(asked.Pod)
	case "podRequests":
		return podRequests(asked.Pod, asked.Status)
	case "quotaUsage":
		return quotaUsage(asked.Pod)
	case "defaulted":
		return defaulted(asked.Pod)
	case "resize":
		return resize(asked.Pod, asked.To)
	default:
		return failure(fmt.Errorf("unknown op %q", asked.Op))
	}
}

func failure(err error) answer {
	return answer{"ok": false, "error": err.Error()}
}
