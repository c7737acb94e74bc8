// Command npusim compiles ONNX networks for a configurable neural processing
// unit, runs them bit for bit and reports accuracy, cycles, DRAM traffic and
// energy.
//
// Only flags and wiring live here, a file a verb; what a verb does is in the
// package it calls. Standard output carries the answer and nothing else, logs
// and progress go to standard error. The exit status is 0 when done, 1 when
// something failed, 2 for wrong usage or invalid input, and 128 plus the
// number of the signal after an interrupt.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interruptGrace is how long the work may take to stop after a signal.
const interruptGrace = 2 * time.Second

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	done := make(chan int, 1)
	go func() { done <- execute(ctx, os.Args[1:]) }()
	select {
	case status := <-done:
		os.Exit(status)
	case received := <-signals:
		// The next signal ends the process at once.
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel()
		interrupted := exitInterrupted
		if number, ok := received.(syscall.Signal); ok {
			interrupted = 128 + int(number)
		}
		select {
		case status := <-done:
			if status != exitInterrupted { // the work was over, one way or the other
				os.Exit(status)
			}
		case <-time.After(interruptGrace):
			fmt.Fprintln(os.Stderr, "npusim: interrupted")
		}
		os.Exit(interrupted)
	}
}
