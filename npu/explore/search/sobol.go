package search

import (
	"math/bits"
	"math/rand/v2"
)

// MaxSobolAxes is the number of dimensions of the table below.
const MaxSobolAxes = 33

// primitive is a primitive polynomial over GF(2) of a dimension: its degree,
// its inner coefficients as a number, and the first direction integers m_i.
type primitive struct {
	degree, coefficients uint32
	first                []uint32
}

// directions are of dimensions 2 to 33. Values: S. Joe and F. Y. Kuo,
// Constructing Sobol sequences with better two-dimensional projections, SIAM J.
// Sci. Comput. 30 (2008), file new-joe-kuo-6.21201; dimension 1 is the van der
// Corput sequence.
var directions = [MaxSobolAxes - 1]primitive{
	{1, 0, []uint32{1}},
	{2, 1, []uint32{1, 3}},
	{3, 1, []uint32{1, 3, 1}},
	{3, 2, []uint32{1, 1, 1}},
	{4, 1, []uint32{1, 1, 3, 3}},
	{4, 4, []uint32{1, 3, 5, 13}},
	{5, 2, []uint32{1, 1, 5, 5, 17}},
	{5, 4, []uint32{1, 1, 5, 5, 5}},
	{5, 7, []uint32{1, 1, 7, 11, 19}},
	{5, 11, []uint32{1, 1, 5, 1, 1}},
	{5, 13, []uint32{1, 1, 1, 3, 11}},
	{5, 14, []uint32{1, 3, 5, 5, 31}},
	{6, 1, []uint32{1, 3, 3, 9, 7, 49}},
	{6, 13, []uint32{1, 1, 1, 15, 21, 21}},
	{6, 16, []uint32{1, 3, 1, 13, 27, 49}},
	{6, 19, []uint32{1, 1, 1, 15, 7, 5}},
	{6, 22, []uint32{1, 3, 1, 15, 13, 25}},
	{6, 25, []uint32{1, 1, 5, 5, 19, 61}},
	{7, 1, []uint32{1, 3, 7, 11, 23, 15, 103}},
	{7, 4, []uint32{1, 3, 7, 13, 13, 15, 69}},
	{7, 7, []uint32{1, 1, 3, 13, 7, 35, 63}},
	{7, 8, []uint32{1, 3, 5, 9, 1, 25, 53}},
	{7, 14, []uint32{1, 3, 1, 13, 9, 35, 107}},
	{7, 19, []uint32{1, 3, 1, 5, 27, 61, 31}},
	{7, 21, []uint32{1, 1, 5, 11, 19, 41, 61}},
	{7, 28, []uint32{1, 3, 5, 3, 3, 13, 69}},
	{7, 31, []uint32{1, 1, 7, 13, 1, 19, 1}},
	{7, 32, []uint32{1, 3, 7, 5, 13, 19, 59}},
	{7, 37, []uint32{1, 1, 3, 9, 25, 29, 41}},
	{7, 41, []uint32{1, 3, 5, 13, 23, 1, 55}},
	{7, 42, []uint32{1, 3, 7, 3, 13, 59, 17}},
	{7, 50, []uint32{1, 3, 1, 3, 5, 53, 69}},
}

// sobolBits is the precision of coordinates, in units of 2^-32.
const sobolBits = 32

// Sobol is a Sobol sequence in Gray-code order (Antonov and Saleev), its
// coordinates in units of 2^-32.
type Sobol struct {
	vectors [][sobolBits]uint32 // by dimension
	state   []uint32
	shift   []uint32
	index   uint32
}

// NewSobol starts a sequence of at most MaxSobolAxes dimensions. Each
// coordinate is XORed with a number drawn from the seed (a digital shift), which
// keeps its uniformity; seed 0 leaves the published sequence as it is.
func NewSobol(dimensions int, seed uint64) *Sobol {
	s := &Sobol{vectors: make([][sobolBits]uint32, dimensions), state: make([]uint32, dimensions), shift: make([]uint32, dimensions)}
	random := rand.New(rand.NewPCG(seed, sobolStream))
	for d := range s.vectors {
		v := &s.vectors[d]
		if seed != 0 {
			s.shift[d] = random.Uint32()
		}
		if d == 0 {
			for i := range v {
				v[i] = 1 << (sobolBits - 1 - i)
			}
			continue
		}
		p := &directions[d-1]
		degree := int(p.degree)
		for i := range v {
			if i < degree {
				v[i] = p.first[i] << (sobolBits - 1 - i)
				continue
			}
			v[i] = v[i-degree] ^ v[i-degree]>>degree
			for k := 1; k < degree; k++ {
				if p.coefficients>>(degree-1-k)&1 == 1 {
					v[i] ^= v[i-k]
				}
			}
		}
	}
	return s
}

// Streams of random numbers keep searches of one seed apart.
const (
	sobolStream     = 0x50b01
	evolutionStream = 0xe501
)

// Next stores the next point of the sequence.
func (s *Sobol) Next(into []uint32) {
	for d := range into {
		into[d] = s.state[d] ^ s.shift[d]
	}
	flipped := bits.TrailingZeros32(^s.index) // of 2^32 points the last has none: the sequence begins again
	if flipped < sobolBits {
		for d := range s.state {
			s.state[d] ^= s.vectors[d][flipped]
		}
	}
	s.index++
}

// sobolTries bounds how many points of the sequence are looked at for each one
// that is wanted: cells of a coarse space come up again and again.
const sobolTries = 64

// mostRefused bounds how many points are remembered that are not allowed; others
// are asked for again.
const mostRefused = 1 << 20

// SobolPoints picks up to count different allowed points of a space, spread by
// a Sobol sequence of its seed. The space has at most MaxSobolAxes axes.
func SobolPoints(space Space, count int64, seed uint64, allowed Allowed) []int64 {
	total, err := space.Points()
	if err != nil {
		return nil
	}
	count = min(count, total)
	sequence := NewSobol(len(space), seed)
	at, indices := make([]uint32, len(space)), make([]int, len(space))
	seen := map[int64]bool{}
	var points []int64
	for tries := sobolTries * (count + 16); int64(len(points)) < count && tries > 0; tries-- {
		sequence.Next(at)
		for d := range at {
			high, _ := bits.Mul32(at[d], uint32(space[d].Size))
			indices[d] = int(high)
		}
		point := space.Point(indices)
		if seen[point] {
			continue
		}
		if allowed(point) {
			points = append(points, point)
		} else if len(seen)-len(points) >= mostRefused {
			continue
		}
		seen[point] = true
	}
	return points
}
