// What the reader has chosen, and the points that pass it.

const state = {
  x: 0, y: Math.min(1, dimensions.length - 1), by: -1, logX: false, logY: false,
  chosen: -1, // index of a point
  filters: new Map(), // dimension to [from, to]
  onlyFront: false, infeasible: true,
};
const passing = new Uint8Array(total); // 1: drawn and within every filter
const shown = new Uint8Array(total); // 1: drawn, perhaps faintly
const listeners = [];
let waiting = false;
let version = 0; // of what is drawn, without the choice

// changed draws everything again, once for many changes; when only the choice
// changed, what lies below it is kept.
function changed(all = true) {
  if (all) version++;
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    refresh();
  });
}

function refresh() {
  for (let i = 0; i < total; i++) {
    const s = data.status[i];
    const drawn = s === "o" || s === "f" && !state.onlyFront || s === "i" && state.infeasible && !state.onlyFront;
    shown[i] = drawn ? 1 : 0;
    let pass = drawn;
    for (const [d, [from, to]] of state.filters) {
      const v = dimensions[d].column[i];
      if (v === null || v < from || v > to) pass = false;
    }
    passing[i] = pass ? 1 : 0;
  }
  for (const f of listeners) f();
}

function choose(i) {
  state.chosen = i;
  if (i >= 0) history.replaceState(null, "", "#point=" + data.ids[i]);
  else history.replaceState(null, "", location.pathname + location.search);
  changed(false);
}

function setFilter(d, from, to) {
  state.filters.set(d, from <= to ? [from, to] : [to, from]);
  changed();
}

// step chooses the next passing point in the order of a dimension.
function step(d, forward) {
  const column = dimensions[d].column;
  const order = [];
  for (let i = 0; i < total; i++) if (passing[i] && column[i] !== null) order.push(i);
  if (!order.length) return;
  order.sort((a, b) => column[a] - column[b] || a - b);
  const at = order.indexOf(state.chosen);
  choose(order[at < 0 ? (forward ? 0 : order.length - 1) : Math.min(order.length - 1, Math.max(0, at + (forward ? 1 : -1)))]);
}

// stepFront goes through the front, from the best by the dimension across.
function stepFront() {
  const column = dimensions[state.x].column;
  const order = [];
  for (let i = 0; i < total; i++) if (passing[i] && data.status[i] === "o") order.push(i);
  if (!order.length) return;
  order.sort((a, b) => column[a] - column[b] || a - b);
  choose(order[(order.indexOf(state.chosen) + 1) % order.length]);
}
