package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/outcome"
)

// Evaluation is one model on one configuration.
type Evaluation struct {
	Hash          string
	Model         string // SHA-256 of the model file
	Configuration string // hash
	Samples       int
	TimingOnly    bool
	Seed          uint64
	Version       string
	Figures       []figures.Figure // sorted by key
	WallSeconds   float64
}

// Row is a point of a sweep.
type Row struct {
	Point
	Status      outcome.Status
	Reason      string
	Evaluations []string // hashes, by model
	Settings    []outcome.Setting
	Objectives  []float64
	Violation   float64
	WallSeconds float64
}

// Record writes a point with its evaluations and gives up its claim. A row that
// is there already stays.
func (s *Store) Record(sweep string, row *Row, evaluations []Evaluation) error {
	settings, err := encodeSettings(row.Settings)
	if err != nil {
		return s.fail(err)
	}
	objectives, err := json.Marshal(row.Objectives)
	if err != nil {
		return s.fail(err)
	}
	return s.fail(s.transaction(func(tx *sql.Tx) error {
		for i := range evaluations {
			if err := insertEvaluation(tx, &evaluations[i]); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO points (sweep, id, rung, status, reason, evaluations, settings, objectives, violation, wall_seconds)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			sweep, row.ID, row.Rung, row.Status.String(), row.Reason, strings.Join(row.Evaluations, " "), settings, string(objectives), row.Violation, row.WallSeconds)
		if err != nil {
			return err
		}
		return s.release(tx, sweep, row.Point)
	}))
}

func insertEvaluation(tx *sql.Tx, e *Evaluation) error {
	text, err := encodeFigures(e.Figures)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO evaluations (hash, model, configuration, samples, timing_only, seed, version, figures, wall_seconds)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		e.Hash, e.Model, e.Configuration, e.Samples, e.TimingOnly, int64(e.Seed), e.Version, text, e.WallSeconds)
	return err
}

// Evaluation reads the figures of an evaluation; nil if there is none.
func (s *Store) Evaluation(hash string) ([]figures.Figure, error) {
	var text string
	err := s.db.QueryRow("SELECT figures FROM evaluations WHERE hash = ?", hash).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.fail(err)
	}
	list, err := decodeFigures(text)
	return list, s.fail(err)
}

// ForgetFailed removes the failed points of a sweep, so that they are tried
// again.
func (s *Store) ForgetFailed(sweep string) error {
	return s.fail(s.transaction(func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM points WHERE sweep = ? AND status = ?", sweep, outcome.Failed.String())
		return err
	}))
}

// encodeFigures writes figures as a JSON object in their order. Numbers read
// back the same.
func encodeFigures(list []figures.Figure) (string, error) {
	var b strings.Builder
	for i, f := range list {
		if err := appendPair(&b, i, f.Key, f.Value); err != nil {
			return "", err
		}
	}
	return "{" + b.String() + "}", nil
}

func encodeSettings(list []outcome.Setting) (string, error) {
	var b strings.Builder
	for i, setting := range list {
		if err := appendPair(&b, i, setting.Key, setting.Value); err != nil {
			return "", err
		}
	}
	return "{" + b.String() + "}", nil
}

func appendPair(b *strings.Builder, i int, key string, v expression.Value) error {
	if i > 0 {
		b.WriteByte(',')
	}
	var plain any = v.Text
	switch v.Kind {
	case expression.Number:
		if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
			return fmt.Errorf("%s is no finite number", key)
		}
		plain = v.Number
	case expression.Truth:
		plain = v.Truth
	}
	name, err := json.Marshal(key)
	if err != nil {
		return err
	}
	value, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	b.Write(name)
	b.WriteByte(':')
	b.Write(value)
	return nil
}

// decodeFigures reads what encodeFigures wrote.
func decodeFigures(text string) ([]figures.Figure, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("a row of evaluations holds no JSON object")
	}
	var list []figures.Figure
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		value, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		f := figures.Figure{Key: fmt.Sprint(key)}
		switch x := value.(type) {
		case float64:
			f.Value = expression.NumberOf(x)
		case string:
			f.Value = expression.TextOf(x)
		case bool:
			f.Value = expression.TruthOf(x)
		default:
			return nil, fmt.Errorf("a row of evaluations has no value for %v", key)
		}
		list = append(list, f)
	}
	return list, nil
}
