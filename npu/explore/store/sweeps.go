package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/npu/explore/outcome"
)

// Sweep is the entry of a sweep.
type Sweep struct {
	Key         string
	Description outcome.Sweep
	Saved       json.RawMessage // what restores the sweep
}

// Enter notes a sweep as the one that is worked on.
func (s *Store) Enter(sweep *Sweep) error {
	description, err := json.Marshal(sweep.Description)
	if err != nil {
		return s.fail(err)
	}
	return s.fail(s.transaction(func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO sweeps (key, sequence, description, saved)
			VALUES (?, (SELECT coalesce(max(sequence), 0) + 1 FROM sweeps), ?, ?)
			ON CONFLICT DO UPDATE SET sequence = excluded.sequence, description = excluded.description, saved = excluded.saved`,
			sweep.Key, string(description), string(sweep.Saved))
		return err
	}))
}

// Find is the sweep of a key or, if that is empty, the one that was worked on
// last.
func (s *Store) Find(key string) (*Sweep, error) {
	var sweep Sweep
	var description, saved string
	err := s.db.QueryRow("SELECT key, description, saved FROM sweeps WHERE ? IN ('', key) ORDER BY sequence DESC LIMIT 1", key).Scan(&sweep.Key, &description, &saved)
	if errors.Is(err, sql.ErrNoRows) {
		if key != "" {
			return nil, s.fail(errors.New("does not hold this sweep any more"))
		}
		return nil, s.fail(errors.New("holds no sweep yet"))
	}
	if err == nil {
		err = json.Unmarshal([]byte(description), &sweep.Description)
	}
	if err != nil {
		return nil, s.fail(err)
	}
	sweep.Saved = json.RawMessage(saved)
	return &sweep, nil
}

// rowColumns are those that scanRow reads.
const rowColumns = "id, rung, status, reason, evaluations, objectives, violation, wall_seconds"

func scanRow(scan func(...any) error) (*Row, error) {
	var row Row
	var status, evaluations, objectives string
	if err := scan(&row.ID, &row.Rung, &status, &row.Reason, &evaluations, &objectives, &row.Violation, &row.WallSeconds); err != nil {
		return nil, err
	}
	for row.Status = outcome.Done; row.Status.String() != status; row.Status++ {
		if row.Status > outcome.Failed {
			return nil, fmt.Errorf("point %d has the unknown status %q", row.ID, status)
		}
	}
	row.Evaluations = strings.Fields(evaluations)
	if err := json.Unmarshal([]byte(objectives), &row.Objectives); err != nil {
		return nil, fmt.Errorf("point %d: %w", row.ID, err)
	}
	return &row, nil
}

// Row reads a point without its settings; nil if it is not recorded.
func (s *Store) Row(sweep string, p Point) (*Row, error) {
	row, err := scanRow(s.db.QueryRow("SELECT "+rowColumns+" FROM points WHERE sweep = ? AND id = ? AND rung = ?", sweep, p.ID, p.Rung).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return row, s.fail(err)
}

// pageRows is how many rows are read at a time, so that no reader keeps the log
// from being folded into the file.
const pageRows = 1024

// Each visits the points of a sweep without their settings, by ID and then by
// rung, a page at a time.
func (s *Store) Each(sweep string, visit func(*Row) error) error {
	last := Point{ID: -1}
	for {
		page, err := s.page(sweep, last)
		if err != nil {
			return s.fail(err)
		}
		for _, row := range page {
			if err := visit(row); err != nil {
				return err
			}
		}
		if len(page) < pageRows {
			return nil
		}
		last = page[len(page)-1].Point
	}
}

// page reads the rows after a point.
func (s *Store) page(sweep string, after Point) (page []*Row, err error) {
	rows, err := s.db.Query("SELECT "+rowColumns+" FROM points WHERE sweep = ? AND (id, rung) > (?, ?) ORDER BY id, rung LIMIT ?", sweep, after.ID, after.Rung, pageRows)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		row, err := scanRow(rows.Scan)
		if err != nil {
			return nil, err
		}
		page = append(page, row)
	}
	return slices.Clip(page), rows.Err()
}
