package dram

import (
	"fmt"
	"math"
)

// EnergyTable is what commands and standing by cost, for all devices of a
// rank of one channel. Core of the memory unless the standard's source says
// otherwise.
type EnergyTable struct {
	ActivatePJ         float64 // opening and closing a row
	ReadPJ, WritePJ    float64 // one burst, on top of standby
	RefreshAllBankPJ   float64 // on top of standby
	RefreshPerBankPJ   float64 // on top of standby; 0 where there is none
	ActiveStandbyMW    float64 // background of a rank with a row open
	PrechargeStandbyMW float64 // background of a rank with all rows closed
	// Estimated says that the figures do not follow from published currents.
	Estimated bool
	Source    string
}

// currentsFile holds supply currents in mA of one device, a list entry per
// supply rail.
type currentsFile struct {
	Source string     `toml:"source"`
	Rails  []railFile `toml:"rail"`
}

type railFile struct {
	Volts            float64 `toml:"volts"`
	ActivateCycle    float64 `toml:"idd0"`    // activate and precharge every tRC
	PrechargeStandby float64 `toml:"idd2n"`   // all rows closed
	ActiveStandby    float64 `toml:"idd3n"`   // a row open
	Read             float64 `toml:"idd4r"`   // bursts without a gap
	Write            float64 `toml:"idd4w"`   // bursts without a gap
	Refresh          float64 `toml:"idd5"`    // during tRFC
	RefreshPerBank   float64 `toml:"idd5_pb"` // during tRFCpb; default: the all-bank charge spread over the banks
	PowerDown        float64 `toml:"idd2p"`   // kept for reference, power-down is not modelled
	ActivePowerDown  float64 `toml:"idd3p"`
	SelfRefresh      float64 `toml:"idd6"`
}

// energyFile holds figures per command where no currents are published. All
// are for the devices of one rank of one channel.
type energyFile struct {
	Source             string  `toml:"source"`
	ActivateNJ         float64 `toml:"act_nj"`
	ReadPJPerBit       float64 `toml:"rd_pj_per_bit"`
	WritePJPerBit      float64 `toml:"wr_pj_per_bit"`
	RefreshNJ          float64 `toml:"refresh_nj"`
	RefreshPerBankNJ   float64 `toml:"refresh_pb_nj"`
	ActiveStandbyMW    float64 `toml:"active_standby_mw"`
	PrechargeStandbyMW float64 `toml:"precharge_standby_mw"`
}

// Bounds of a figure: beyond them an energy could not be summed.
const (
	maxMilliamperes = 1e6
	maxVolts        = 10
	maxEnergy       = 1e9
)

// figure reports a number that is not finite, negative or absurd.
func (r *reader) figure(key string, value, high float64) {
	if !(value >= 0 && value <= high) { // NaN fails as well
		r.fault(key, "", "must be from 0 to %g, not %g", high, value)
	}
}

func (r *reader) energy(file *standardFile, s *Standard) {
	switch {
	case file.Currents != nil && file.Energy != nil:
		r.fault("energy", "", "give either [energy] or [currents]")
	case file.Currents != nil:
		r.currents(file.Currents, s)
	case file.Energy != nil:
		e := file.Energy
		for _, f := range []struct {
			key   string
			value float64
		}{
			{"act_nj", e.ActivateNJ}, {"rd_pj_per_bit", e.ReadPJPerBit}, {"wr_pj_per_bit", e.WritePJPerBit},
			{"refresh_nj", e.RefreshNJ}, {"refresh_pb_nj", e.RefreshPerBankNJ},
			{"active_standby_mw", e.ActiveStandbyMW}, {"precharge_standby_mw", e.PrechargeStandbyMW},
		} {
			r.figure("energy."+f.key, f.value, maxEnergy)
		}
		bits := float64(8 * s.Organization.BytesPerAccess())
		s.Energy = EnergyTable{
			ActivatePJ: 1000 * e.ActivateNJ, ReadPJ: e.ReadPJPerBit * bits, WritePJ: e.WritePJPerBit * bits,
			RefreshAllBankPJ: 1000 * e.RefreshNJ, RefreshPerBankPJ: 1000 * e.RefreshPerBankNJ,
			ActiveStandbyMW: e.ActiveStandbyMW, PrechargeStandbyMW: e.PrechargeStandbyMW,
			Estimated: true, Source: e.Source,
		}
	default:
		r.fault("", "", "neither [currents] nor [energy]: every standard needs one of them")
	}
}

