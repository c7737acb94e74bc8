package options

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/memsim/dram"
)

func standard(t testing.TB, name string, channels int) *dram.Standard {
	t.Helper()
	s, err := dram.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.WithChannels(channels); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConfigure(t *testing.T) {
	s := standard(t, "hbm2", 4)
	same, err := Configure("here", s, dram.DefaultController(), nil)
	if diff := cmp.Diff(dram.DefaultController(), same); diff != "" || err != nil {
		t.Errorf("no settings change the controller: %s, %v", diff, err)
	}
	want := dram.DefaultController()
	want.RowPolicy, want.Refresh, want.ReadEntries, want.AddressMap = dram.ClosedRow, dram.BanksInTurn, 8, "robabgracoch"
	got, err := Configure("here", s, dram.DefaultController(), []string{"row_policy=open", "refresh=per-bank", "read_entries = 8", "address_map=robabgracoch", "row_policy=closed"})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
	queues, err := Configure("here", s, dram.DefaultController(), []string{"bank_entries=4", "scheduling=bank-queues"})
	if err != nil || queues.Scheduling != dram.BankQueues || queues.BankEntries != 4 {
		t.Errorf("a change of scheduling: %+v, %v", queues, err)
	}
}

func TestConfigureRefuses(t *testing.T) {
	s := standard(t, "ddr4-2400", 2)
	for _, c := range []struct {
		sets []string
		want strict.Faults
	}{
		{[]string{"row_polcy=open", "channels=2", "row_policy=open", "issue_width=1", "idle_writes=2", "tcl=3"}, strict.Faults{
			{File: "here", Key: `"row_polcy=open"`, Rule: "unknown key", Nearest: "row_policy"},
			{File: "here", Key: `"channels=2"`, Rule: "the number of channels is dram.channels"},
			{File: "here", Key: `"issue_width=1"`, Rule: "is for traces: a run sends requests as its DMA units do"},
			{File: "here", Key: `"idle_writes=2"`, Rule: "is for traces: a run waits for its writes, which are drained to the last one"},
			{File: "here", Key: `"tcl=3"`, Rule: "unknown key; npusim dram --keys lists them. Timings and organization belong to a standard: dram.standard"},
		}},
		{[]string{"row_policy"}, strict.Faults{{File: "here", Key: `"row_policy"`, Rule: "must have the form key=value"}}},
		{[]string{"row_timeout_clocks=9"}, strict.Faults{{File: "here", Key: `"row_timeout_clocks"`, Rule: "acts with row_policy=timeout only"}}},
		{[]string{"refresh=per-bank"}, strict.Faults{{File: "here", Key: `"refresh=per-bank"`, Rule: "ddr4-2400 has no refresh of single banks (refi_pb, rfc_pb)"}}},
	} {
		_, err := Configure("here", s, dram.DefaultController(), c.sets)
		var faults strict.Faults
		if !errors.As(err, &faults) {
			t.Errorf("%q: %v", c.sets, err)
			continue
		}
		if diff := cmp.Diff(c.want, faults); diff != "" {
			t.Errorf("%q: %s", c.sets, diff)
		}
	}
	if _, err := Configure("here", s, dram.DefaultController(), []string{"address_map=roro"}); err == nil {
		t.Error("an address map without banks is accepted")
	}
}

// What Configure accepts makes a memory.
func FuzzConfigure(f *testing.F) {
	for _, text := range []string{"row_policy=closed", "address_map=ro2bgbarococh", "scheduling=bank-queues", "write_high=0.1", "=", "hash_banks=true", "read_entries=4096", "write_low=-0"} {
		f.Add(text, "refresh=per-bank")
	}
	s := standard(f, "lpddr5-6400", 2)
	f.Fuzz(func(t *testing.T, a, b string) {
		c, err := Configure("here", s, dram.DefaultController(), []string{a, b})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a text")
			}
			return
		}
		if _, err := dram.NewMemory(s, c, 2); err != nil {
			t.Fatalf("%q, %q are accepted but make no memory: %v", a, b, err)
		}
	})
}
