package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/npu/evaluate"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// tool is one execution of the command line.
type tool struct {
	quiet, verbose bool
	command        string // as messages call it
	running        bool   // the command line was in order and the verb runs
	progress       progress
}

// usageError marks an error as one of the command line or the input.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage marks an error, if there is one, as the user's.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// usagef makes an error of the command line or the input.
func usagef(format string, arguments ...any) error {
	return usageError{fmt.Errorf(format, arguments...)}
}

// execute runs a command line and returns the exit status.
func execute(ctx context.Context, args []string) int {
	t := &tool{command: "npusim"}
	return t.guard(os.Stderr, func() error { return t.run(ctx, args) })
}

// run reads a command line and runs its verb.
func (t *tool) run(ctx context.Context, args []string) error {
	root := newRoot(t)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	t.command = cmd.CommandPath()
	return err
}

// guard runs work, tells what went wrong on stderr and returns the exit
// status. A panic is a fault of the program and is reported as such.
func (t *tool) guard(stderr io.Writer, work func() error) (status int) {
	defer func() {
		if fault := recover(); fault != nil {
			t.progress.clear()
			t.internalError(stderr, fault, debug.Stack())
			status = exitFailed
		}
	}()
	err := work()
	t.progress.clear()
	if err == nil {
		return exitDone
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(stderr, "%s: interrupted\n", t.command)
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "%s: %s\n", t.command, plain(err))
	var ours usageError
	var theirs *evaluate.UsageError
	if !t.running || errors.As(err, &ours) || errors.As(err, &theirs) {
		return exitUsage
	}
	return exitFailed
}

func (t *tool) internalError(w io.Writer, fault any, stack []byte) {
	fmt.Fprintf(w, `%s: internal error%s: %v
This is a fault of npusim, not of your input. Please report it at
https://github.com/npusim/npusim/issues with the command line and the text below.

%s

%s`, t.command, t.progress.during(), fault, strings.Join(versionLines(), "\n"), stack)
}

// newRoot builds the command tree.
func newRoot(t *tool) *cobra.Command {
	cobra.EnableCommandSorting = false // verbs stand in the order of use
	root := &cobra.Command{
		Use:   "npusim",
		Short: "Compile ONNX networks for a neural processing unit and simulate it",
		Long: `npusim compiles an ONNX network for a configurable neural processing unit (NPU),
runs the program bit for bit, and reports accuracy, cycles, DRAM traffic and
energy.

Exit status: 0 done, 1 failed, 2 wrong usage or invalid input.`,
		Example: `  npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml
  npusim configs`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(os.Stderr, cmd.UsageString()+"\n")
			return usagef("a verb is missing")
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if t.quiet && t.verbose {
				return usagef("--quiet and --verbose exclude each other")
			}
			t.startLog()
			return nil
		},
		Version: evaluate.Version(),
	}
	// A bare npusim runs nothing, so its usage does not mention that form.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable .HasParent}}", 1))
	flags := root.PersistentFlags()
	flags.BoolVarP(&t.quiet, "quiet", "q", false, "print neither progress nor notes on standard error")
	flags.BoolVarP(&t.verbose, "verbose", "v", false, "log every step on standard error")
	root.Flags().Bool("version", false, "print the version, that of Go, and the kernels in use")
	root.SetVersionTemplate(strings.Join(versionLines(), "\n") + "\n")
	root.SetHelpCommand(newHelp())
	root.CompletionOptions.DisableDefaultCmd = true // ours has examples
	root.SetFlagErrorFunc(flagError)
	for _, verb := range []*cobra.Command{
		newRun(t), newExplore(t), newCompile(t), newAsm(), newDisasm(), newVerify(),
		newDRAM(t), newEncode(t), newConfigs(), newOps(), newExportShapes(t), newReport(), newCompare(t), newExplain(), newCompletion(), newVersion(),
	} {
		run := verb.RunE
		verb.RunE = func(cmd *cobra.Command, args []string) error {
			t.command, t.running = cmd.CommandPath(), true
			return run(cmd, args)
		}
		verb.DisableFlagsInUseLine = true
		root.AddCommand(verb)
	}
	return root
}

// startLog sends the program's log to standard error.
func (t *tool) startLog() {
	level := slog.LevelWarn
	switch {
	case t.verbose:
		level = slog.LevelDebug
	case t.quiet:
		level = slog.LevelError
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	t.progress.start(t.quiet, t.verbose)
}

// note tells something beside the answer.
func (t *tool) note(format string, arguments ...any) {
	if !t.quiet {
		fmt.Fprintf(os.Stderr, t.command+": "+format+"\n", arguments...)
	}
}

// answer writes to standard output, buffered. What cannot be written is an
// error.
func answer(write func(w io.Writer) error) error {
	b := bufio.NewWriter(os.Stdout)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}
