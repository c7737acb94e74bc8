// The roofline: a dot a layer, operations a byte of DRAM traffic against
// operations a second, below what array and memory allow.

// Shapes tell bounds apart without colour.
const shapes = {
  mac: (r) => `M0 ${-r}A${r} ${r} 0 1 1 0 ${r}A${r} ${r} 0 1 1 0 ${-r}Z`,
  dram: (r) => `M0 ${-1.2 * r}L${1.1 * r} ${0.85 * r}L${-1.1 * r} ${0.85 * r}Z`,
  pipeline: (r) => `M${-0.9 * r} ${-0.9 * r}H${0.9 * r}V${0.9 * r}H${-0.9 * r}Z`,
  vector: (r) => `M0 ${-1.25 * r}L${1.25 * r} 0L0 ${1.25 * r}L${-1.25 * r} 0Z`,
  lookup: (r) => `M0 ${1.2 * r}L${1.1 * r} ${-0.85 * r}L${-1.1 * r} ${-0.85 * r}Z`,
};
const shapeOf = (key) => shapes[key] || shapes.vector;

// powers are the ticks of a logarithmic axis: 1, 2, 5 or decades alone.
function powers(low, high) {
  const decades = Math.log10(high / low);
  const list = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++) {
    for (const m of decades > 3 ? [1] : decades > 1 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 8]) {
      const v = m * 10 ** p;
      if (v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9)) list.push(v);
    }
  }
  return list;
}

// follow moves the focus among the marks of a chart with the arrow keys, so that
// the chart is one stop of the tab key.
function follow(marks, tell) {
  marks.forEach((m, i) => {
    m.setAttribute("tabindex", i === 0 ? "0" : "-1");
    m.addEventListener("keydown", (e) => {
      const to = {ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: marks.length - 1}[e.key];
      if (e.key === "Enter" || e.key === " ") {
        e.preventDefault();
        m.dispatchEvent(new MouseEvent("click", {bubbles: true}));
      }
      if (to === undefined) return;
      e.preventDefault();
      const next = marks[Math.max(0, Math.min(marks.length - 1, to))];
      marks.forEach((k) => k.setAttribute("tabindex", k === next ? "0" : "-1"));
      next.focus();
    });
    m.addEventListener("focus", () => tell(i));
  });
}

