package configs

import "path"

// ForLayer is the quantization of the layer with this name: the general keys,
// overridden by each matching rule in order, so later rules win key by key.
func (q *Quantization) ForLayer(name string) LayerQuantization {
	result := LayerQuantization{q.Weights, q.WeightBits, q.ActivationBits, q.Planes, 1, 1}
	for _, rule := range q.Layers {
		if matched, _ := path.Match(rule.Match, name); !matched {
			continue
		}
		if rule.Weights != 0 {
			result.Weights = rule.Weights
		}
		if rule.WeightBits != 0 {
			result.WeightBits = rule.WeightBits
		}
		if rule.Planes != 0 {
			result.Planes = rule.Planes
		}
		if rule.RowClusters != 0 {
			result.RowClusters = rule.RowClusters
		}
		if rule.RowRatio != 0 {
			result.RowRatio = rule.RowRatio
		}
		if rule.ActivationBits != 0 {
			result.ActivationBits = rule.ActivationBits
		}
	}
	return result
}
