package cost

import "github.com/npusim/npusim/isa"

// Lookup is the time of a tile on the LUT-GEMM unit. The unit holds a set of
// Tables tables while it builds the next set. A set has the tables of as many
// sub-vectors as the tile has and the unit holds, of as many pixels as fit
// beside each other; a key that is read serves all pixels of a set. For each
// set of a sub-vectors and p pixels, with R rows, q planes and g parts of
// groups:
//
//	build: a*p tables of 2^mu + mu - 2 additions (2^(mu-1) + mu - 2 with
//	    symmetry), Adders a cycle
//	query: a*p*R*q queries, Lanes a cycle; but each table has Ports a cycle for
//	    its R*q queries, and what that exceeds the lanes' time by is Bank
//	scale: p*R*q*g sums, ScaleLanes a cycle, beside the queries
//
// The first build is Fill; so is what the build of a later set takes longer
// than the queries of the one before it. Sums of a set are added to the
// accumulators, all planes at once. Patches are lowered on the fly: each input
// of a pixel is read once for all rows.
func (m *Machine) Lookup(t *isa.LookupTile) Operation {
	rows, planes := int64(t.OutputChannels), int64(t.Planes)
	pixels := int64(t.OutputRows) * int64(t.OutputColumns)
	keys := int64(t.Keys())
	depth := min(keys, m.Tables)                 // sub-vectors of a set
	width := min(max(m.Tables/depth, 1), pixels) // pixels of a set
	additions := m.additions(t)
	var o Operation
	sets := ceilDivide(keys, depth)
	passes := ceilDivide(pixels, width)
	previous := int64(-1) // time of the queries of the set before; none yet
	charge := func(times, width, depth, groups int64) {
		if times == 0 {
			return
		}
		build := ceilDivide(depth*width*additions, m.Adders)
		busy, conflict := m.queries(t, depth, width, groups)
		o.Compute += times * (busy - conflict)
		o.Bank += times * conflict
		o.LookupBuilds += times * depth * width * additions
		o.LookupQueries += times * depth * width * rows * planes
		o.LookupScales += times * width * rows * planes * groups
		if previous < 0 {
			o.Fill += build
		} else {
			o.Fill += max(0, build-previous)
		}
		o.Fill += (times - 1) * max(0, build-busy)
		previous = busy
	}
	pass := func(width int64) {
		if t.Group == 0 { // all full sets alike
			charge(keys/depth, width, depth, 1)
			if rest := keys % depth; rest > 0 {
				charge(1, width, rest, 1)
			}
			return
		}
		group, end := 0, int64(t.GroupEnd(0))
		for first := int64(0); first < keys; first += depth {
			last := min(first+depth, keys)
			parts := int64(1)
			for end < last {
				group++
				end = int64(t.GroupEnd(group))
				parts++
			}
			if end == last && last < keys {
				group++
				end = int64(t.GroupEnd(group))
			}
			charge(1, width, last-first, parts)
		}
	}
	whole := pixels / width
	if whole > 0 {
		pass(width)
		if whole > 1 { // later passes start from a set that hides their build
			first := o
			pass(width)
			o.repeat(&first, whole-1)
		}
	}
	if rest := pixels % width; rest > 0 {
		pass(rest)
	}
	o.ActivationRead = pixels * int64(t.Columns())
	o.WeightRead = passes * int64(t.KeyBytes()+t.ScaleBytes())
	sums := 4 * rows * pixels
	o.AccumulatorRead, o.AccumulatorWrite = sets*sums, sets*sums
	if t.First {
		o.AccumulatorRead -= sums
	}
	if t.Last {
		o.AccumulatorWrite -= sums
		o.Requantizations = rows * pixels
		o.ActivationWritten = rows * pixels
	}
	if t.First || t.Last {
		o.WeightRead += int64(isa.ParameterBytes(int(rows), t.Mode))
	}
	m.stretchQueries(&o)
	return o
}

// additions is how many build a table.
func (m *Machine) additions(t *isa.LookupTile) int64 {
	entries := int64(1) << t.Mu
	if m.Symmetric {
		entries /= 2
	}
	return entries + int64(t.Mu) - 2
}

// queries is the time of querying and scaling a set of tables, depth sub-vectors
// of width pixels, and how much of it is conflicts of ports.
func (m *Machine) queries(t *isa.LookupTile, depth, width, groups int64) (busy, conflict int64) {
	reads := int64(t.OutputChannels) * int64(t.Planes)
	lanes := ceilDivide(depth*width*reads, max(m.QueryLanes, 1))
	conflict = max(0, ceilDivide(reads, m.TablePorts)-lanes)
	return max(lanes+conflict, ceilDivide(width*reads*groups, m.ScaleLanes)), conflict
}

// stretchQueries is stretch for operations whose Bank part holds conflicts of
// the ports of tables: those of scratchpads wait beside them.
func (m *Machine) stretchQueries(o *Operation) {
	conflicts := o.Bank
	o.Compute += conflicts
	m.stretch(o)
	o.Compute -= conflicts
	o.Bank += conflicts
}

// BuildTables is the time of building the tables of a tile, Adders additions a
// cycle.
func (m *Machine) BuildTables(t *isa.LookupTile) Operation {
	o := Operation{LookupBuilds: int64(t.Tables()) * m.additions(t)}
	o.Compute = ceilDivide(o.LookupBuilds, m.Adders)
	o.ActivationRead = int64(t.OutputRows) * int64(t.OutputColumns) * int64(t.Columns())
	m.stretch(&o)
	return o
}

// QueryTables is the time of a tile whose tables have been built: that of the
// queries of a single set in Lookup. A key serves all pixels.
func (m *Machine) QueryTables(t *isa.LookupTile) Operation {
	rows, planes := int64(t.OutputChannels), int64(t.Planes)
	pixels := int64(t.OutputRows) * int64(t.OutputColumns)
	busy, conflict := m.queries(t, int64(t.Keys()), pixels, int64(t.Groups()))
	o := Operation{
		Compute: busy - conflict, Bank: conflict,
		LookupQueries: int64(t.Tables()) * rows * planes,
		LookupScales:  pixels * rows * planes * int64(t.Groups()),
		WeightRead:    int64(t.KeyBytes() + t.ScaleBytes()),
	}
	sums := 4 * rows * pixels
	if !t.First {
		o.AccumulatorRead = sums
	}
	if t.Last {
		o.Requantizations, o.ActivationWritten = rows*pixels, rows*pixels
	} else {
		o.AccumulatorWrite = sums
	}
	if t.First || t.Last {
		o.WeightRead += int64(isa.ParameterBytes(int(rows), t.Mode))
	}
	m.stretchQueries(&o)
	return o
}

// repeat adds times what happened since an earlier state, less what has been
// added already.
func (o *Operation) repeat(since *Operation, times int64) {
	for _, part := range []struct{ now, before *int64 }{
		{&o.Compute, &since.Compute}, {&o.Fill, &since.Fill}, {&o.Bank, &since.Bank},
		{&o.LookupBuilds, &since.LookupBuilds}, {&o.LookupQueries, &since.LookupQueries}, {&o.LookupScales, &since.LookupScales},
	} {
		*part.now += (times - 1) * (*part.now - *part.before)
	}
}

// LookupSums is the room, in bytes, that the unit takes in the accumulator
// buffer for a tile of some pixels that is the only one of its outputs: sums of
// a set of tables wait there for the next set.
func (m *Machine) LookupSums(rows, keys, pixels int64) int64 {
	if keys <= m.Tables {
		return 0
	}
	return 4 * rows * min(max(m.Tables/min(keys, m.Tables), 1), pixels)
}
