package store

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/outcome"
)

func mustOpen(t *testing.T, folder string) *Store {
	t.Helper()
	s, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sampleRow(id int64) (*Row, []Evaluation) {
	row := &Row{Point: Point{ID: id}, Status: outcome.Done, Evaluations: []string{"h1", "h2"}, Objectives: []float64{1.5, 0.1 + 0.2}, Violation: 0.25, WallSeconds: 3,
		Settings: []outcome.Setting{{Key: "a.b", Value: expression.NumberOf(8)}}}
	return row, []Evaluation{{Hash: "h1", Model: "m", Version: "v", Figures: []figures.Figure{
		{Key: "a", Value: expression.NumberOf(1e300)}, {Key: "b\"", Value: expression.TextOf("x\ny")}, {Key: "c", Value: expression.TruthOf(true)}}}, {Hash: "h2"}}
}

// TestRecordAndReadBack, in a folder whose name means something to URLs.
func TestRecordAndReadBack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a b?c#d%20")
	s := mustOpen(t, folder)
	row, evaluations := sampleRow(7)
	if state, err := s.Claim("s", row.Point); state != Claimed || err != nil {
		t.Fatal(state, err)
	}
	if err := s.Record("s", row, evaluations); err != nil {
		t.Fatal(err)
	}
	if state, err := s.Claim("s", row.Point); state != Recorded || err != nil {
		t.Errorf("a recorded point can be claimed: %v, %v", state, err)
	}
	other, _ := sampleRow(7)
	other.Status, other.Reason, other.Objectives = outcome.Failed, "late", nil
	if err := s.Record("s", other, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Row("s", row.Point)
	want := *row
	want.Settings = nil
	if diff := cmp.Diff(&want, got); diff != "" || err != nil {
		t.Errorf("the first row does not stay: %v\n%s", err, diff)
	}
	list, err := s.Evaluation("h1")
	if diff := cmp.Diff(evaluations[0].Figures, list); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if none, err := s.Evaluation("h3"); none != nil || err != nil {
		t.Errorf("%v, %v", none, err)
	}
	if none, err := s.Row("t", row.Point); none != nil || err != nil {
		t.Errorf("%v, %v", none, err)
	}
	if _, err := os.Stat(filepath.Join(folder, FileName)); err != nil {
		t.Error(err)
	}
}

func TestEachPagesInOrder(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	const points = 700 // two rungs of each: more than a page
	for id := int64(points - 1); id >= 0; id-- {
		for rung := range 2 {
			row, _ := sampleRow(id)
			row.Rung = rung
			if err := s.Record("s", row, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []Point
	err := s.Each("s", func(r *Row) error { got = append(got, r.Point); return nil })
	if err != nil || len(got) != 2*points || !slices.IsSortedFunc(got, func(a, b Point) int { return int(2*(a.ID-b.ID)) + a.Rung - b.Rung }) {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// TestClaims: a point is one store's until it is released, recorded, or the
// store's process is gone.
func TestClaims(t *testing.T) {
	folder := t.TempDir()
	a, b := mustOpen(t, folder), mustOpen(t, folder)
	p := Point{ID: 1}
	claim := func(s *Store, want State) {
		t.Helper()
		if got, err := s.Claim("s", p); got != want || err != nil {
			t.Errorf("state %v, %v, want %v", got, err, want)
		}
	}
	claim(a, Claimed)
	claim(b, Busy)
	claim(a, Claimed)
	if err := b.Release("s", p); err != nil { // not its own
		t.Fatal(err)
	}
	claim(b, Busy)
	if err := a.Release("s", p); err != nil {
		t.Fatal(err)
	}
	claim(b, Claimed)
	claim(a, Busy)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	claim(a, Claimed)

	// A process of this host that has ended, and one of another host without a
	// sign of life.
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for i, owner := range []struct {
		host string
		pid  int
		beat int64
		want State
	}{
		{a.host, ended.Process.Pid, now(), Claimed},
		{"elsewhere", 1, now() - 2*StaleAfter.Milliseconds(), Claimed},
		{"elsewhere", 1, now(), Busy},
	} {
		p.ID = int64(10 + i)
		id := strings.Repeat("x", i+1)
		err := a.transaction(func(tx *sql.Tx) error {
			if _, err := tx.Exec("INSERT INTO owners VALUES (?, ?, ?, ?)", id, owner.host, owner.pid, owner.beat); err != nil {
				return err
			}
			_, err := tx.Exec("INSERT INTO claims VALUES ('s', ?, 0, ?)", p.ID, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		claim(a, owner.want)
	}
	c := mustOpen(t, folder)
	var owners int
	if err := c.db.QueryRow("SELECT count(*) FROM owners").Scan(&owners); err != nil || owners != 3 {
		t.Errorf("%d owners, %v, want this one, the first and the one elsewhere", owners, err)
	}
}

// TestOpenTogether: several at once make one set of tables, and each point is
// claimed once.
func TestOpenTogether(t *testing.T) {
	folder := t.TempDir()
	const stores, points = 6, 40
	var group sync.WaitGroup
	var mutex sync.Mutex
	claimed := map[int64]int{}
	for range stores {
		group.Go(func() {
			s, err := Open(folder)
			if err != nil {
				t.Error(err)
				return
			}
			for id := range int64(points) {
				state, err := s.Claim("s", Point{ID: id})
				if err != nil {
					t.Error(err)
				}
				if state == Claimed {
					mutex.Lock()
					claimed[id]++
					mutex.Unlock()
					row, evaluations := sampleRow(id)
					if err := s.Record("s", row, evaluations); err != nil {
						t.Error(err)
					}
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for id := range int64(points) {
		if claimed[id] != 1 {
			t.Errorf("point %d was claimed %d times", id, claimed[id])
		}
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, statement, want string }{
		{"another program", "CREATE TABLE x (y)", "not one of an exploration"},
		{"newer layout", "PRAGMA user_version = 99", "has layout 99"},
	} {
		folder := t.TempDir()
		if strings.Contains(c.name, "layout") {
			mustOpen(t, folder).Close()
		}
		db, err := sql.Open("sqlite", filepath.Join(folder, FileName))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(c.statement); err != nil {
			t.Fatal(err)
		}
		db.Close()
		for _, open := range []func(string) (*Store, error){Open, OpenExisting} {
			if _, err := open(folder); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), FileName) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	folder := t.TempDir()
	if _, err := OpenExisting(folder); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, FileName), []byte(strings.Repeat("no database ", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder); err == nil || !strings.Contains(err.Error(), FileName) {
		t.Errorf("no database: %v", err)
	}
}

func TestSweeps(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	if _, err := s.Find(""); err == nil {
		t.Error("an empty store has a latest sweep")
	}
	for _, key := range []string{"a", "b", "a"} {
		if err := s.Enter(&Sweep{Key: key, Description: outcome.Sweep{Name: "n" + key}, Saved: []byte(`{"x":1}`)}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Find(""); err != nil || got.Key != key || got.Description.Name != "n"+key || string(got.Saved) != `{"x":1}` {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func FuzzDecodeFigures(f *testing.F) {
	f.Add(`{"a":1,"b":"x","c":true}`)
	f.Add(`{"a":[1]}`)
	f.Add(`{"a":null`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := decodeFigures(text)
		if err != nil {
			return
		}
		again, err := encodeFigures(list)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeFigures(again)
		if err != nil || !slices.Equal(list, back) {
			t.Fatalf("%q becomes %q", text, again)
		}
	})
}

// TestReadOnly: a store is read where nothing may be written.
func TestReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is read-only to the superuser: run the tests as another user")
	}
	folder := t.TempDir()
	s := mustOpen(t, folder)
	row, evaluations := sampleRow(7)
	if err := s.Record("s", row, evaluations); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(folder, 0o755)
	r, err := OpenExisting(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := r.Row("s", row.Point); err != nil || got == nil || !r.ReadOnly() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Open(folder); err == nil {
		t.Error("opened for work")
	}
}

// TestManyOpenAtOnce: processes that make the file at the same moment wait for
// one another.
func TestManyOpenAtOnce(t *testing.T) {
	for range 20 {
		folder := t.TempDir()
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				s, err := Open(folder)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}
