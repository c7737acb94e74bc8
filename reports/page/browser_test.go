package page_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is a page in a real browser, with what went wrong in it.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string // of the console, and exceptions
	requests []string // addresses asked for
	dialogs  int
}

// findBrowser skips the test where there is none.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no browser: install Chromium (Debian: apt-get install chromium) to test the page in it")
	return ""
}

// open shows a page in a fresh browser.
func open(t *testing.T, html []byte) *browser {
	t.Helper()
	executable := findBrowser(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	// Tests may run as root, for whom the sandbox does not work.
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.ExecPath(executable), chromedp.NoSandbox))
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("%s does not start: %v", executable, err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(1280, 900))
	b.show(html)
	return b
}

// show goes to another page.
func (b *browser) show(html []byte) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "report.html")
	if err := os.WriteFile(file, html, 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		b.messages = append(b.messages, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.messages = append(b.messages, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		b.messages = append(b.messages, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		b.dialogs++
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func get[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// press focuses an element and presses a key.
func (b *browser) press(selector, key string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.CSS(selector)), chromedp.KeyEvent(key))
}

// frames waits until the browser has drawn what was asked for.
func (b *browser) frames() {
	b.t.Helper()
	b.do(chromedp.Sleep(60 * time.Millisecond))
}

// span is the stretch of cycles in view.
func (b *browser) span() (from, to int) {
	b.t.Helper()
	b.frames()
	s := get[[]int](b, `[+document.getElementById("timeline").dataset.from, +document.getElementById("timeline").dataset.to]`)
	return s[0], s[1]
}

// rows are the layers of the table from top to bottom, by their numbers.
func (b *browser) rows() string {
	b.t.Helper()
	return get[string](b, `[...document.querySelectorAll("#table tbody tr:not([hidden])")].map(r => +r.dataset.layer + 1).join(" ")`)
}

// media pretends to be paper, or a system with a theme.
func (b *browser) media(media, scheme string) {
	b.t.Helper()
	p := emulation.SetEmulatedMediaParams{Media: media}
	if scheme != "" {
		p.Features = []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, p); err != nil {
		b.t.Fatal(err)
	}
	b.frames()
}

// quiet checks that nothing went wrong and nothing but the file was asked for.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		b.t.Errorf("the console says: %s", m)
	}
	if len(b.requests) == 0 {
		b.t.Error("no request was seen, not even for the page")
	}
	for _, address := range b.requests {
		if !strings.HasPrefix(address, "file:") && !strings.HasPrefix(address, "data:") {
			b.t.Errorf("the page asks for %s", address)
		}
	}
	if b.dialogs > 0 {
		b.t.Errorf("%d dialogs opened", b.dialogs)
	}
}

// TestPageInBrowser uses the page of our own network as a reader would.
func TestPageInBrowser(t *testing.T) {
	findBrowser(t)
	result, html := glyphPage(t)
	b := open(t, html)
	t.Run("sort", func(t *testing.T) { b.t = t; testSort(b, len(result.Layers)) })
	t.Run("zoom", func(t *testing.T) { b.t = t; testZoom(b, int(result.Timing.Cycles)) })
	t.Run("choose", func(t *testing.T) { b.t = t; testChoose(b) })
	t.Run("keyboard", func(t *testing.T) { b.t = t; testKeyboard(b) })
	t.Run("theme", func(t *testing.T) { b.t = t; testTheme(b) })
	t.Run("print", func(t *testing.T) { b.t = t; testPrint(b) })
	b.t = t
	b.quiet()
}

func testSort(b *browser, layers int) {
	t := b.t
	var network []string
	for i := range layers {
		network = append(network, fmt.Sprint(i+1))
	}
	inOrder := strings.Join(network, " ")
	if got := b.rows(); got != inOrder {
		t.Fatalf("layers are listed as %s, want %s", got, inOrder)
	}
	cycles := `[...document.querySelectorAll("#table tbody tr")].map(r => +r.cells[3].dataset.sort)`
	falling := func(expression string) bool {
		list := get[[]int](b, expression)
		for i := 1; i < len(list); i++ {
			if list[i] > list[i-1] {
				return false
			}
		}
		return len(list) == layers
	}
	const button = `#table button[data-column="3"]` // cycles
	b.click(button)
	if b.rows() == inOrder || !falling(cycles) {
		t.Errorf("a click on Cycles gives %s", b.rows())
	}
	if sort := get[string](b, `document.querySelector('#table button[data-column="3"]').parentElement.getAttribute("aria-sort")`); sort != "descending" {
		t.Errorf("Cycles are said to be sorted %q", sort)
	}
	b.press(button, kb.Enter)
	if !falling("(" + cycles + ").reverse()") {
		t.Errorf("Enter on Cycles gives %s", b.rows())
	}
	b.click(`#table button[data-column="1"]`) // names
	if first := get[string](b, `document.querySelector("#table tbody th").textContent`); !strings.HasPrefix(first, "block1/") {
		t.Errorf("the first name is %s", first)
	}
	b.press(`#table button[data-column="0"]`, kb.Enter)
	if got := b.rows(); got != inOrder {
		t.Errorf("back in the order of the network the table is %s", got)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#filter"), "depthwise"))
	if got := b.rows(); got != "2 4 6 8 10" {
		t.Errorf("the filter leaves %s", got)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#filter"), strings.Repeat(kb.Backspace, len("depthwise"))))
}

func testZoom(b *browser, cycles int) {
	t := b.t
	b.do(chromedp.ScrollIntoView(chromedp.CSS("#timeline")))
	expect := func(what string, from, to int) {
		t.Helper()
		var f, e int
		for range 100 { // the page may handle the event a little later
			if f, e = b.span(); abs(f-from) <= 2 && abs(e-to) <= 2 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Errorf("%s shows cycles %d to %d, want %d to %d", what, f, e, from, to)
	}
	expect("at first the timeline", 0, cycles)
	b.click("#zoom-in")
	expect("the button +", cycles/4, 3*cycles/4)
	b.click("#left")
	expect("the button left", cycles/4-3*cycles/20, 3*cycles/4-3*cycles/20)
	b.click("#all")
	expect("the button All", 0, cycles)
	b.press("#timeline", kb.ArrowUp)
	expect("the up key", int(0.15*float64(cycles)), int(0.85*float64(cycles)))
	b.press("#timeline", kb.ArrowRight)
	expect("the right key", int(0.255*float64(cycles)), int(0.955*float64(cycles)))
	b.press("#timeline", kb.ArrowDown)
	expect("the down key", 0, cycles)
	if got := get[string](b, `document.getElementById("range").textContent`); !strings.Contains(got, "100.0 % of the inference") {
		t.Errorf("the range is written as %q", got)
	}

	// Drag with Shift marks, drag alone moves.
	area := get[[]float64](b, `(r => [r.left, r.top, r.width])(document.getElementById("timeline").getBoundingClientRect())`)
	left, width, y := area[0]+1+132, area[2]-2-140, area[1]+200
	drag := func(from, to float64, modifiers ...chromedp.Modifier) {
		t.Helper()
		options := []chromedp.MouseOption{chromedp.ButtonLeft}
		if len(modifiers) > 0 {
			options = append(options, chromedp.ButtonModifiers(modifiers...))
		}
		at := func(share float64) float64 { return left + share*width }
		b.do(chromedp.MouseEvent("mouseMoved", at(from), y), chromedp.MouseEvent("mousePressed", at(from), y, append(options, chromedp.ClickCount(1))...),
			chromedp.MouseEvent("mouseMoved", at((from+to)/2), y, options...), chromedp.MouseEvent("mouseMoved", at(to), y, options...),
			chromedp.MouseEvent("mouseReleased", at(to), y, append(options, chromedp.ClickCount(1))...))
	}
	drag(0.5, 0.75, chromedp.ModifierShift)
	near := func(what string, from, to float64) {
		t.Helper()
		f, e := b.span()
		if d := 0.01 * float64(cycles); float64(abs(f-int(from*float64(cycles)))) > d || float64(abs(e-int(to*float64(cycles)))) > d {
			t.Errorf("%s shows cycles %d to %d of %d, want about %.0f to %.0f", what, f, e, cycles, from*float64(cycles), to*float64(cycles))
		}
	}
	near("a marked quarter", 0.5, 0.75)
	drag(0.2, 0.6)
	near("a drag to the right", 0.4, 0.65)
	b.press("#timeline", kb.Home)
	expect("Home", 0, cycles)
	for range 60 {
		b.click("#zoom-in")
	}
	if from, to := b.span(); to-from != 16 {
		t.Errorf("the closest look shows cycles %d to %d, want 16 of them", from, to)
	}
	b.click("#all")
}

func testChoose(b *browser) {
	t := b.t
	b.press("#timeline", kb.Home)
	b.do(chromedp.KeyEvent(kb.PageDown), chromedp.KeyEvent(kb.PageDown))
	b.frames()
	if got := get[string](b, `document.getElementById("detail").textContent`); !strings.HasPrefix(got, "block1/depthwise (Conv+BN+Clip); 432 cycles") {
		t.Errorf("Page Down twice tells %q", got)
	}
	if got := get[string](b, `document.querySelector("#table tr.chosen th").textContent`); got != "block1/depthwise" {
		t.Errorf("the table marks %q", got)
	}
	b.press("#timeline", kb.Escape)
	if n := get[int](b, `document.querySelectorAll(".chosen").length`); n != 0 {
		t.Errorf("Escape leaves %d marks", n)
	}
	b.click(`#table tbody tr[data-layer="10"] button`)
	from, to := b.span()
	if length := to - from; length < 1244 || length > 1600 {
		t.Errorf("a click on block5/pointwise shows cycles %d to %d, want its 1,244 and some room", from, to)
	}
	b.click(".findings li:nth-child(2) button[data-layer]")
	if got := get[string](b, `document.querySelector("#table tr.chosen th").textContent`); got != "classifier" {
		t.Errorf("the finding about the classifier chooses %q", got)
	}
	// A group of rows can be shown and hidden.
	before := get[int](b, `document.querySelector("#timeline canvas").height`)
	b.click("[data-group=Semaphores]")
	b.frames()
	if after := get[int](b, `document.querySelector("#timeline canvas").height`); after <= before {
		t.Errorf("with semaphores the timeline is %d pixels high, without %d", after, before)
	}
	b.click("[data-group=Semaphores]")
	b.press("#timeline", kb.Home)
}

// testKeyboard walks through the page with the tab key.
func testKeyboard(b *browser) {
	t := b.t
	b.do(chromedp.Reload())
	const active = `(e => e.id || e.dataset.column || (e.dataset.layer !== undefined ? "layer" : "") || e.getAttribute("href") || e.dataset.group || e.getAttribute("class") || e.tagName)(document.activeElement)`
	var order []string
	for range 90 {
		b.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, get[string](b, active))
	}
	path := " " + strings.Join(order, " ") + " "
	at := -1
	for _, stop := range []string{"#main", "theme", "#bound", "zoom-in", "layer", "Units", "timeline", "filter", "0", "3", "dot", "dot"} {
		next := strings.Index(path[at+1:], " "+stop+" ")
		if next < 0 {
			t.Fatalf("the tab key does not reach %q after the stops before; it goes %s", stop, path)
		}
		at += 1 + next
	}
	// Inside a chart the arrow keys go from mark to mark.
	b.do(chromedp.Focus(chromedp.CSS(`#roofline-chart .dot[tabindex="0"]`)))
	first := get[string](b, `document.getElementById("roofline-detail").textContent`)
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	if second := get[string](b, `document.getElementById("roofline-detail").textContent`); !strings.HasPrefix(first, "stem/conv") || !strings.HasPrefix(second, "block1/depthwise") {
		t.Errorf("the roofline tells %q, then %q", first, second)
	}
}

const background = `getComputedStyle(document.body).backgroundColor`

// pixels is a copy of the timeline, of which pixels can be read.
const pixels = `(canvas => {
	const copy = document.createElement("canvas");
	copy.width = canvas.width;
	copy.height = canvas.height;
	const pen = copy.getContext("2d", {willReadFrequently: true});
	pen.drawImage(canvas, 0, 0);
	return pen.getImageData(0, 0, copy.width, copy.height);
})(document.querySelector("#timeline canvas"))`

// corner is the colour of the timeline's corner.
const corner = `[...` + pixels + `.data.slice(0, 3)].join(" ")`

// drawn are the pixels of the timeline in a colour of the palette.
func (b *browser) drawn(key string) int {
	return get[int](b, `(c => {
		const n = parseInt(c.trim().slice(1), 16), d = `+pixels+`.data;
		let count = 0;
		for (let i = 0; i < d.length; i += 4) if ((d[i] << 16 | d[i + 1] << 8 | d[i + 2]) === n) count++;
		return count;
	})(getComputedStyle(document.documentElement).getPropertyValue("--c-`+key+`"))`)
}

func testTheme(b *browser) {
	t := b.t
	check := func(what, body, canvas string) {
		t.Helper()
		b.frames()
		if got := get[string](b, background); got != body {
			t.Errorf("%s: the page is %s, want %s", what, got, body)
		}
		if got := get[string](b, corner); got != canvas {
			t.Errorf("%s: the timeline is %s, want %s", what, got, canvas)
		}
	}
	const white, whiteCanvas, night, nightCanvas = "rgb(255, 255, 255)", "255 255 255", "rgb(20, 23, 27)", "20 23 27"
	b.media("", "light")
	check("light system", white, whiteCanvas)
	b.media("", "dark")
	check("dark system", night, nightCanvas)
	b.click("#theme")
	check("light by choice", white, whiteCanvas)
	b.media("", "light")
	b.press("#theme", kb.Enter)
	check("dark by choice", night, nightCanvas)
	if got := get[string](b, `document.getElementById("theme").textContent`); got != "Light theme" {
		t.Errorf("in the dark the button says %q", got)
	}
	// What each colour stands for is there.
	for _, key := range []string{"mac", "pipeline", "vector", "dram", "weights", "activations", "metadata"} {
		if n := b.drawn(key); n < 30 {
			t.Errorf("%d pixels of the timeline are in the colour of %s", n, key)
		}
	}
}

// testPrint begins in the dark theme: paper is white.
func testPrint(b *browser) {
	t := b.t
	b.media("print", "")
	if got := get[string](b, background); got != "rgb(255, 255, 255)" {
		t.Errorf("on paper the page is %s", got)
	}
	if n := get[int](b, `[...document.querySelectorAll(".screen, #tip")].filter(e => e.getClientRects().length > 0).length`); n != 0 {
		t.Errorf("%d controls are printed", n)
	}
	for _, selector := range []string{".cards", ".findings", "#timeline canvas", "#table", "#roofline-chart svg", "#sqnr-chart svg"} {
		if get[int](b, `document.querySelector("`+selector+`").getClientRects().length`) == 0 {
			t.Errorf("%s is not printed", selector)
		}
	}
	b.media("", "")
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 20_000 {
		t.Errorf("the printed page has %d bytes and begins with %q", len(pdf), pdf[:min(len(pdf), 8)])
	}
	b.frames()
	if got := get[string](b, background); got != "rgb(20, 23, 27)" {
		t.Errorf("after printing the page is %s, not dark as before", got)
	}
}

// TestOddPagesInBrowser: names of layers are text, whatever they hold, and where
// there is nothing to draw, nothing breaks.
func TestOddPagesInBrowser(t *testing.T) {
	findBrowser(t)
	b := open(t, hostilePage(t))
	if got := get[string](b, `document.querySelector("#table tbody th").textContent`); got != hostileNames[0] {
		t.Errorf("the first layer is shown as %q, want %q", got, hostileNames[0])
	}
	if got := get[int](b, `document.querySelectorAll("script").length`); got != 2 {
		t.Errorf("the page has %d scripts, want 2", got)
	}
	for range hostileNames {
		b.press("#timeline", kb.PageDown)
	}
	if get[bool](b, `"harmed" in window`) {
		t.Error("a name was run as a script")
	}
	for i, r := range emptyResults() {
		b.show(render(t, r))
		b.press("#timeline", kb.ArrowUp)
		b.press("#timeline", kb.PageDown)
		b.frames()
		if text := get[string](b, `document.body.innerText`); strings.Contains(text, "NaN") || strings.Contains(text, "undefined") || strings.Contains(text, "Infinity") {
			t.Errorf("page %d says:\n%s", i, text)
		}
	}
	b.quiet()
}

func abs(n int) int { return max(n, -n) }
