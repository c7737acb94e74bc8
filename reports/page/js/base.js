// Figures, words and elements that every part uses.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// make makes an element with attributes and children.
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  e.append(...children);
  return e;
}

// draw makes an SVG element inside another one.
function draw(parent, tag, attributes, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  if (text !== undefined) e.textContent = text;
  parent.append(e);
  return e;
}

const prefixes = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

// digits writes a number with three significant digits, never in exponent form.
function digits(x) {
  if (x === 0) return "0";
  const places = Math.max(0, Math.min(9, 2 - Math.floor(Math.log10(Math.abs(Number(x.toPrecision(3)))))));
  return grouped(x.toFixed(places));
}

// grouped puts commas between groups of three digits.
function grouped(text) {
  const [whole, fraction] = String(text).split(".");
  const g = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? g : g + "." + fraction;
}

const count = (n) => grouped(Math.round(n));

// quantity writes a figure with an SI prefix and a unit.
function quantity(x, unit) {
  for (const [factor, symbol] of prefixes) {
    if (Math.abs(x) >= factor * 0.9995) return digits(x / factor) + " " + symbol + unit;
  }
  return digits(x) + " " + unit;
}

const kib = (bytes) => grouped((bytes / 1024).toFixed(1)) + " KiB";

const timeUnits = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

// timeUnit is the largest unit that is at most a time in nanoseconds.
function timeUnit(ns) {
  for (const u of timeUnits) if (ns >= u[0]) return u;
  return timeUnits[timeUnits.length - 1];
}

// duration writes a number of cycles as a time.
function duration(cycles) {
  const ns = cycles * data.nsPerCycle;
  const [factor, symbol] = timeUnit(ns);
  return digits(ns / factor) + " " + symbol;
}

const share = (part, whole) => (whole > 0 ? (100 * part / whole).toFixed(1) : "0.0") + " %";

// roundStep is the smallest of 1, 2, 5 times a power of ten that is at least x.
function roundStep(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  for (const step of [1, 2, 5]) if (step * power >= x * (1 - 1e-9)) return step * power;
  return 10 * power;
}

// decimals is how many places the multiples of a step need.
const decimals = (step) => Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));

// color is that of a key of the palette in the theme that is on.
let colors = new Map();
function color(key) {
  let c = colors.get(key);
  if (c === undefined) {
    const style = getComputedStyle(document.documentElement);
    c = (style.getPropertyValue("--c-" + key) || style.getPropertyValue("--" + key)).trim();
    colors.set(key, c);
  }
  return c;
}

// inkOn is a text colour that stands out on a colour #rrggbb.
function inkOn(c) {
  const n = parseInt(c.slice(1), 16);
  return 0.299 * (n >> 16) + 0.587 * (n >> 8 & 255) + 0.114 * (n & 255) > 140 ? "#111111" : "#ffffff";
}

const layerName = (i) => (data.layers[i] ? data.layers[i].name : "layer " + (i + 1));

// tip shows what is under the pointer.
const tip = byId("tip");
function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 6)) + "px";
  tip.style.top = (y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 18) + "px";
}
function hideTip() {
  tip.hidden = true;
}

// chosen tells every part which layer the reader has picked; -1 is none.
const choosing = [];
function choose(layer, from) {
  for (const f of choosing) f(layer, from);
}
