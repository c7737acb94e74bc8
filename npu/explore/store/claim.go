package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"log/slog"
	"os"
	"time"
)

// StaleAfter is how long a process of another host may give no sign of life
// before its claims are void.
const StaleAfter = 15 * time.Second

// beatInterval is how often a process gives a sign of life.
const beatInterval = 2 * time.Second

// Point names a point of a sweep.
type Point struct {
	ID   int64
	Rung int
}

// State is what a claim found.
type State uint8

// States.
const (
	InvalidState State = iota
	Claimed            // the point is this process's to evaluate
	Recorded           // there is a row already
	Busy               // another process is working on it
)

// register enters this process among the owners, and removes those that are
// gone.
func (s *Store) register() error {
	var id [16]byte
	rand.Read(id[:]) // never fails
	s.owner = hex.EncodeToString(id[:])
	s.host, _ = os.Hostname() // empty is a name, too
	err := s.transaction(func(tx *sql.Tx) error {
		gone, err := s.deadOwners(tx)
		if err != nil {
			return err
		}
		for _, owner := range gone {
			if err := forget(tx, owner); err != nil {
				return err
			}
		}
		_, err = tx.Exec("INSERT INTO owners (id, host, pid, beat) VALUES (?, ?, ?, ?)", s.owner, s.host, os.Getpid(), now())
		return err
	})
	if err != nil {
		s.owner = ""
		return err
	}
	s.stopped.Go(s.beat)
	return nil
}

// beat gives signs of life until the store is closed.
func (s *Store) beat() {
	ticker := time.NewTicker(beatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			err := s.transaction(func(tx *sql.Tx) error {
				_, err := tx.Exec("UPDATE owners SET beat = ? WHERE id = ?", now(), s.owner)
				return err
			})
			if err != nil { // others may take its points over, nothing worse
				slog.Warn("no sign of life could be given", "store", s.path, "error", err)
			}
		}
	}
}

// deadOwners lists the processes that are gone.
func (s *Store) deadOwners(tx *sql.Tx) ([]string, error) {
	rows, err := tx.Query("SELECT id, host, pid, beat FROM owners ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var gone []string
	for rows.Next() {
		var id, host string
		var pid int
		var beat int64
		if err := rows.Scan(&id, &host, &pid, &beat); err != nil {
			return nil, err
		}
		if id != s.owner && (now()-beat > StaleAfter.Milliseconds() || host == s.host && !isRunning(pid)) {
			gone = append(gone, id)
		}
	}
	return gone, rows.Err()
}

// Claim takes a point for this process, unless it is recorded or another
// process that is alive has it.
func (s *Store) Claim(sweep string, p Point) (State, error) {
	state := InvalidState
	err := s.transaction(func(tx *sql.Tx) error {
		var one int
		err := tx.QueryRow("SELECT 1 FROM points WHERE sweep = ? AND id = ? AND rung = ?", sweep, p.ID, p.Rung).Scan(&one)
		if err == nil {
			state = Recorded
			return nil
		}
		if err != sql.ErrNoRows {
			return err
		}
		var owner string
		err = tx.QueryRow("SELECT owner FROM claims WHERE sweep = ? AND id = ? AND rung = ?", sweep, p.ID, p.Rung).Scan(&owner)
		switch {
		case err == sql.ErrNoRows || owner == s.owner:
		case err != nil:
			return err
		default:
			alive, err := s.isAlive(tx, owner)
			if err != nil {
				return err
			}
			if alive {
				state = Busy
				return nil
			}
		}
		state = Claimed
		_, err = tx.Exec("INSERT INTO claims (sweep, id, rung, owner) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET owner = excluded.owner", sweep, p.ID, p.Rung, s.owner)
		return err
	})
	return state, s.fail(err)
}

// isAlive tells whether the owner of a claim is at work.
func (s *Store) isAlive(tx *sql.Tx, owner string) (bool, error) {
	gone, err := s.deadOwners(tx)
	if err != nil {
		return false, err
	}
	for _, id := range gone {
		if id == owner {
			return false, nil
		}
	}
	var known int
	err = tx.QueryRow("SELECT count(*) FROM owners WHERE id = ?", owner).Scan(&known)
	return known > 0, err
}

// Release gives a claimed point back that was not evaluated.
func (s *Store) Release(sweep string, p Point) error {
	return s.fail(s.transaction(func(tx *sql.Tx) error { return s.release(tx, sweep, p) }))
}

func (s *Store) release(tx *sql.Tx, sweep string, p Point) error {
	_, err := tx.Exec("DELETE FROM claims WHERE sweep = ? AND id = ? AND rung = ? AND owner = ?", sweep, p.ID, p.Rung, s.owner)
	return err
}
