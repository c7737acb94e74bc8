// Elements, figures and colours that every part uses.

const data = JSON.parse(document.getElementById("data").textContent);
const total = data.ids.length;
const get = (id) => document.getElementById(id);

// A fault stands on the page, where readers and tests find it.
addEventListener("error", (e) => {
  document.documentElement.dataset.fault = e.message;
});

// element makes an element with properties and children.
function element(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in e) e[key] = value;
    else e.setAttribute(key, value);
  }
  e.append(...children);
  return e;
}

// figure writes a number: whole ones with commas, others with four digits.
function figure(x) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return x.toLocaleString("en-US");
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-3) return x.toPrecision(4);
  return Number(x.toPrecision(size >= 1e4 ? 6 : 4)).toLocaleString("en-US", {maximumFractionDigits: 6});
}

// brief writes a tick: with a prefix where that is shorter.
function brief(x) {
  const size = Math.abs(x);
  for (const [factor, symbol] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= factor * 0.9999) return String(Number((x / factor).toPrecision(4))) + symbol;
  }
  return size > 0 && size < 1e-4 ? x.toExponential(0) : String(Number(x.toPrecision(4)));
}

// paint is a colour of the theme that is on.
let paints = new Map();
function paint(name) {
  if (!paints.has(name)) paints.set(name, getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
  return paints.get(name);
}

// ramp goes from little to much, light to dark on paper and dark to light on a
// dark page; neighbours differ in lightness, whatever the reader's eyes.
const stops = [[200, 229, 181], [137, 208, 167], [70, 184, 165], [0, 155, 162], [0, 123, 151], [29, 91, 128], [41, 62, 93]];
function ramp(share) {
  let s = Math.min(1, Math.max(0, share));
  if (document.documentElement.dataset.theme === "dark") s = 1 - s;
  const at = s * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  const mix = stops[i].map((c, k) => Math.round(c + (stops[i + 1][k] - c) * (at - i)));
  return `rgb(${mix})`;
}

// tell shows a remark beside the pointer; without text it goes.
function tell(text, x, y) {
  const tip = get("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  tip.style.left = Math.min(x + 14, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = (y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18) + "px";
}
