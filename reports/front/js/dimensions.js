// Dimensions are what points can be placed by: objectives, then axes. Axes have
// evenly spaced places for their values.

const dimensions = [
  ...data.objectives.map((o, i) => ({
    name: o.name, objective: true, maximize: o.maximize, column: data.results[i],
    text: (x) => figure(x),
  })),
  ...data.axes.map((a, i) => ({
    name: a.name, objective: false, column: data.values[i], labels: a.values.map((v) => v.label),
    text: (x) => a.values[Math.round(x)] ? a.values[Math.round(x)].label : "",
  })),
];
for (const d of dimensions) {
  d.low = Infinity;
  d.high = -Infinity;
  d.positive = true;
  for (let i = 0; i < total; i++) {
    const v = d.column[i];
    if (v === null || data.status[i] === "x") continue;
    d.low = Math.min(d.low, v);
    d.high = Math.max(d.high, v);
    if (v <= 0) d.positive = false;
  }
  if (!d.objective) {
    d.low = -0.5;
    d.high = d.labels.length - 0.5;
  } else if (d.low > d.high) {
    d.low = 0;
    d.high = 1;
    d.positive = false;
  }
  d.title = d.objective ? `${d.name} (${d.maximize ? "more" : "less"} is better)` : d.name;
  d.wide = d.objective && d.positive && d.high / d.low > (d.maximize ? 1e3 : 20); // drawn on a logarithmic axis
}

// better tells whether a value of an objective beats another.
const better = (d, a, b) => (d.maximize ? a > b : a < b);

// jitter spreads points that share a place on an axis, always in the same way.
function jitter(i) {
  let h = Math.imul(i + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (((h ^ (h >>> 13)) >>> 0) / 2 ** 32 - 0.5) * 0.5;
}

// scaleOf maps the values of a dimension to pixels, from one to the other.
function scaleOf(d, from, to, log) {
  let {low, high} = d;
  if (d.objective) {
    const room = log ? 0 : (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
    if (log) {
      low /= 1.15;
      high *= 1.15;
    } else {
      low -= d.low >= 0 ? Math.min(room, d.low) : room;
      high += room;
    }
  }
  const f = log ? Math.log10 : (x) => x;
  const back = log ? (x) => 10 ** x : (x) => x;
  const a = f(low);
  const b = f(high);
  return {
    low, high,
    place: (v) => from + (f(v) - a) / (b - a) * (to - from),
    value: (p) => back(a + (p - from) / (to - from) * (b - a)),
    ticks: ticksOf(d, low, high, log, Math.abs(to - from)),
  };
}

// ticksOf lists [value, label], as many as have room.
function ticksOf(d, low, high, log, pixels) {
  if (!d.objective) {
    const every = Math.max(1, Math.ceil(d.labels.length * 18 / pixels));
    return d.labels.map((label, i) => [i, label]).filter((_, i) => i % every === 0);
  }
  const list = [];
  if (log) {
    const parts = high / low > 3e3 ? [1] : [1, 2, 5];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const part of parts) {
        const v = part * 10 ** e;
        if (v >= low && v <= high) list.push([v, brief(v)]);
      }
    }
    return list;
  }
  const rough = (high - low) / Math.max(2, pixels / 80);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  for (let k = Math.ceil(low / step); k * step <= high; k++) list.push([k * step, brief(k * step)]);
  return list;
}
