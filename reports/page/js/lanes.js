// Rows of the timeline about units: layers, what each unit does and waits for,
// semaphores.

// A row has a name, a height in pixels, paint(pen, area), and find(cycle, share
// of the height from the top) that says what is there: {text, from, to, layer}.
// An area is {left, top, width, height}.

const xOf = (area, cycle) => area.left + (cycle - view.from) / (view.to - view.from) * area.width;

// hatched is a pattern of stripes in a colour.
function hatched(pen, c) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const p = tile.getContext("2d");
  p.strokeStyle = c;
  p.lineWidth = 1.8;
  p.beginPath();
  for (const d of [-6, 0, 6]) {
    p.moveTo(d - 1, 7);
    p.lineTo(d + 7, -1);
  }
  p.stroke();
  return pen.createPattern(tile, "repeat");
}

// label writes a text into a rectangle if it fits, shortened in the middle.
function label(pen, text, x, y, width, height, ink) {
  if (width < 26 || height < 13) return;
  let s = text;
  const fits = (t) => pen.measureText(t).width <= width - 8;
  if (!fits(s)) {
    let keep = Math.min(text.length - 1, Math.floor((width - 8) / 5));
    for (; keep > 2; keep--) {
      s = text.slice(0, Math.ceil(keep / 2) - 1) + "…" + text.slice(text.length - Math.floor(keep / 2));
      if (fits(s)) break;
    }
    if (keep <= 2) return;
  }
  pen.fillStyle = ink;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(s, x + 4, y + height / 2 + 0.5);
}

const layersRow = {
  name: "layers", group: "Units", height: 26,
  paint(pen, area) {
    const layers = data.layers;
    for (let i = firstAfter(layers.length, (k) => layers[k].start + layers[k].cycles, view.from); i < layers.length && layers[i].start < view.to; i++) {
      const l = layers[i];
      const x0 = Math.max(area.left, xOf(area, l.start)), x1 = Math.min(area.left + area.width, xOf(area, l.start + l.cycles));
      const c = color(l.color);
      pen.fillStyle = c;
      pen.fillRect(x0, area.top, Math.max(0.5, x1 - x0 - (x1 - x0 > 3 ? 1 : 0)), area.height);
      label(pen, l.name, x0, area.top, x1 - x0, area.height, inkOn(c));
    }
  },
  find(cycle) {
    const layers = data.layers;
    const i = firstAfter(layers.length, (k) => layers[k].start + layers[k].cycles, cycle);
    const l = layers[i];
    if (!l || l.start > cycle) return null;
    const lines = [l.name + " (" + l.op + ")", count(l.cycles) + " cycles, " + duration(l.cycles) + ", " + share(l.cycles, data.cycles) + " of the inference; bound: " + l.bound,
      count(l.macs) + " MACs, " + quantity(l.bytes, "B") + " of DRAM traffic"];
    if (l.sqnr !== undefined) lines.push("SQNR " + l.sqnr.toFixed(1) + " dB");
    return {text: lines.join("\n"), from: l.start, to: l.start + l.cycles, layer: i};
  },
};

// Parts of a span, in the order in which they are stacked and drawn.
const busyPart = 0, overheadPart = 1, portPart = 2, dramPart = 3, waitPart = 4, parts = 5;

// decode unpacks the spans of a track.
function decode(track) {
  const fields = 12, n = track.spans.length / fields;
  const t = {unit: track.unit, color: track.color, n, start: new Float64Array(n), end: new Float64Array(n), spans: track.spans, split: new Float64Array(n * parts)};
  let at = 0;
  for (let i = 0; i < n; i++) {
    const s = track.spans, o = i * fields;
    t.start[i] = at + s[o];
    t.end[i] = at = t.start[i] + s[o + 1];
    const p = i * parts;
    t.split[p + overheadPart] = s[o + 6] + s[o + 7];
    t.split[p + portPart] = s[o + 8];
    t.split[p + dramPart] = s[o + 9];
    t.split[p + waitPart] = s[o + 10];
    t.split[p + busyPart] = s[o + 1] - s[o + 6] - s[o + 7] - s[o + 8] - s[o + 9] - s[o + 10];
  }
  t.field = (i, k) => track.spans[i * fields + k];
  return t;
}

const known = new Set(["weights", "corrections", "masks", "activations", "metadata", "sums"]);
const classColor = (i) => (known.has(data.classes[i]) ? data.classes[i] : "other");
const isWait = (t, i) => t.field(i, 3) < 0;
const busyColor = (t, i) => t.color || (t.field(i, 4) >= 0 ? classColor(t.field(i, 4)) : "busy");

