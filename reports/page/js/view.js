// The stretch of time that the charts show, in cycles.

const view = {from: 0, to: Math.max(1, data.cycles)};
const whole = Math.max(1, data.cycles);
const shortest = Math.min(whole, 16); // cycles that fill the screen at most zoom

// setView shows a stretch, moved and widened so that it lies in the inference.
function setView(from, to) {
  const length = Math.min(whole, Math.max(shortest, to - from));
  const middle = (from + to) / 2;
  from = Math.max(0, Math.min(whole - length, to - from < length ? middle - length / 2 : from));
  view.from = from;
  view.to = from + length;
  redraw();
}

// zoom changes the length by a factor around a cycle that stays where it is.
function zoom(factor, at) {
  if (at === undefined) at = (view.from + view.to) / 2;
  const length = Math.min(whole, Math.max(shortest, (view.to - view.from) * factor));
  const from = at - (at - view.from) * length / (view.to - view.from);
  setView(from, from + length);
}

// move shifts by a part of what is shown.
function move(part) {
  const d = part * (view.to - view.from);
  const from = Math.max(0, Math.min(whole - (view.to - view.from), view.from + d));
  setView(from, from + (view.to - view.from));
}

// showLayer makes a layer fill most of the screen.
function showLayer(i) {
  const l = data.layers[i];
  if (!l) return;
  const room = Math.max(l.cycles * 0.1, shortest / 2);
  setView(l.start - room, l.start + l.cycles + room);
}

// firstAfter is the first of n sorted ends that lies beyond a cycle.
function firstAfter(n, end, cycle) {
  let low = 0, high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (end(middle) > cycle) high = middle;
    else low = middle + 1;
  }
  return low;
}
