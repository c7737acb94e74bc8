package isa

// tables notes what is built in the table buffer, and refuses queries of tables
// that were not built, or for keys of another width.
func (o *ordering) tables(q *queue, a *Access, set *StridedSet) {
	mu := o.p.Descriptors[q.current.Instruction.Descriptor].(*LookupTile).Mu
	if missing := int(set.End()) - len(o.built); missing > 0 {
		o.built = append(o.built, make([]uint8, missing)...)
	}
	o.compares += int64(set.Length) / 64
	for i := set.Base; i < set.End(); i++ {
		switch {
		case a.Write:
			o.built[i] = mu
		case o.built[i] == 0:
			o.report(q, int32(q.current.Index), q.unit, "%s reads table %d, which no instruction has built before", q.current.Instruction.Op, i)
			return
		case o.built[i] != mu:
			o.report(q, int32(q.current.Index), q.unit, "%s reads table %d with keys of %d bits, it was built for %d", q.current.Instruction.Op, i, mu, o.built[i])
			return
		}
	}
}

// addressed is what the addresses of a space count.
func addressed(s Space) string {
	if s == TableBuffer {
		return "table"
	}
	return "byte"
}