function unitRow(track) {
  const t = decode(track);
  return {
    name: t.unit, group: "Units", height: 34, track: t,
    paint(pen, area) {
      const paint = [null, color("pipeline"), hatched(pen, color("pipeline")), hatched(pen, color("dram")), hatched(pen, color("semaphore"))];
      const columns = Math.ceil(area.width);
      const bins = new Map(); // paint to cycles by pixel column
      const bin = (key, i, x0, x1, cycles) => {
        let list = bins.get(key);
        if (!list) bins.set(key, list = new Float64Array(columns + 1));
        const a = Math.max(0, Math.min(columns, Math.floor(x0))), b = Math.max(0, Math.min(columns, Math.floor(x1)));
        if (a === b || x1 <= x0) list[a] += cycles;
        else for (let c = a; c <= b; c++) list[c] += cycles * Math.max(0, Math.min(c + 1, x1) - Math.max(c, x0)) / (x1 - x0);
      };
      const right = area.left + area.width;
      for (let i = firstAfter(t.n, (k) => t.end[k], view.from); i < t.n && t.start[i] < view.to; i++) {
        const x0 = xOf(area, t.start[i]), x1 = xOf(area, t.end[i]);
        if (x1 - x0 < 3) {
          for (let p = 0; p < parts; p++) {
            const cycles = t.split[i * parts + p];
            if (cycles > 0) bin(p === busyPart ? busyColor(t, i) : p, i, x0 - area.left, x1 - area.left, cycles);
          }
        } else {
          paintSpan(pen, area, t, i, x0, x1, paint, right);
        }
      }
      const perColumn = (view.to - view.from) / area.width;
      const filled = new Float64Array(columns + 1);
      const order = [...bins.keys()].sort((a, b) => (typeof a === "number") - (typeof b === "number") || (a < b ? -1 : 1));
      for (const key of order) {
        pen.fillStyle = typeof key === "number" ? paint[key] : color(key);
        const list = bins.get(key);
        for (let c = 0; c <= columns; c++) {
          if (list[c] === 0) continue;
          const h = Math.min(area.height - filled[c], list[c] / perColumn * area.height);
          pen.fillRect(area.left + c, area.top + area.height - filled[c] - h, 1, h);
          filled[c] += h;
        }
      }
    },
    find(cycle) {
      const i = firstAfter(t.n, (k) => t.end[k], cycle);
      if (i >= t.n) return cycle < data.cycles ? {text: t.unit + ": finished"} : null;
      if (t.start[i] > cycle) return null;
      return {text: spanText(t, i), from: t.start[i], to: t.end[i], layer: t.field(i, 2)};
    },
  };
}

// paintSpan draws a span that is wide enough to tell its parts.
function paintSpan(pen, area, t, i, x0, x1, paint, right) {
  const split = t.split.subarray(i * parts, i * parts + parts);
  const total = t.end[i] - t.start[i];
  const clip = (a, b, y, h, style) => {
    a = Math.max(a, area.left);
    b = Math.min(b, right);
    if (b <= a) return;
    pen.fillStyle = style;
    pen.fillRect(a, y, b - a, h);
  };
  const edge = x1 - x0 > 6 ? 1 : 0;
  const busy = color(busyColor(t, i));
  if (t.field(i, 11) > 0) { // several spans in one: stacked by their sums
    let y = area.top + area.height;
    for (let p = 0; p < parts; p++) {
      const h = split[p] / total * area.height;
      y -= h;
      clip(x0, x1 - edge, y, h, p === busyPart ? busy : paint[p]);
    }
  } else if (isWait(t, i)) {
    clip(x0, x1 - edge, area.top, area.height, paint[split[dramPart] > 0 ? dramPart : waitPart]);
  } else { // fill comes first, drain and port waits last
    const scale = (x1 - x0) / total;
    const fill = x0 + t.field(i, 6) * scale, stream = fill + split[busyPart] * scale, drain = stream + t.field(i, 7) * scale;
    clip(x0, fill, area.top, area.height, paint[overheadPart]);
    clip(fill, Math.min(stream, Math.max(fill, x1 - edge)), area.top, area.height, busy);
    clip(stream, Math.min(drain, x1 - edge), area.top, area.height, paint[overheadPart]);
    clip(drain, x1 - edge, area.top, area.height, paint[portPart]);
  }
  const layer = t.field(i, 2);
  if (layer < 0 || split[busyPart] === 0) return;
  let a = x0, b = x1; // where the busy part is
  if (t.field(i, 11) === 0) {
    a += t.field(i, 6) / total * (x1 - x0);
    b = a + split[busyPart] / total * (x1 - x0);
  }
  a = Math.max(a, area.left);
  b = Math.min(b, right);
  label(pen, layerName(layer), a, area.top, b - a, area.height, inkOn(busy));
}

