package front

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browser finds a Chromium.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium found: install it (Debian: apt-get install chromium) to test the page in a browser")
	return ""
}

// act is what the reader of a page does, as a script that notes what it finds in
// attributes of the document.
const act = `<script>
addEventListener("load", () => {
  const root = document.documentElement, by = (id) => document.getElementById(id);
  const frames = (n, f) => setTimeout(f, 60 * n);
  const canvas = by("scatter"), key = (k) => canvas.dispatchEvent(new KeyboardEvent("keydown", {key: k, cancelable: true}));
  const inked = (id) => {
    const c = by(id), pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
    for (let i = 0; i < pixels.length; i += 4) seen.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
    return seen.size;
  };
  const pointer = (type, c, x, y) => {
    const r = c.getBoundingClientRect();
    c.setPointerCapture = () => {};
    c.dispatchEvent(new PointerEvent(type, {clientX: r.left + x * r.width, clientY: r.top + y * r.height, button: 0, pointerId: 1, bubbles: true}));
  };
  const drawn = () => by("passed").textContent;
  frames(2, () => {
    root.dataset.colours = [inked("scatter"), inked("parallel")];
    root.dataset.drawn = drawn();
    root.dataset.linked = by("detail").textContent;
    key("Escape");
    key("f");
    frames(2, () => {
      root.dataset.chosen = location.hash + " " + by("detail").querySelector("h3").textContent + " " + by("detail").querySelector("p").textContent;
      root.dataset.toml = by("detail").querySelector("pre").textContent;
      root.dataset.command = by("detail").querySelectorAll("pre")[1].textContent;
      pointer("pointerdown", canvas, 0.2, 0.2);
      pointer("pointermove", canvas, 0.4, 0.9);
      pointer("pointerup", canvas, 0.5, 0.95);
      frames(2, () => {
        root.dataset.brushed = drawn() + " " + by("filters").children.length;
        key("Escape");
        by("filter-by").value = "3";
        by("filter-from").value = "32";
        by("filter-form").requestSubmit();
        frames(2, () => {
          root.dataset.filtered = drawn();
          by("only-front").click();
          by("front").querySelectorAll("thead button")[0].click();
          frames(2, () => {
            root.dataset.front = drawn() + " " + by("front").querySelectorAll("tbody tr").length + " " + by("front").querySelector("tbody button").textContent;
            const before = getComputedStyle(document.body).backgroundColor;
            by("theme").click();
            root.dataset.themes = before + " " + getComputedStyle(document.body).backgroundColor;
            root.dataset.bars = document.querySelectorAll("#sensitivity .bar").length;
            root.dataset.done = "true";
          });
        });
      });
    });
  });
});
</script>`

// visit opens a page, acts, and returns the attributes of the document.
func visit(t *testing.T, e *Exploration, fragment string) map[string]string {
	t.Helper()
	chromium := browser(t)
	var page bytes.Buffer
	if err := WritePage(&page, e); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "explore.html")
	// A browser without a screen draws frames when it likes; timers keep order.
	content := strings.Replace(page.String(), "<head>", "<head><script>window.requestAnimationFrame = (f) => setTimeout(f, 16);</script>", 1)
	content = strings.Replace(content, "</body>", act+"</body>", 1)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1200", "--virtual-time-budget=20000",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", "file://"+path+fragment)
	var faults bytes.Buffer
	command.Stderr = &faults
	dom, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, faults.Bytes())
	}
	start := bytes.Index(dom, []byte("<html"))
	if start < 0 {
		t.Fatalf("no document:\n%s\n%s", dom, faults.Bytes())
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`data-([a-z]+)="([^"]*)"`).FindAllSubmatch(dom[start:start+bytes.IndexByte(dom[start:], '>')], -1) {
		found[string(m[1])] = string(m[2])
	}
	return found
}

