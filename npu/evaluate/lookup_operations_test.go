package evaluate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/timing"
)

// TestOperationsOfAnyTiling: what programs of random networks, machines and tilings
// are charged for follows from their tiles, tails and padding counted: of each pixel
// and sub-vector of mu inputs 2^mu + mu - 2 additions (half the entries with
// symmetry), and a query for each row and plane. The tiles of a layer together
// multiply each of its weights with each pixel once.
func TestOperationsOfAnyTiling(t *testing.T) {
	networks := uint64(150)
	if testing.Short() || raceEnabled {
		networks = 30
	}
	coded := 0
	for seed := range networks {
		r := rand.New(rand.NewPCG(seed, 31))
		mu := 2 + r.IntN(9)
		g := integertest.RandomCoded(seed, 5, mu)
		options := lower.Options{HoldTables: r.IntN(2) == 0, MaxTile: lower.Limit{Channels: r.IntN(40), Rows: r.IntN(8), Columns: r.IntN(8), InputChannels: r.IntN(40)}}
		p, spec := lowerOrGrow(t, g, withLookup(t, randomSpec(t, r), r, mu), options)
		entries := int64(1) << mu
		if spec.LUTGEMM.Symmetry {
			entries /= 2
		}
		var builds, queries, parts int64
		products := make([]int64, len(p.Layers)) // weights times pixels
		for _, u := range []isa.Unit{isa.LookupGEMM, isa.TableBuilder} {
			if len(p.Code[u]) == 0 {
				continue
			}
			code, err := isa.NewStream(p.Code[u])
			if err != nil {
				t.Fatal(err)
			}
			cursor := code.Cursor()
			for d := (isa.Dynamic{}); cursor.Next(&d); {
				tile, is := p.Descriptors[d.Instruction.Descriptor].(*isa.LookupTile)
				if !is || isa.Instructions[d.Instruction.Op].Descriptor != isa.LookupKind {
					continue
				}
				pixels := int64(tile.OutputRows) * int64(tile.OutputColumns)
				inputs := int64(tile.InputChannels) * int64(tile.KernelRows) * int64(tile.KernelColumns)
				vectors := inputs / int64(mu)
				if inputs%int64(mu) != 0 {
					vectors++
				}
				if d.Instruction.Op != isa.QueryTables {
					builds += pixels * vectors * (entries + int64(mu) - 2)
				}
				if d.Instruction.Op != isa.BuildTables {
					queries += pixels * vectors * int64(tile.OutputChannels) * int64(tile.Planes)
					parts += pixels * int64(tile.OutputChannels) * int64(tile.Planes)
					products[tile.Layer] += pixels * inputs * int64(tile.OutputChannels)
				}
			}
		}
		timed, err := timing.Run(p, spec)
		if err != nil {
			t.Fatal(err)
		}
		w := &timed.Total
		// A sum is scaled at least once a tile, at most once a query.
		if w.LookupBuilds != builds || w.LookupQueries != queries || w.LookupScales < parts || w.LookupScales > queries {
			t.Errorf("seed %d: %d additions, %d queries, %d scalings; the tiles make %d, %d and %d to %d\n%s",
				seed, w.LookupBuilds, w.LookupQueries, w.LookupScales, builds, queries, parts, queries, g)
		}
		for i := range g.Nodes {
			if n := &g.Nodes[i]; n.Kind == integer.Convolution && n.Convolution.Codes != nil {
				coded++
				out, s := g.Tensors[n.Output].Shape, &n.Convolution.Codes.Shape
				want, found := int64(s.Rows)*int64(s.Columns)*int64(out.Rows)*int64(out.Columns), false
				for _, product := range products {
					found = found || product == want
				}
				if !found {
					t.Errorf("seed %d: layer %s has %d products of weights and pixels, the tiles of the layers %v", seed, n.Name, want, products)
				}
			}
		}
		var causes int64
		for i := range timed.Layers {
			for _, cycles := range timed.Layers[i].ByBound {
				causes += cycles
			}
		}
		if causes != timed.Cycles {
			t.Errorf("seed %d: the causes sum to %d of %d cycles", seed, causes, timed.Cycles)
		}
	}
	if coded < int(networks)/4 {
		t.Errorf("only %d layers have codes", coded)
	}
}
