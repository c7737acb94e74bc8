package compare_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/npusim/npusim/reports/compare"
)

// TestPageInBrowser: in a real browser the page runs without an error, and a
// click on a heading sorts the layers by its column, absent ones last.
func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser; run without -short")
	}
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium is installed (Debian package chromium)")
	}
	var page strings.Builder
	list := load(t, result([]string{"b", "a", "gone", "c"}, []int64{10, 200, 5, 3000}), result([]string{"b", "a", "c"}, []int64{20, 100, 3000}))
	if err := compare.WriteHTML(&page, compare.New(list)); err != nil {
		t.Fatal(err)
	}
	probes := []struct { // one click after the other
		column int
		want   string
	}{
		{0, "a b c gone, ascending"}, {0, "gone c b a, descending"},
		{2, "c a b gone, descending"}, {2, "gone b a c, ascending"}, // cycles of the first report
		{4, "b c a gone, descending"}, {4, "a c b gone, ascending"}, // change of cycles
	}
	var clicks, want []string
	for _, p := range probes {
		clicks, want = append(clicks, strconv.Itoa(p.column)), append(want, p.want)
	}
	text := strings.Replace(page.String(), "<head>", `<head><script>const errors = []; window.onerror = m => errors.push(m); addEventListener("securitypolicyviolation", e => errors.push(e.violatedDirective));</script>`, 1)
	text = strings.Replace(text, "</body>", `<script>
const found = [`+strings.Join(clicks, ",")+`].map(column => {
  heads[column].querySelector("button").click();
  return [...body.rows].map(r => r.cells[0].textContent).join(" ") + ", " + heads[column].getAttribute("aria-sort");
});
document.documentElement.dataset.probe = [...found, ...errors, performance.getEntriesByType("resource").length + " requests"].join("; ");
</script></body>`, 1)
	file := filepath.Join(t.TempDir(), "compare.html")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+file).Output()
	if err != nil {
		t.Skipf("the browser does not run here: %v", err)
	}
	found := regexp.MustCompile(`data-probe="([^"]*)"`).FindStringSubmatch(string(out))
	if found == nil {
		t.Fatal("the page has no result of the probe: its script failed")
	}
	if want := strings.Join(append(want, "0 requests"), "; "); found[1] != want {
		t.Errorf("the page shows %s, want %s", found[1], want)
	}
}