// spanText says what a span is.
function spanText(t, i) {
  const f = (k) => t.field(i, k);
  const length = t.end[i] - t.start[i];
  const lines = [];
  const spent = [["busy", t.split[i * parts]], ["fill", f(6)], ["drain", f(7)], ["waiting for a scratchpad port", f(8)], ["waiting for DRAM", f(9)], ["waiting for a semaphore", f(10)]]
    .filter((s) => s[1] > 0).map((s) => count(s[1]) + " " + s[0]);
  if (isWait(t, i)) {
    lines.push(t.unit + " waits for semaphore " + f(4) + (f(9) > 0 ? ": a transfer is not complete" : ": another unit has not finished, or no buffer is free"));
  } else {
    lines.push(t.unit + ": " + data.operations[f(3)] + " of " + layerName(f(2)));
    if (f(4) >= 0) lines.push(quantity(f(5), "B") + " of " + data.classes[f(4)]);
    else if (f(5) > 0) lines.push(count(f(5)) + " MACs, padding included" + (data.macsPerCycle > 0 ? ": " + share(f(5), length * data.macsPerCycle) + " of the peak" : ""));
  }
  lines.push(duration(length) + ", " + count(length) + " cycles from cycle " + count(t.start[i]));
  if (spent.length > 1) lines.push("cycles: " + spent.join(", "));
  if (f(11) > 0) lines.push("stands for " + (f(11) + 1) + " operations and waits, named after the longest");
  return lines.join("\n");
}

// Signals that somebody waited for.
const linkFields = 6;
const links = [];
for (let o = 0; data.links && o < data.links.length; o += linkFields) {
  const l = data.links;
  links.push({from: l[o], signalled: l[o + 1], to: l[o + 2], taken: l[o + 3], held: l[o + 4], semaphore: l[o + 5]});
}

// paintLinks draws an arrow from the unit that signals to the one that went on,
// where there are few enough to follow.
function paintLinks(pen, areas) {
  const seen = links.filter((l) => l.taken >= view.from && l.taken <= view.to);
  if (seen.length > 60) return;
  pen.strokeStyle = pen.fillStyle = color("ink");
  pen.lineWidth = 1;
  for (const l of seen) {
    const a = areas.get(l.from), b = areas.get(l.to);
    if (!a || !b || a === b) continue;
    const down = b.top > a.top;
    const y0 = down ? a.top + a.height - 4 : a.top + 4, y1 = down ? b.top : b.top + b.height;
    const x0 = xOf(a, l.signalled), x1 = xOf(b, l.taken);
    pen.globalAlpha = 0.75;
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x1 - 3.5, y1 + (down ? -7 : 7));
    pen.lineTo(x1 + 3.5, y1 + (down ? -7 : 7));
    pen.fill();
    pen.beginPath();
    pen.arc(x0, y0, 2, 0, 7);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

// semaphoreRows have a row for each semaphore that held somebody up.
function semaphoreRows() {
  const bySemaphore = new Map();
  for (const l of links) {
    if (!bySemaphore.has(l.semaphore)) bySemaphore.set(l.semaphore, []);
    bySemaphore.get(l.semaphore).push(l);
  }
  const unit = (i) => (data.tracks[i] ? data.tracks[i].unit : "unit " + i);
  const short = (i) => unit(i).replace(/ (DMA|array|unit)$/, "");
  return [...bySemaphore.keys()].sort((a, b) => a - b).map((s) => {
    const list = bySemaphore.get(s);
    const key = /DMA/.test(unit(list[0].from)) && !/DMA/.test(unit(list[0].to)) ? "dram" : "semaphore";
    return {
      name: s + ": " + short(list[0].from) + " → " + short(list[0].to), group: "Semaphores", height: 11,
      paint(pen, area) {
        pen.fillStyle = color(key);
        for (const l of list) {
          if (l.taken < view.from || l.taken - l.held > view.to) continue;
          const x0 = Math.max(area.left, xOf(area, l.taken - l.held)), x1 = Math.min(area.left + area.width, xOf(area, l.taken));
          pen.fillRect(x0, area.top, Math.max(1, x1 - x0), area.height);
        }
      },
      find(cycle) {
        const l = list.find((k) => cycle >= k.taken - k.held && cycle < k.taken);
        if (!l) return {text: "semaphore " + s + ": " + unit(list[0].from) + " signals " + unit(list[0].to) + "; nobody waits"};
        return {text: unit(l.to) + " waits " + duration(l.held) + " (" + count(l.held) + " cycles) for semaphore " + s + ", until " + unit(l.from) + " signals", from: l.taken - l.held, to: l.taken, layer: -1};
      },
    };
  });
}
