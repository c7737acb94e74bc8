package onnx

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Property is an entry of metadata_props: a key and its text.
type Property struct{ Key, Value string }

// Numbers of fields that Annotate goes through.
const (
	modelGraph   = 7
	graphNode    = 1
	nodeMetadata = 9 // metadata_props, since IR version 10; older readers skip it
	entryKey     = 1
	entryValue   = 2
)

// Annotate gives a copy of an encoded model with properties at its nodes:
// metadata_props, which viewers such as Netron show. Properties is asked for
// each node by its place in the file. Entries that a node has already and whose
// keys begin with prefix are replaced; every other byte of the model is kept as
// it is, known to this package or not.
//
// A model with external data is refused, as the copy may lie elsewhere and
// would lose it; name stands for the file in errors.
func Annotate(data []byte, name, prefix string, properties func(index int, n *Node) []Property) ([]byte, error) {
	m, err := Decode(data, name)
	if err != nil {
		return nil, fmt.Errorf("no annotated copy: %w", err)
	}
	index := 0
	node := func(content []byte) ([]byte, bool, error) {
		list := properties(index, &m.Graph.Nodes[index])
		index++
		changed, err := annotated(content, prefix, list)
		return changed, true, err
	}
	graph := func(content []byte) ([]byte, bool, error) {
		changed, err := rewrite(content, graphNode, node)
		return changed, true, err
	}
	out, err := rewrite(data, modelGraph, graph)
	if err == nil && int64(len(out)) > maxFileBytes {
		err = fmt.Errorf("it would have %d bytes, the limit is %d", len(out), int64(maxFileBytes))
	}
	if err == nil {
		_, err = Decode(out, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: no annotated copy: %w", name, err)
	}
	return out, nil
}

// rewrite copies a message. Fields of one number get the content that change
// gives them, or are left out; all others are kept byte for byte.
func rewrite(message []byte, number protowire.Number, change func(content []byte) (changed []byte, keep bool, err error)) ([]byte, error) {
	out := make([]byte, 0, len(message)+len(message)/8)
	for len(message) > 0 {
		n, kind, length := protowire.ConsumeField(message)
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		field := message[:length]
		message = message[length:]
		if n != number || kind != protowire.BytesType {
			out = append(out, field...)
			continue
		}
		changed, keep, err := change(fieldContent(field))
		if err != nil {
			return nil, err
		}
		if keep {
			out = appendBytes(out, number, changed)
		}
	}
	return out, nil
}

// fieldContent is what a length-delimited field holds.
func fieldContent(field []byte) []byte {
	_, _, tag := protowire.ConsumeTag(field)
	content, _ := protowire.ConsumeBytes(field[tag:])
	return content
}

// annotated is a node with properties.
func annotated(node []byte, prefix string, list []Property) ([]byte, error) {
	out, err := rewrite(node, nodeMetadata, func(entry []byte) ([]byte, bool, error) {
		key, err := propertyKey(entry)
		return entry, !strings.HasPrefix(key, prefix), err
	})
	for _, p := range list {
		out = appendBytes(out, nodeMetadata, appendText(appendText(nil, entryKey, p.Key), entryValue, p.Value))
	}
	return out, err
}

// propertyKey is the key of an entry.
func propertyKey(entry []byte) (key string, err error) {
	_, err = rewrite(entry, entryKey, func(content []byte) ([]byte, bool, error) {
		key = string(content) // the last one counts
		return content, true, nil
	})
	return key, err
}
