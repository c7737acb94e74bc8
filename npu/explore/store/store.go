package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite" // the driver "sqlite", in pure Go
)

// FileName is the store in the directory of an exploration.
const FileName = "results.sqlite"

// application marks the file as ours, format is the layout of its tables.
const (
	application = 0x6e707573 // "npus"
	format      = 1
)

// schema makes the tables of an empty file.
const schema = `
CREATE TABLE sweeps (
	key         TEXT PRIMARY KEY, -- hash of the sweep, its models, data and version
	sequence    INTEGER NOT NULL, -- the latest run has the highest
	description TEXT NOT NULL,    -- JSON of the sweep in words
	saved       TEXT NOT NULL     -- JSON of what restores the sweep
) WITHOUT ROWID;
CREATE TABLE evaluations (
	hash         TEXT PRIMARY KEY, -- of everything that determines the figures
	model        TEXT NOT NULL,    -- SHA-256 of the model file
	configuration TEXT NOT NULL,   -- hash of the configuration
	samples      INTEGER NOT NULL, -- asked for; 0: all
	timing_only  INTEGER NOT NULL,
	seed         INTEGER NOT NULL,
	version      TEXT NOT NULL,    -- of the tool
	figures      TEXT NOT NULL,    -- JSON object of result keys
	wall_seconds REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE points (
	sweep        TEXT NOT NULL,
	id           INTEGER NOT NULL, -- place in the space of the sweep
	rung         INTEGER NOT NULL, -- of successive halving, from 0
	status       TEXT NOT NULL,    -- done or failed
	reason       TEXT NOT NULL,    -- of a failed point
	evaluations  TEXT NOT NULL,    -- hashes, by model, with a blank between
	settings     TEXT NOT NULL,    -- JSON object of the axes' keys
	objectives   TEXT NOT NULL,    -- JSON list, null for a failed point
	violation    REAL NOT NULL,    -- 0: every constraint is met
	wall_seconds REAL NOT NULL,
	PRIMARY KEY (sweep, id, rung)
) WITHOUT ROWID;
CREATE TABLE owners (
	id   TEXT PRIMARY KEY, -- of a process
	host TEXT NOT NULL,
	pid  INTEGER NOT NULL,
	beat INTEGER NOT NULL  -- Unix milliseconds of its last sign of life
) WITHOUT ROWID;
CREATE TABLE claims (
	sweep TEXT NOT NULL,
	id    INTEGER NOT NULL,
	rung  INTEGER NOT NULL,
	owner TEXT NOT NULL,
	PRIMARY KEY (sweep, id, rung)
) WITHOUT ROWID;
`

// Store is an open file. It may be used by several goroutines.
type Store struct {
	path    string
	reading bool // nothing may be written
	db      *sql.DB
	write   sync.Mutex // one writer in this process, so that it never waits for itself
	owner   string
	host    string
	stop    chan struct{}
	stopped sync.WaitGroup
	closing sync.Once
	closed  error // of Close
}

// Open opens the store of a directory for work, and makes both if they do not
// exist.
func Open(folder string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	s, err := open(filepath.Join(folder, FileName), "mode=rwc&"+logged)
	if err != nil {
		return nil, err
	}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(s.fail(err), s.db.Close())
	}
	if err := s.register(); err != nil {
		return nil, errors.Join(s.fail(err), s.db.Close())
	}
	return s, nil
}

// OpenExisting opens the store of a directory to read from it, also where
// nothing may be written.
func OpenExisting(folder string) (*Store, error) {
	path := filepath.Join(folder, FileName)
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such file; it is not the directory of an exploration", path)
		}
		return nil, err
	}
	s, err := openChecked(path, "mode=rw&"+logged)
	if !isReadOnly(err) {
		return s, err
	}
	if s, err := openChecked(path, "mode=ro"); err == nil {
		s.reading = true
		return s, nil
	}
	// Without a log beside it, the file is all there is.
	if info, missing := os.Stat(path + "-wal"); missing == nil && info.Size() > 0 {
		return nil, err
	}
	if s, err = openChecked(path, "mode=ro&immutable=1"); err == nil {
		s.reading = true
	}
	return s, err
}