// TestPageInBrowser uses the page as a reader does: a link to a point, keys,
// brush, filter, sorting, themes.
func TestPageInBrowser(t *testing.T) {
	e := space(500)
	members := e.members()
	last := &e.Points[members[len(members)-1]]
	got := visit(t, e, fmt.Sprintf("#point=%d", last.ID))
	if got["fault"] != "" || got["ready"] != "true" || got["done"] != "true" {
		t.Fatalf("the page says %v", got)
	}
	var scatter, parallel int
	if _, err := fmt.Sscanf(got["colours"], "%d,%d", &scatter, &parallel); err != nil || scatter < 20 || parallel < 100 {
		t.Errorf("colours drawn: %s", got["colours"])
	}
	if want := fmt.Sprintf("%d points drawn", len(e.Points)-e.count(Failed)); got["drawn"] != want {
		t.Errorf("%s, want %s", got["drawn"], want)
	}
	if !strings.HasPrefix(got["linked"], fmt.Sprintf("Point %d", last.ID)+"on the Pareto front") {
		t.Errorf("the link to point %d shows %q", last.ID, got["linked"])
	}
	// F goes to the best point of the axis across.
	first := &e.Points[members[0]]
	if want := fmt.Sprintf("#point=%d Point %d on the Pareto front", first.ID, first.ID); got["chosen"] != want {
		t.Errorf("F chooses %q, want %q", got["chosen"], want)
	}
	size, mode := e.Axes[0].Values[first.Values[0]].Label, e.Axes[3].Values[first.Values[3]].Label
	value := func(axis int) string { return e.Axes[axis].Values[first.Values[axis]].Label }
	want := "inherit = \"edge\"\n\n[dram]\ntier = \"linear\"\nchannels = " + value(4) + "\n\n[[quantization.layer]]\nmatch = \"stem*\"\n\n[mac_array]\nrows = " + size + "\ncolumns = " + size +
		"\n\n[npu]\nweight_buffer_kib = " + value(1) + "\nclock_mhz = " + value(5) + "\n\n[quantization]\nweight_bits = " + value(2) + "\nweights = \"" + mode + "\"\n"
	if toml := strings.ReplaceAll(got["toml"], "&quot;", `"`); toml != want {
		t.Errorf("configuration is\n%swant\n%s", toml, want)
	}
	if want := fmt.Sprintf("npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml --config point-%d.toml", first.ID); got["command"] != want {
		t.Errorf("command is\n%s", got["command"])
	}
	brushed, err := strconv.Atoi(strings.Fields(got["brushed"])[0])
	if err != nil || brushed < 1 || brushed > 450 || !strings.HasSuffix(got["brushed"], " 2") {
		t.Errorf("after a brush: %q", got["brushed"])
	}
	large, front := 0, 0
	for i := range e.Points {
		if p := &e.Points[i]; p.Status != Failed && p.Values[0] >= 3 {
			large++
			if p.OnFront {
				front++
			}
		}
	}
	if want := fmt.Sprintf("%d points drawn", large); got["filtered"] != want {
		t.Errorf("arrays of 32 and more: %q, want %q", got["filtered"], want)
	}
	lowest := first.ID
	for _, i := range members {
		lowest = min(lowest, e.Points[i].ID)
	}
	if want := fmt.Sprintf("%d points drawn %d #%d", front, len(members), lowest); got["front"] != want {
		t.Errorf("front: %q, want %q", got["front"], want)
	}
	if before, after, _ := strings.Cut(got["themes"], ") "); before+")" == after {
		t.Errorf("the theme stays: %s", got["themes"])
	}
	if got["bars"] != strconv.Itoa(len(e.Axes)*len(e.Objectives)) {
		t.Errorf("%s bars", got["bars"])
	}
}

// TestOddPagesInBrowser: no exploration breaks the script.
func TestOddPagesInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("opens several pages in a browser; run without -short")
	}
	all := odd()
	for _, name := range []string{"bare", "failed", "hostile"} {
		e, chromium := all[name], browser(t)
		path := filepath.Join(t.TempDir(), "explore.html")
		if err := os.WriteFile(path, write(t, func(w io.Writer) error { return WritePage(w, e) }), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		dom, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000",
			"--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+path).Output()
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(dom, []byte(`data-ready="true"`)) || bytes.Contains(dom, []byte("data-fault")) {
			t.Errorf("%s: the page is not ready or has a fault:\n%.400s", name, dom)
		}
	}
}
