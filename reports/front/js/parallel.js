// Parallel coordinates: an upright axis a dimension, a line a point.

function startParallel() {
  const s = surface("parallel");
  const g = s.g;
  const top = 44;
  const bottom = 26;
  const side = 70;
  const order = [...dimensions.keys()].slice(data.objectives.length).concat([...data.objectives.keys()]); // causes, then effects
  s.canvas.style.minWidth = 76 * order.length + "px"; // names stay legible, the page scrolls
  let scales = [];
  let drag = null; // {d, from, to} in pixels

  const across = (k) => side + (order.length > 1 ? k / (order.length - 1) : 0.5) * (s.width - 2 * side);

  function lines(list, style, alpha, width) {
    g.globalAlpha = alpha;
    g.lineWidth = width;
    let last = null;
    g.beginPath();
    for (const i of list) {
      const c = style || pointColor(i);
      if (c !== last) { // one path a colour
        if (last !== null) g.stroke();
        g.beginPath();
        g.strokeStyle = c;
        last = c;
      }
      let pen = false;
      for (let k = 0; k < order.length; k++) {
        const d = dimensions[order[k]];
        const v = d.column[i];
        if (v === null) {
          pen = false;
          continue;
        }
        const y = scales[k].place(v + (d.objective ? 0 : jitter(i + k * total) * 0.5));
        if (pen) g.lineTo(across(k), y);
        else g.moveTo(across(k), y);
        pen = true;
      }
    }
    g.stroke();
    g.globalAlpha = 1;
    g.lineWidth = 1;
  }

  function web() {
    s.fit();
    if (s.width < 60 || !order.length) return;
    scales = order.map((d) => scaleOf(dimensions[d], s.height - bottom, top, dimensions[d].wide));
    const rest = [];
    const front = [];
    for (let i = 0; i < total; i++) if (passing[i]) (data.status[i] === "o" ? front : rest).push(i);
    if (state.by >= 0) rest.sort((a, b) => (dimensions[state.by].column[a] ?? 0) - (dimensions[state.by].column[b] ?? 0));
    lines(rest, null, Math.max(0.05, Math.min(0.5, 150 / (rest.length + 1))), 1);
    lines(front, null, state.by >= 0 ? 0.9 : Math.max(0.25, Math.min(0.9, 60 / (front.length + 1))), 1.4);
    s.keep();
  }

  function draw() {
    if (!s.restore()) web();
    if (s.width < 60 || !order.length) return;
    if (state.chosen >= 0) lines([state.chosen], paint("ink"), 1, 3);

    const room = (s.width - 2 * side) / Math.max(1, order.length - 1) - 12;
    order.forEach((d, k) => {
      const x = across(k);
      g.strokeStyle = paint("faint");
      line(g, x, top, x, s.height - bottom);
      g.fillStyle = paint("ink");
      g.textBaseline = "alphabetic";
      const name = dimensions[d].name.split(/(?<=\.)(?=[^.]*$)/); // section above, key below
      name.forEach((part, n) => label(g, part, x, top - 26 + 14 * (n + 2 - name.length), Math.max(40, Math.min(room, 2 * side))));
      g.textBaseline = "middle";
      for (const [v, text] of scales[k].ticks) {
        const y = scales[k].place(v);
        const w = Math.min(room, g.measureText(text).width) + 6;
        g.globalAlpha = 0.75;
        g.fillStyle = paint("bg");
        g.fillRect(x + 4, y - 7, w, 14);
        g.globalAlpha = 1;
        g.fillStyle = paint("ink");
        line(g, x - 3, y, x + 3, y);
        label(g, text, x + 7, y, Math.max(24, room - 8), "left");
      }
      const range = drag && drag.d === d ? [drag.from, drag.to] : state.filters.has(d) ? state.filters.get(d).map((v) => scales[k].place(clamp(v, scales[k]))) : null;
      if (range) {
        g.fillStyle = paint("focus");
        g.globalAlpha = 0.35;
        g.fillRect(x - 7, Math.min(...range), 14, Math.max(3, Math.abs(range[1] - range[0])));
        g.globalAlpha = 1;
      }
    });
  }
  listeners.push(draw);
  const clamp = (v, scale) => Math.min(scale.high, Math.max(scale.low, v));

  s.canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    const [x, y] = s.at(e);
    let best = -1;
    for (let k = 0; k < order.length; k++) if (best < 0 || Math.abs(across(k) - x) < Math.abs(across(best) - x)) best = k;
    if (best < 0 || Math.abs(across(best) - x) > 40) return;
    s.canvas.setPointerCapture(e.pointerId);
    drag = {d: order[best], k: best, from: y, to: y};
  });
  s.canvas.addEventListener("pointermove", (e) => {
    if (!drag) return;
    drag.to = s.at(e)[1];
    changed(false);
  });
  s.canvas.addEventListener("pointerup", () => {
    if (!drag) return;
    const {d, k, from, to} = drag;
    drag = null;
    if (Math.abs(from - to) < 5) state.filters.delete(d);
    else setFilter(d, scales[k].value(from), scales[k].value(to));
    changed();
  });
  s.canvas.addEventListener("pointercancel", () => {
    drag = null;
    changed();
  });
}
