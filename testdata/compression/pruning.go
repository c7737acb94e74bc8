package main

import (
	"context"
	"fmt"
	"time"
)

// prunings are the ways to choose weights: a threshold of magnitude a layer, or
// one over all layers.
var prunings = []string{"layer", "global"}

// pruningTable finds the highest sparsity of each network, with both ways to
// prune, and keeps the better one.
func (t *tool) pruningTable(ctx context.Context, studies []*study) error {
	if len(studies) == 0 {
		return nil
	}
	out := table{columns: []column{text("network"), number("samples"), number("float"), number("int8 dense"), text("pruning"), number("highest sparsity"),
		number("score"), number("cost"), number("cost 0.05 higher"), number("score at 0.9"), text("cost in"), number("runs"), number("s")}}
	for _, s := range studies {
		if err := s.pruneRows(ctx, &out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return out.write(t.out, "Highest sparsity without retraining",
		"Scores are top-1, or for the autoencoder the mean squared error (MSE) between input and output; int8 is the simulated machine, bit-exact against the integer reference in every run. "+
			"The cost is that against the dense int8 network: at most 3 points of top-1, or 10 % of the MSE.",
		fmt.Sprintf("Sparsities are multiples of 0.05 up to 0.95, by magnitude. Each is searched by bisection on the first %d samples, then confirmed on all: the highest that holds such that the next two above it do not. "+
			"A * marks the better pruning at a sparsity, which the tables below take.", searchSamples))
}

// pruneRows adds the rows of a network.
func (s *study) pruneRows(ctx context.Context, out *table) error {
	dense, err := s.pruned(ctx, point{}, s.samples)
	if err != nil {
		return err
	}
	few, err := s.pruned(ctx, point{}, searchSamples)
	if err != nil {
		return err
	}
	found := make([]int, len(prunings))
	at, record := make([]*outcome, len(prunings)), make([]*outcome, len(prunings))
	runs, seconds := make([]int, len(prunings)), make([]float64, len(prunings))
	best, bestRecord := 0, 0
	for i, pruning := range prunings {
		start, before := time.Now(), len(s.known)
		on := func(samples int, reference *outcome) cost {
			return func(step int) (float64, error) {
				o, err := s.pruned(ctx, point{step, pruning}, samples)
				if err != nil {
					return 0, err
				}
				return s.costOf(o, reference), nil
			}
		}
		if found[i], err = highest(s.limit(), on(searchSamples, few), on(s.samples, dense)); err != nil {
			return err
		}
		if at[i], err = s.pruned(ctx, point{found[i], pruning}, s.samples); err != nil {
			return err
		}
		if record[i], err = s.pruned(ctx, point{stepFor09, pruning}, s.samples); err != nil {
			return err
		}
		runs[i], seconds[i] = len(s.known)-before, time.Since(start).Seconds()
		if found[i] > found[best] || found[i] == found[best] && s.costOf(at[i], dense) < s.costOf(at[best], dense) {
			best = i
		}
		if s.costOf(record[i], dense) < s.costOf(record[bestRecord], dense) {
			bestRecord = i
		}
	}
	if found[best] > 0 && found[best] != stepFor09 {
		s.shown = append(s.shown, point{found[best], prunings[best]})
	}
	s.shown = append(s.shown, point{stepFor09, prunings[bestRecord]})
	for i, pruning := range prunings {
		name, samples, float, int8Score := "", "", "", ""
		if i == 0 {
			name, samples, float, int8Score = s.name, fmt.Sprint(s.samples), s.scoreText(dense.float), s.scoreText(dense.score)
		}
		highestText, recordText := decimal(2, sparsity(found[i])), s.scoreText(record[i].score)
		if i == best {
			highestText = "* " + highestText
		}
		if i == bestRecord {
			recordText = "* " + recordText
		}
		above := "-"
		if next := found[i] + 1; next < steps {
			o, err := s.pruned(ctx, point{next, pruning}, s.samples)
			if err != nil {
				return err
			}
			above = decimal(2, s.costOf(o, dense))
		}
		out.add(name, samples, float, int8Score, pruning, highestText, s.scoreText(at[i].score), decimal(2, s.costOf(at[i], dense)), above,
			recordText, s.unit(), runs[i], decimal(1, seconds[i]))
	}
	return nil
}
