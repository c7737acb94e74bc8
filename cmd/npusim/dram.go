package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/memsim/dram/options"
	"github.com/npusim/npusim/reports"
)

func newDRAM(t *tool) *cobra.Command {
	var memory string
	var sets []string
	var keys bool
	cmd := &cobra.Command{
		Use:   "dram TRACE --dram MEMORY [flags]",
		Short: "Simulate a trace of DRAM requests alone",
		Long: `Simulate a trace of DRAM requests at the level of banks, rows and refresh, and
print time, bandwidth, row hits, latency and energy. The trace is text, plain or
gzip; "-" is standard input. It is read as a stream. A line asks for the burst of
bytes that holds an address, at a clock of the command bus or later, in order:

  0xADDRESS READ|WRITE CLOCK

--dram names the memory: a standard with the default controller (ddr4-2400,
lpddr5-6400, ...), a preset that mimics a reference simulator (dramsim3-hbm2,
ramulator2-ddr4-3200, ...), or a TOML file of a standard of your own; the files
in memsim/dram/standards are examples.

The simulation ends when every read has returned and every write was accepted.`,
		Example: `  npusim dram testdata/dram/triad.trc --dram ddr4-2400
  npusim dram testdata/dram/triad.trc --dram ramulator2-ddr4-2400 --format json
  npusim dram testdata/dram/triad.trc --dram lpddr5-6400 --set row_policy=closed --set channels=4
  npusim dram --keys`,
		Args:              atMost(1),
		ValidArgsFunction: files("trc", "trace", "txt", "gz"),
	}
	flags := cmd.Flags()
	flags.StringVarP(&memory, "dram", "d", "", "memory: preset, standard or TOML `file`")
	flags.StringArrayVarP(&sets, "set", "s", nil, "change one `key=value` of the controller; may be repeated")
	flags.BoolVar(&keys, "keys", false, "print the table of the keys of --set, as Markdown")
	format := addFormat(cmd)
	complete(cmd, "dram", memoryNames)
	complete(cmd, "set", controllerSettings)

	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case keys && len(args) > 0:
			return usagef("--keys takes no argument")
		case keys:
			return printText(options.KeysMarkdown())
		case len(args) == 0:
			return usagef("TRACE is missing; see npusim dram --help")
		case memory == "":
			return usagef("--dram is missing: a preset, a standard or a TOML file; see npusim dram --help")
		}
		result, err := t.simulateTrace(cmd.Context(), args[0], memory, sets)
		if err != nil {
			return err
		}
		t.progress.clear()
		return answer(func(w io.Writer) error {
			if format.value == "json" {
				return reports.WriteDRAMJSON(w, result)
			}
			return reports.WriteDRAMText(w, result, reports.DetectStyle(os.Stdout))
		})
	}
	return cmd
}

// simulateTrace replays a trace on a memory.
func (t *tool) simulateTrace(ctx context.Context, path, name string, sets []string) (*reports.DRAMResult, error) {
	began := time.Now()
	memory, err := options.Load(name, sets)
	if err != nil {
		return nil, usage(err)
	}
	in, label, err := openTrace(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	reader, err := dram.NewTraceReader(label, in)
	if err != nil {
		return nil, usage(err)
	}
	trace := &watchedTrace{ctx: ctx, trace: reader, report: t.progress.report}
	stats, err := dram.Replay(memory.Standard, memory.Controller, trace, dram.ReplayOptions{})
	if err != nil {
		return nil, err
	}
	o := &memory.Standard.Organization
	if capacity := uint64(o.ChannelBytes()) * uint64(o.Channels); trace.highest >= capacity {
		t.note("the memory holds %d MiB; addresses beyond it, up to 0x%x, wrap around", capacity>>20, trace.highest)
	}
	host := reports.DRAMHost{ReadSeconds: trace.reading.Seconds(), SimulateSeconds: (stats.HostTime - trace.reading).Seconds(), WallSeconds: time.Since(began).Seconds()}
	return reports.NewDRAMResult(label, memory.Name, memory.Standard, &memory.Controller, &stats, host), nil
}

// openTrace opens a trace and gives the name that messages call it by.
func openTrace(path string) (in io.ReadCloser, label string, err error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), "standard input", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", usage(err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, "", errors.Join(usagef("%s: is a directory; a file of requests belongs there", path), f.Close())
	}
	return f, path, nil
}

// watchedTrace is a trace with progress, interruption and a clock. Its errors
// are the user's.
type watchedTrace struct {
	ctx     context.Context
	trace   dram.Trace
	report  func(stage string, done, total int)
	done    int
	shown   int
	highest uint64 // address
	reading time.Duration
}

// showEvery is the number of requests between two reports of progress.
const showEvery = 1 << 18

// Read implements dram.Trace.
func (w *watchedTrace) Read(into []dram.TraceRequest) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	began := time.Now()
	n, err := w.trace.Read(into)
	for i := range into[:n] {
		w.highest = max(w.highest, into[i].Address)
	}
	w.reading += time.Since(began)
	w.done += n
	if w.done-w.shown >= showEvery || w.shown == 0 {
		w.shown = w.done
		w.report("simulate", w.done, 0)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = usage(err)
	}
	return n, err
}

// memoryNames completes the name of a memory: built-in ones, then files.
func memoryNames(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, name := range options.Names() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// controllerSettings completes a setting of the controller: the key first,
// then the names it may take.
func controllerSettings(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return controllerCompletion(options.Keys(), prefix)
}

// controllerCompletion completes a setting of these keys.
func controllerCompletion(keys []options.Key, prefix string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, key := range keys {
		begin := key.Name + "="
		if strings.HasPrefix(prefix, begin) {
			var values []string
			for _, value := range key.Choices() {
				values = append(values, begin+value)
			}
			return values, cobra.ShellCompDirectiveNoFileComp
		}
		if strings.HasPrefix(begin, prefix) {
			list = append(list, cobra.CompletionWithDesc(begin, key.Meaning))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