function startRoofline() {
  const host = byId("roofline-chart");
  const seconds = data.nsPerCycle * 1e-9;
  const peak = data.macsPerCycle / seconds, bandwidth = data.bytesPerCycle / seconds;
  const dots = [];
  let silent = 0;
  data.layers.forEach((l, i) => {
    if (l.macs === 0 || l.cycles === 0) silent++;
    else dots.push({i, l, rate: l.macs / (l.cycles * seconds), intensity: l.bytes > 0 ? l.macs / l.bytes : Infinity});
  });
  if (!dots.length || !(peak > 0) || !(bandwidth > 0)) {
    host.append(make("p", {}, "There is no roofline: " + (dots.length ? "the result does not tell the peaks of array and memory." : "no layer multiplies.")));
    return;
  }
  const ridge = peak / bandwidth;
  const finite = dots.filter((d) => isFinite(d.intensity)).map((d) => d.intensity);
  const noTraffic = dots.some((d) => !isFinite(d.intensity));
  const xLow = Math.min(ridge / 4, ...finite) / 1.5, xHigh = Math.max(ridge * 8, ...finite) * (noTraffic ? 4 : 1.8);
  const yHigh = peak * 1.8, yLow = Math.min(peak / 20, ...dots.map((d) => d.rate)) / 1.5;
  const width = 960, height = 430, left = 70, right = 20, top = 14, bottom = 46;
  const x = (v) => left + (width - left - right) * Math.log(Math.min(v, xHigh / 1.25) / xLow) / Math.log(xHigh / xLow);
  const xTick = (v) => left + (width - left - right) * Math.log(v / xLow) / Math.log(xHigh / xLow);
  const y = (v) => top + (height - top - bottom) * (1 - Math.log(v / yLow) / Math.log(yHigh / yLow));
  const svg = draw(host, "svg", {viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Roofline: a mark a layer; arrow keys go from mark to mark"});
  for (const v of powers(xLow, xHigh)) {
    draw(svg, "line", {class: "grid", x1: xTick(v), x2: xTick(v), y1: top, y2: height - bottom});
    draw(svg, "text", {class: "faint", x: xTick(v), y: height - bottom + 16, "text-anchor": "middle"}, quantity(v, "").replace(/\.0+(?= |$)/, "").trim());
  }
  for (const v of powers(yLow, yHigh)) {
    draw(svg, "line", {class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v)});
    draw(svg, "text", {class: "faint", x: left - 6, y: y(v) + 4, "text-anchor": "end"}, grouped(String(Number((v / 1e9).toPrecision(3)))));
  }
  draw(svg, "text", {x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle"}, "MACs a byte of DRAM traffic" + (noTraffic ? " (right edge: no traffic)" : ""));
  draw(svg, "text", {x: 16, y: (top + height - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 16 ${(top + height - bottom) / 2})`}, "GMAC/s in the layer's window");
  const start = Math.max(xLow, yLow / bandwidth);
  draw(svg, "path", {class: "roof", d: `M${xTick(start)} ${y(start * bandwidth)}L${xTick(ridge)} ${y(peak)}H${width - right}`});
  draw(svg, "text", {x: width - right - 4, y: y(peak) - 7, "text-anchor": "end"}, "array: " + quantity(peak, "MAC/s"));
  const slope = Math.atan2(y(peak) - y(start * bandwidth), xTick(ridge) - xTick(start)) * 180 / Math.PI;
  const mx = (xTick(start) + xTick(ridge)) / 2, my = (y(start * bandwidth) + y(peak)) / 2 - 7;
  draw(svg, "text", {x: mx, y: my, "text-anchor": "middle", transform: `rotate(${slope} ${mx} ${my})`}, "DRAM: " + quantity(bandwidth, "B/s"));
  draw(svg, "text", {class: "faint", x: xTick(ridge) + 6, y: height - bottom - 6}, "ridge: " + digits(ridge) + " MACs a byte");
  draw(svg, "line", {class: "grid", x1: xTick(ridge), x2: xTick(ridge), y1: y(peak), y2: height - bottom, "stroke-dasharray": "4 3"});

  const words = (d) => d.l.name + " (" + d.l.op + "): " + quantity(d.rate, "MAC/s") + ", " + share(d.rate, peak) + " of the array; " +
    (isFinite(d.intensity) ? digits(d.intensity) + " MACs a byte, the roof there is " + quantity(Math.min(peak, d.intensity * bandwidth), "MAC/s") : "no DRAM traffic") +
    "; " + share(d.l.cycles, data.cycles) + " of the cycles; bound: " + d.l.bound;
  const detail = byId("roofline-detail");
  const marks = new Array(dots.length);
  const order = dots.map((d, k) => k).sort((a, b) => dots[b].l.cycles - dots[a].l.cycles); // small ones on top
  for (const k of order) {
    const d = dots[k];
    const r = 4 + 14 * Math.sqrt(d.l.cycles / whole);
    const m = draw(svg, "path", {class: "dot", d: shapeOf(d.l.color)(r), transform: `translate(${x(d.intensity)} ${y(d.rate)})`, style: `fill:var(--c-${d.l.color})`, role: "img", "aria-label": words(d)});
    m.addEventListener("pointermove", (e) => showTip(words(d).replaceAll("; ", "\n"), e.clientX, e.clientY));
    m.addEventListener("pointerleave", hideTip);
    m.addEventListener("click", () => choose(d.i, "roofline"));
    marks[k] = m;
  }
  follow(marks, (k) => { detail.textContent = words(dots[k]); });
  choosing.push((layer) => marks.forEach((m, k) => m.classList.toggle("chosen", dots[k].i === layer)));

  const seen = new Map(dots.map((d) => [d.l.color, d.l.bound]));
  const legend = make("p", {class: "legend"});
  for (const [key, name] of seen) {
    const entry = make("span", {});
    const icon = draw(entry, "svg", {viewBox: "-8 -8 16 16", style: "display:inline-block;width:1em;height:1em;vertical-align:-.12em;margin-right:.35em", "aria-hidden": "true"});
    draw(icon, "path", {d: shapeOf(key)(6), style: `fill:var(--c-${key})`});
    entry.append("bound: " + name);
    legend.append(entry);
  }
  legend.append(make("span", {}, "The larger the mark, the more cycles." + (silent ? " " + silent + (silent === 1 ? " layer" : " layers") + " without multiplications not drawn." : "") +
    " Layers overlap: one whose bytes arrive during the layer before can lie above the slanted roof."));
  host.append(legend);
}
