package transform

import (
	"fmt"
	"math"
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// editor streams the nodes of a graph through a rewriting function, which
// emits what replaces each node.
type editor struct {
	network  *Network
	graph    *graph.Graph
	source   []graph.Node            // the nodes before the pass
	readers  map[graph.ValueID][]int // indices into source
	skip     []bool                  // source nodes already taken care of
	nodes    []graph.Node            // emitted
	producer map[graph.ValueID]int   // index into nodes
	replaced map[graph.ValueID]graph.ValueID
	uses     []int // readers to come, readers emitted and graph outputs, by value
	names    map[string]bool
}

// rewrite passes every node, its inputs already replaced, to f. A node that f
// neither emits nor replaces disappears; nodes whose outputs nobody needs are
// dropped at the end.
func (n *Network) rewrite(f func(*editor, graph.Node) error) error {
	g := n.Graph
	e := &editor{
		network: n, graph: g, source: g.Nodes,
		readers: make(map[graph.ValueID][]int), skip: make([]bool, len(g.Nodes)),
		producer: make(map[graph.ValueID]int), replaced: make(map[graph.ValueID]graph.ValueID),
		uses: make([]int, len(g.Values)), names: make(map[string]bool),
	}
	for i := range g.Nodes {
		e.names[g.Nodes[i].Name] = true
		for _, in := range g.Nodes[i].Inputs {
			if in != graph.None {
				e.uses[in]++
				e.readers[in] = append(e.readers[in], i)
			}
		}
	}
	for _, out := range g.Outputs {
		e.uses[out]++
	}
	for i, node := range e.source {
		if e.skip[i] {
			continue
		}
		node.Inputs = slices.Clone(node.Inputs)
		for k, in := range node.Inputs {
			if in != graph.None {
				node.Inputs[k] = e.current(in)
				e.uses[node.Inputs[k]]--
			}
		}
		if err := f(e, node); err != nil {
			return err
		}
	}
	for i, out := range g.Outputs {
		g.Outputs[i] = e.current(out)
	}
	g.Nodes = e.nodes
	n.prune()
	return nil
}

// prune drops nodes without a needed output, and dropped ones.
func (n *Network) prune() {
	g := n.Graph
	needed := make([]bool, len(g.Values))
	for _, out := range g.Outputs {
		needed[out] = true
	}
	var kept []graph.Node
	for _, node := range slices.Backward(g.Nodes) {
		if node.Op == graph.InvalidOp || !slices.ContainsFunc(node.Outputs, func(v graph.ValueID) bool { return v != graph.None && needed[v] }) {
			continue
		}
		for _, in := range node.Inputs {
			if in != graph.None {
				needed[in] = true
			}
		}
		kept = append(kept, node)
	}
	slices.Reverse(kept)
	g.Nodes = kept
}

func (e *editor) current(v graph.ValueID) graph.ValueID {
	for {
		next, ok := e.replaced[v]
		if !ok {
			return v
		}
		v = next
	}
}

// replace makes later readers of old read v instead.
func (e *editor) replace(old, v graph.ValueID) {
	if old == v {
		return
	}
	e.replaced[old] = v
	e.uses[v] += e.uses[old]
	e.uses[old] = 0
}

// emit appends a node and returns its first output.
func (e *editor) emit(node graph.Node) graph.ValueID {
	for _, in := range node.Inputs {
		if in != graph.None {
			e.uses[in]++
		}
	}
	for _, out := range node.Outputs {
		if out != graph.None {
			e.producer[out] = len(e.nodes)
		}
	}
	e.nodes = append(e.nodes, node)
	return node.Outputs[0]
}

// only tells, while the node that read v is being rewritten, whether nothing
// else reads v.
func (e *editor) only(v graph.ValueID) bool { return e.uses[v] == 0 }

// emitted is the emitted node that produces v, or nil.
func (e *editor) emitted(v graph.ValueID) *graph.Node {
	if i, ok := e.producer[v]; ok {
		return &e.nodes[i]
	}
	return nil
}

// drop removes an emitted node.
func (e *editor) drop(node *graph.Node) {
	for _, in := range node.Inputs {
		if in != graph.None {
			e.uses[in]--
		}
	}
	for _, out := range node.Outputs {
		delete(e.producer, out)
	}
	*node = graph.Node{}
}

// retarget makes an emitted node produce another value.
func (e *editor) retarget(node *graph.Node, v graph.ValueID) {
	i := e.producer[node.Outputs[0]]
	delete(e.producer, node.Outputs[0])
	node.Outputs = []graph.ValueID{v}
	e.producer[v] = i
}

// value adds an activation value.
func (e *editor) value(name string, shape []int) graph.ValueID {
	e.uses = append(e.uses, 0)
	return e.graph.AddValue(graph.Value{Name: name, Shape: slices.Clone(shape), Type: graph.Float32})
}

// constant adds a constant value.
func (e *editor) constant(name string, shape []int, data []float32) graph.ValueID {
	e.uses = append(e.uses, 0)
	shape = slices.Clone(shape)
	return e.graph.AddValue(graph.Value{Name: name, Shape: shape, Type: graph.Float32,
		Constant: &graph.Tensor{Shape: shape, Type: graph.Float32, Floats: data}})
}

func (e *editor) shape(v graph.ValueID) []int { return e.graph.Values[v].Shape }

func (e *editor) name(v graph.ValueID) string { return e.graph.Values[v].Name }

// floats is the data of a constant, or nil.
func (e *editor) floats(v graph.ValueID) []float32 {
	if v == graph.None || e.graph.Values[v].Constant == nil {
		return nil
	}
	return e.graph.Values[v].Constant.Floats
}

func (e *editor) isConstant(v graph.ValueID) bool { return e.graph.Values[v].Constant != nil }

// unique makes a node name that no other node has.
func (e *editor) unique(name string) string {
	candidate := name
	for i := 2; e.names[candidate]; i++ {
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
	e.names[candidate] = true
	return candidate
}

// adopt adds the origins of a later node, which node to now computes too.
func (e *editor) adopt(to, later string) {
	origins := e.network.Origins
	origins[to] = slices.Concat(origins[to], origins[later])
}

// adoptBefore adds the origins of an earlier node.
func (e *editor) adoptBefore(to, earlier string) {
	origins := e.network.Origins
	origins[to] = slices.Concat(origins[earlier], origins[to])
}

// reshape emits a Reshape unless the shape is already right.
func (e *editor) reshape(owner string, v graph.ValueID, shape []int) graph.ValueID {
	if slices.Equal(e.shape(v), shape) {
		return v
	}
	if data := e.floats(v); data != nil {
		return e.constant(e.name(v), shape, data)
	}
	return e.emit(graph.Node{Name: e.unique(owner + "/reshape"), Op: graph.Reshape,
		Inputs: []graph.ValueID{v}, Outputs: []graph.ValueID{e.value(e.name(v)+"/reshape", shape)}})
}

// transpose emits a Transpose.
func (e *editor) transpose(owner string, v graph.ValueID, permutation ...int) graph.ValueID {
	in := e.shape(v)
	shape := make([]int, len(in))
	for i, axis := range permutation {
		shape[i] = in[axis]
	}
	return e.emit(graph.Node{Name: e.unique(owner + "/transpose"), Op: graph.Transpose,
		Inputs: []graph.ValueID{v}, Outputs: []graph.ValueID{e.value(e.name(v)+"/transpose", shape)},
		Attributes: &graph.TransposeAttributes{Permutation: permutation}})
}

// checkConstants refuses values that no arithmetic can represent.
func checkConstants(n *Network) error {
	for i := range n.Graph.Nodes {
		node := &n.Graph.Nodes[i]
		for k, in := range node.Inputs {
			if in == graph.None {
				continue
			}
			v := n.Graph.Value(in)
			if v.Type != graph.Float32 {
				return nodeError(node, "operand %d (%s) is %v; only float32 values run on the machine", k, v.Name, v.Type)
			}
			if v.Constant == nil {
				continue
			}
			for j, x := range v.Constant.Floats {
				if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
					return nodeError(node, "element %d of constant %q is %g", j, v.Name, x)
				}
			}
		}
	}
	return nil
}

func removeIdentities(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		if node.Op == graph.Identity {
			e.replace(node.Outputs[0], node.Inputs[0])
		} else {
			e.emit(node)
		}
		return nil
	})
}

func splitToSlices(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		if node.Op != graph.Split {
			e.emit(node)
			return nil
		}
		a := node.Attributes.(*graph.SplitAttributes)
		rank := len(e.shape(node.Inputs[0]))
		start := 0
		for i, out := range node.Outputs {
			if out != graph.None {
				slice := &graph.SliceAttributes{Starts: make([]int, rank), Steps: slices.Repeat([]int{1}, rank)}
				slice.Starts[a.Axis] = start
				part := graph.Node{Name: node.Name, Op: graph.Slice, Inputs: node.Inputs, Outputs: []graph.ValueID{out}, Attributes: slice}
				if i > 0 {
					part.Name = e.unique(fmt.Sprintf("%s/%d", node.Name, i))
					e.adopt(part.Name, node.Name)
				}
				e.emit(part)
			}
			start += a.Sizes[i]
		}
		return nil
	})
}