// currents computes energies from supply currents: what a command draws beyond
// standby, over its time, times the voltage, times the devices of a rank.
// A negative result, which published currents do give (IDD0 below IDD3N in
// some DDR5 tables), is a fault: such tables need [energy].
func (r *reader) currents(file *currentsFile, s *Standard) {
	if len(file.Rails) == 0 {
		r.fault("currents.rail", "", "is missing: at least one supply rail")
		return
	}
	bad := len(r.faults)
	// A channel may be a part of a device, half a 128-bit channel for example.
	devices := float64(s.Organization.BusWidth) / float64(s.Organization.DeviceWidth)
	ns := func(c Clock) float64 { return float64(c) * float64(s.ClockPicoseconds) / 1000 }
	t, e := &s.Timing, &s.Energy
	for i, rail := range file.Rails {
		key := fmt.Sprintf("currents.rail[%d].", i)
		r.figure(key+"volts", rail.Volts, maxVolts)
		for _, f := range []struct {
			key   string
			value float64
		}{
			{"idd0", rail.ActivateCycle}, {"idd2n", rail.PrechargeStandby}, {"idd3n", rail.ActiveStandby},
			{"idd4r", rail.Read}, {"idd4w", rail.Write}, {"idd5", rail.Refresh}, {"idd5_pb", rail.RefreshPerBank},
			{"idd2p", rail.PowerDown}, {"idd3p", rail.ActivePowerDown}, {"idd6", rail.SelfRefresh},
		} {
			r.figure(key+f.key, f.value, maxMilliamperes)
		}
		v := rail.Volts * devices // V x mA x ns = pJ
		e.ActivatePJ += v * (rail.ActivateCycle*ns(t.RC) - rail.ActiveStandby*ns(t.RAS) - rail.PrechargeStandby*ns(t.RC-t.RAS))
		e.ReadPJ += v * (rail.Read - rail.ActiveStandby) * ns(t.Burst)
		e.WritePJ += v * (rail.Write - rail.ActiveStandby) * ns(t.Burst)
		e.RefreshAllBankPJ += v * (rail.Refresh - rail.ActiveStandby) * ns(t.RFC)
		e.ActiveStandbyMW += v * rail.ActiveStandby
		e.PrechargeStandbyMW += v * rail.PrechargeStandby
		if t.RFCPB > 0 && rail.RefreshPerBank > 0 {
			e.RefreshPerBankPJ += v * (rail.RefreshPerBank - rail.PrechargeStandby) * ns(t.RFCPB)
		}
	}
	if t.RFCPB > 0 && e.RefreshPerBankPJ == 0 {
		e.RefreshPerBankPJ = e.RefreshAllBankPJ / float64(s.Organization.BanksPerRank())
	}
	e.Source = file.Source
	if len(r.faults) > bad {
		return
	}
	for _, f := range []struct {
		what  string
		value float64
	}{{"an activate", e.ActivatePJ}, {"a read", e.ReadPJ}, {"a write", e.WritePJ}, {"a refresh", e.RefreshAllBankPJ}, {"a per-bank refresh", e.RefreshPerBankPJ}} {
		if f.value < 0 || math.IsNaN(f.value) {
			r.fault("currents", "", "give %s the energy %.1f pJ: the standby current exceeds the one in use; use [energy] instead", f.what, f.value)
		}
	}
}

// Activity is what a channel has done, as energy needs to know it.
type Activity struct {
	Commands [commandCount]int64 // issued, by command
	Duration Clock
	// ActiveClocks is the time during which a rank had a row open, summed
	// over the ranks.
	ActiveClocks Clock
}

// Energy is a sum by cause, in picojoules.
type Energy struct{ Activate, Read, Write, Refresh, Background float64 }

// Total is all of it.
func (e Energy) Total() float64 {
	return e.Activate + e.Read + e.Write + e.Refresh + e.Background
}

// EnergyOf is what the activity of one channel costs.
func (s *Standard) EnergyOf(a *Activity) Energy {
	e := &s.Energy
	count := func(c Command) float64 { return float64(a.Commands[c]) }
	ns := func(c Clock) float64 { return float64(c) * float64(s.ClockPicoseconds) / 1000 }
	idle := a.Duration*Clock(s.Organization.Ranks) - a.ActiveClocks
	return Energy{
		Activate:   count(Activate) * e.ActivatePJ,
		Read:       (count(Read) + count(ReadAutoPrecharge)) * e.ReadPJ,
		Write:      (count(Write) + count(WriteAutoPrecharge)) * e.WritePJ,
		Refresh:    count(RefreshAllBank)*e.RefreshAllBankPJ + count(RefreshPerBank)*e.RefreshPerBankPJ,
		Background: e.ActiveStandbyMW*ns(a.ActiveClocks) + e.PrechargeStandbyMW*ns(idle), // mW x ns = pJ
	}
}
