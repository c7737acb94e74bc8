package shapes

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/npusim/npusim/compiler/graph"
)

// FromGraph lists the convolutions of a float network in the form that package
// transform leaves, in which matrix products are convolutions too. All other
// nodes have no place in a topology.
//
// SCALE-Sim's form has no padding: as its users do, the input gets the extents
// that give the layer's output, (output - 1) * stride + filter. That is the
// padded input without rows and columns that no filter reaches, so the stride
// always divides H - f, and a layer without padding, whose input the filters
// reach to its end, keeps its own extents. Multiply-accumulates, weights and
// outputs are those of the model. Depthwise layers get DP in their names, which
// is how SCALE-Sim tells them; other grouped layers become a row a group.
//
// Notes tell the layers whose input is not that of the model: one stride is all
// that a row can have, and no dilation.
func FromGraph(g *graph.Graph) (t *Topology, notes []string, err error) {
	t = &Topology{Name: g.Name}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op != graph.Conv {
			continue
		}
		a := n.Attributes.(*graph.ConvAttributes)
		in, w, out := g.Value(n.Inputs[0]).Shape, g.Value(n.Inputs[1]).Shape, g.Value(n.Outputs[0]).Shape
		if len(in) != 4 || len(w) != 4 || len(out) != 4 {
			return nil, nil, fmt.Errorf("layer %s: %v by %v is no convolution over rows and columns", n.Name, in, w)
		}
		l := Layer{Name: n.Name, KernelRows: w[2], KernelColumns: w[3], Channels: in[1], Filters: w[0], Stride: commonStride(a, out)}
		l.Rows, l.Columns = (out[2]-1)*l.Stride+w[2], (out[3]-1)*l.Stride+w[3]
		for axis := range 2 {
			if out[2+axis] > 1 && a.Strides[axis] != l.Stride {
				notes = append(notes, fmt.Sprintf("Layer %s has strides %v; its row has stride %d and an input to match.", n.Name, a.Strides, l.Stride))
				break
			}
		}
		if a.Dilations[0] > 1 && w[2] > 1 || a.Dilations[1] > 1 && w[3] > 1 {
			notes = append(notes, fmt.Sprintf("Layer %s has dilations %v; its row has none and an input to match.", n.Name, a.Dilations))
		}
		switch {
		case a.Groups == 1:
			l.Name = rowName(l.Name, "")
			t.Layers = append(t.Layers, l)
		case a.Groups == l.Channels:
			l.Depthwise = true
			l.Filters /= a.Groups
			l.Name = rowName(l.Name, depthwiseSuffix)
			t.Layers = append(t.Layers, l)
		default:
			l.Channels /= a.Groups
			l.Filters /= a.Groups
			for k := range a.Groups {
				part := l
				part.Name = rowName(n.Name, fmt.Sprintf(" group %d of %d", k+1, a.Groups))
				t.Layers = append(t.Layers, part)
				if len(t.Layers) > MaxLayers {
					break
				}
			}
		}
		if len(t.Layers) > MaxLayers {
			return nil, nil, fmt.Errorf("layer %s: more than %d rows", n.Name, MaxLayers)
		}
	}
	if len(t.Layers) == 0 {
		return nil, nil, fmt.Errorf("the network has no convolution or matrix product")
	}
	return t, notes, nil
}

// depthwiseSuffix ends the names of depthwise layers that do not say it.
const depthwiseSuffix = "_DP"

// commonStride is the smaller of the strides along axes on which the filter
// moves.
func commonStride(a *graph.ConvAttributes, out []int) int {
	stride := 0
	for axis := range 2 {
		if s := a.Strides[axis]; out[2+axis] > 1 && (stride == 0 || s < stride) {
			stride = s
		}
	}
	return max(stride, 1)
}

// rowName makes a name that a row can hold; DP is in it if the suffix says so.
func rowName(name, suffix string) string {
	name = strings.Map(func(c rune) rune {
		if c == ',' || c == '"' || unicode.IsControl(c) {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(name, "_"))
	name = strings.TrimSpace(name)
	if suffix == depthwiseSuffix && strings.Contains(name, "DP") {
		suffix = "" // says it already
	} else {
		name = strings.ReplaceAll(name, "DP", "dp")
	}
	if name == "" {
		name = "layer"
	}
	if most := maxName - len(suffix); len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name + suffix
}

// Write writes a topology of convolutions in SCALE-Sim's form. Read gives it
// back; what Read would refuse is an error before anything is written.
func Write(w io.Writer, t *Topology) error {
	var b strings.Builder
	b.WriteString("Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n")
	for i := range t.Layers {
		l := &t.Layers[i]
		b.WriteString(l.Name)
		for _, n := range [...]int{l.Rows, l.Columns, l.KernelRows, l.KernelColumns, l.Channels, l.Filters, l.Stride} {
			b.WriteString(", " + strconv.Itoa(n))
		}
		b.WriteString(",\n")
	}
	if b.Len() > MaxFileBytes {
		return fmt.Errorf("layer shapes of %s: %d bytes, at most %d can be read again", t.Name, b.Len(), MaxFileBytes)
	}
	if _, err := Parse(t.Name, []byte(b.String())); err != nil {
		return fmt.Errorf("layer shapes cannot be written: %w", err)
	}
	out := bufio.NewWriter(w)
	out.WriteString(b.String()) // errors stay in out until it is flushed
	return out.Flush()
}