// ReadOnly tells that the file or its folder may not be written.
func (s *Store) ReadOnly() bool { return s.reading }

func openChecked(path, mode string) (*Store, error) {
	s, err := open(path, mode)
	if err != nil {
		return nil, err
	}
	if err := s.checkFormat(); err != nil {
		return nil, errors.Join(s.fail(err), s.db.Close())
	}
	return s, nil
}

// isReadOnly tells the errors of files and folders that may not be written.
func isReadOnly(err error) bool {
	const readOnly, cannotOpen = 8, 14 // SQLITE_READONLY and SQLITE_CANTOPEN
	var fault *sqlite.Error
	return errors.As(err, &fault) && (fault.Code()&0xff == readOnly || fault.Code()&0xff == cannotOpen)
}

// busyMilliseconds is how long a statement waits for other processes.
const busyMilliseconds = 30_000

// logged writes a log ahead of the file, which is not synchronized at every
// commit.
const logged = "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"

func open(path, mode string) (*Store, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(path))
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?%s&_txlock=immediate&_pragma=busy_timeout(%d)", escaped, mode, busyMilliseconds))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	s := &Store{path: path, db: db, stop: make(chan struct{})}
	if err := s.connect(); err != nil {
		return nil, errors.Join(s.fail(err), db.Close())
	}
	return s, nil
}

// connect makes the first connection, which gives a new file its log. While
// another process does the same, SQLite refuses at once instead of waiting.
func (s *Store) connect() error {
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := s.db.Ping()
		if !isBusy(err) || time.Since(begin) > busyMilliseconds*time.Millisecond {
			return err
		}
	}
}

// isBusy tells the error of a file that another process holds.
func isBusy(err error) bool {
	const busy = 5 // SQLITE_BUSY
	var fault *sqlite.Error
	return errors.As(err, &fault) && fault.Code()&0xff == busy
}

// fail names the file in an error.
func (s *Store) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s.path, err)
}

// initialize makes the tables of a new file, or checks those of an old one. Of
// several processes one makes them.
func (s *Store) initialize() error {
	return s.transaction(func(tx *sql.Tx) error {
		var tables int
		if err := tx.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
			return err
		}
		if tables > 0 {
			return checkFormat(tx)
		}
		for _, statement := range []string{schema, fmt.Sprintf("PRAGMA application_id = %d", application), fmt.Sprintf("PRAGMA user_version = %d", format)} {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkFormat refuses a file of another program or a newer layout.
func (s *Store) checkFormat() error { return checkFormat(s.db) }

func checkFormat(from interface {
	QueryRow(query string, args ...any) *sql.Row
}) error {
	var id, version int
	if err := from.QueryRow("PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := from.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case id != application:
		return errors.New("an SQLite file, but not one of an exploration")
	case version != format:
		return fmt.Errorf("has layout %d, this version of npusim reads layout %d", version, format)
	}
	return nil
}

// transaction runs work that is committed as a whole or not at all.
func (s *Store) transaction(work func(tx *sql.Tx) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	// Not the context of the work: what is complete is kept even when it ends.
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Close ends the process's claims and closes the file, the first time it is
// called.
func (s *Store) Close() error {
	s.closing.Do(func() {
		var err error
		if s.owner != "" {
			close(s.stop)
			s.stopped.Wait()
			err = s.transaction(func(tx *sql.Tx) error { return forget(tx, s.owner) })
		}
		s.closed = s.fail(errors.Join(err, s.db.Close()))
	})
	return s.closed
}

// forget removes a process with its claims.
func forget(tx *sql.Tx, owner string) error {
	if _, err := tx.Exec("DELETE FROM claims WHERE owner = ?", owner); err != nil {
		return err
	}
	_, err := tx.Exec("DELETE FROM owners WHERE id = ?", owner)
	return err
}

// now is the clock of signs of life.
func now() int64 { return time.Now().UnixMilli() }
