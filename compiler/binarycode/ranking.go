package binarycode

import (
	"math"
	"slices"
	"sort"
)

// ranking is the weights of a block in the order of their magnitudes, with
// sums of importance and of importance * magnitude over the smallest i of them.
// Levels take intervals of magnitudes, so all that least squares needs of codes is
// a difference of such sums: a round of alternating costs searches, not a pass.
type ranking struct {
	// keys holds the bits of the magnitude above the column, ascending. Bits of
	// positive floats order as the floats do.
	keys, buffer []uint64
	importance   []float64 // of the columns, nil for all alike
	// Sums over keys[:i*sumStep].
	weights, sums []float64
}

// sumStep is how many weights lie between kept sums.
const sumStep = 64

// rank sorts the weights of a block.
func (r *ranking) rank(b *block) {
	r.keys, r.importance = r.keys[:0], b.importance
	for _, row := range b.rows {
		r.keys = slices.Grow(r.keys, len(row))
		for j, w := range row {
			r.keys = append(r.keys, uint64(math.Float32bits(w)&^(1<<31))<<32|uint64(j))
		}
	}
	r.sort()
	r.weights, r.sums = append(r.weights[:0], 0), append(r.sums[:0], 0)
	var weight, sum float64
	for from := 0; from+sumStep <= len(r.keys); from += sumStep {
		weight, sum = r.add(weight, sum, from, from+sumStep)
		r.weights, r.sums = append(r.weights, weight), append(r.sums, sum)
	}
}

// sort orders keys by magnitude, stably: by comparison if they are few, else by
// the digits of the magnitude's 31 bits, lowest first.
func (r *ranking) sort() {
	const few = 512
	if len(r.keys) < few {
		slices.Sort(r.keys)
		return
	}
	const digit = 11 // bits
	r.buffer = slices.Grow(r.buffer[:0], len(r.keys))[:len(r.keys)]
	from, to := r.keys, r.buffer
	for shift := 32; shift < 63; shift += digit {
		var start [1 << digit]int
		for _, k := range from {
			start[k>>shift&(1<<digit-1)]++
		}
		at := 0
		for d, n := range start {
			start[d] = at
			at += n
		}
		for _, k := range from {
			d := k >> shift & (1<<digit - 1)
			to[start[d]] = k
			start[d]++
		}
		from, to = to, from
	}
	r.keys, r.buffer = from, to
}

func keyMagnitude(key uint64) float64 { return float64(math.Float32frombits(uint32(key >> 32))) }

// add goes on with sums over keys[from:to].
func (r *ranking) add(weight, sum float64, from, to int) (float64, float64) {
	if r.importance == nil {
		for _, k := range r.keys[from:to] {
			sum += keyMagnitude(k)
		}
		return weight + float64(to-from), sum
	}
	for _, k := range r.keys[from:to] {
		h := r.importance[uint32(k)]
		weight += h
		sum += float64(h * keyMagnitude(k))
	}
	return weight, sum
}

// below is the sums over the smallest i weights.
func (r *ranking) below(i int) (weight, sum float64) {
	kept := i / sumStep
	return r.add(r.weights[kept], r.sums[kept], kept*sumStep, i)
}

// partition is where in the ranking each level starts, and where the last ends.
type partition [maxLevels + 1]int

// partition gives each weight its nearest level.
func (r *ranking) partition(l *levels) (p partition) {
	for k := 1; k < l.count; k++ {
		bound := uint64(l.bound[k-1])<<32 | math.MaxUint32
		rest := r.keys[p[k-1]:]
		p[k] = p[k-1] + sort.Search(len(rest), func(i int) bool { return rest[i] > bound })
	}
	p[l.count] = len(r.keys)
	return p
}

// scales solves the normal equations of the codes of a partition. With codes
// relative to the sign of the weight, products of signs depend on the level only.
func (r *ranking) scales(l *levels, p *partition) [maxPlanes]float64 {
	var n normalEquations
	var weightBefore, sumBefore float64
	for k := range l.count {
		weightTo, sumTo := r.below(p[k+1])
		weight, sum := weightTo-weightBefore, sumTo-sumBefore
		weightBefore, sumBefore = weightTo, sumTo
		for i := range l.planes {
			for j := range l.planes {
				if (l.code[k]>>i^l.code[k]>>j)&1 == 0 {
					n.matrix[i][j] += weight
				} else {
					n.matrix[i][j] -= weight
				}
			}
			if l.code[k]>>i&1 != 0 {
				n.right[i] += sum
			} else {
				n.right[i] -= sum
			}
		}
	}
	return canonical(n.solve(l.planes), l.planes)
}

// alternate improves scales: every code to the nearest level, then least-squares
// scales, until codes stay as they are or the rounds are over. The codes that
// belong to the result are the nearest levels.
func (r *ranking) alternate(alpha [maxPlanes]float64, planes, rounds int) [maxPlanes]float64 {
	alpha = canonical(alpha, planes)
	var before partition
	var codes [maxLevels]uint8
	for range rounds {
		l := newLevels(alpha, planes)
		p := r.partition(&l)
		if p == before && l.code == codes {
			break
		}
		before, codes = p, l.code
		alpha = r.scales(&l, &p)
	}
	return alpha
}

// canonical makes scales positive and descending, which leaves the set of levels
// as it is.
func canonical(alpha [maxPlanes]float64, planes int) [maxPlanes]float64 {
	for i := range planes {
		alpha[i] = math.Abs(alpha[i])
	}
	slices.Sort(alpha[:planes])
	slices.Reverse(alpha[:planes])
	return alpha
}

// ternary is the best a for levels -a, 0, a with half of it in each of two
// planes. The best codes for any a are those of magnitudes above a/2 not 0, so it
// is enough to compare the largest magnitudes: with importance W and sum S they
// are best served by a = S/W, which saves S^2/W of the error.
func (r *ranking) ternary() [maxPlanes]float64 {
	var weight, sum, best, scale float64
	for i := len(r.keys) - 1; i >= 0; i-- {
		weight, sum = r.add(weight, sum, i, i+1)
		if i > 0 && r.keys[i-1]>>32 == r.keys[i]>>32 {
			continue // equal magnitudes have equal codes
		}
		if saved := sum * sum / weight; weight > 0 && saved > best {
			best, scale = saved, sum/weight
		}
	}
	return [maxPlanes]float64{scale / 2, scale / 2}
}
