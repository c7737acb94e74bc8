package dram

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// referenceCase is what a reference simulator reports for a trace.
type referenceCase struct {
	preset, trace                     string
	issueWidth                        int
	requests, cycles, reads, writes   int64
	writeCommands, rowHits, activates int64
	refreshes                         int64
	latency                           float64
}

func referenceCases(t testing.TB) []referenceCase {
	t.Helper()
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []referenceCase
	for _, row := range rows[1:] {
		n := make([]int64, 11)
		for i := 2; i < 11; i++ {
			if n[i], err = strconv.ParseInt(row[i], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		latency, err := strconv.ParseFloat(row[11], 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, referenceCase{row[0], row[1], int(n[2]), n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], latency})
	}
	return list
}

func percent(got, want float64) float64 {
	if want == 0 {
		return 100 * (got - want)
	}
	return 100 * (got - want) / want
}

// TestAgainstReferenceSimulators replays every dev trace on every preset, each
// with the checker over all commands. The limits: time within 3 %, reads and
// writes served equal, activates within 2 % or 20, row hits within 2 %, average
// read latency within 10 % on paced and row-conflict traces and 20 % elsewhere.
// What is reached is equality; the limits stand for changes to come.
func TestAgainstReferenceSimulators(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	fmt.Fprintf(&table, "%-26s %-11s %9s %7s %7s %7s %7s %9s\n", "preset", "trace", "cycles", "time%", "acts%", "hits%", "lat%", "refreshes")
	for k, c := range referenceCases(t) {
		if (testing.Short() || raceEnabled) && k%7 != 0 {
			continue
		}
		preset, ok := FindPreset(c.preset)
		if !ok {
			t.Fatalf("no preset %s", c.preset)
		}
		s, err := Load(preset.Standard)
		if err != nil {
			t.Fatal(err)
		}
		if preset.Controller.IssueWidth != c.issueWidth {
			t.Errorf("%s: issue width %d, the reference has %d", c.preset, preset.Controller.IssueWidth, c.issueWidth)
		}
		trace := validationTrace(t, c.trace, int(c.requests), uint64(s.Organization.BytesPerAccess()))
		stats, err := Replay(s, preset.Controller, trace, ReplayOptions{Log: checked(t, s)})
		if err != nil {
			t.Fatal(err)
		}
		time := percent(float64(stats.Cycles), float64(c.cycles))
		activates := percent(float64(stats.Activates()), float64(c.activates))
		hits := percent(float64(stats.RowHits), float64(c.rowHits))
		latency := percent(stats.AverageReadLatency(), c.latency)
		fmt.Fprintf(&table, "%-26s %-11s %9d %7.3f %7.3f %7.3f %7.3f %4d/%4d\n", c.preset, c.trace, stats.Cycles, time, activates, hits, latency, stats.Refreshes(), c.refreshes)
		limit := 20.0
		if c.trace == "paced_seq" || c.trace == "stride_64k" {
			limit = 10
		}
		for _, rule := range []struct {
			broken bool
			what   string
		}{
			{math.Abs(time) > 3, "time"},
			{stats.Reads != c.reads || stats.WriteCommands() != c.writeCommands, fmt.Sprintf("%d reads and %d writes served instead of %d and %d", stats.Reads, stats.WriteCommands(), c.reads, c.writeCommands)},
			{math.Abs(activates) > 2 && math.Abs(float64(stats.Activates()-c.activates)) > 20, "activates"},
			{math.Abs(hits) > 2, "row hits"},
			{math.Abs(latency) > limit, "latency"},
		} {
			if rule.broken {
				t.Errorf("%s, %s: %s", c.preset, c.trace, rule.what)
			}
		}
	}
	t.Log("\n" + table.String())
}

// checked returns a log that verifies every command against the constraint
// table.
func checked(t testing.TB, s *Standard) func(int, Command, Address, Clock) {
	checkers := make([]*Checker, s.Organization.Channels)
	for k := range checkers {
		checkers[k] = NewChecker(s)
	}
	failed := false
	return func(channel int, cmd Command, a Address, at Clock) {
		if err := checkers[channel].Check(cmd, a, at); err != nil && !failed {
			failed = true
			t.Errorf("%s, channel %d: %v", s.Name, channel, err)
		}
	}
}
