// The scatter plot: two dimensions, the front of both as a line of steps.

function startScatter() {
  const s = surface("scatter");
  const g = s.g;
  const left = 78;
  const bottom = 48;
  const top = 26;
  const right = 18;
  let sx, sy;
  let brush = null; // [x0, y0, x1, y1] while the pointer drags

  const dx = () => dimensions[state.x];
  const dy = () => dimensions[state.y];
  const spotX = (i) => sx.place(dx().column[i] + (dx().objective ? 0 : jitter(i)));
  const spotY = (i) => sy.place(dy().column[i] + (dy().objective ? 0 : jitter(i + total)));
  const placed = (i) => shown[i] && dx().column[i] !== null && dy().column[i] !== null;

  function axes() {
    sx = scaleOf(dx(), left, s.width - right, state.logX && dx().objective && dx().positive);
    sy = scaleOf(dy(), s.height - bottom, top, state.logY && dy().objective && dy().positive);
    g.strokeStyle = paint("grid");
    g.fillStyle = paint("faint");
    g.textBaseline = "middle";
    for (const [v, text] of sy.ticks) {
      line(g, left, sy.place(v), s.width - right, sy.place(v));
      label(g, text, left - 7, sy.place(v), left - 12, "right");
    }
    g.textBaseline = "alphabetic";
    const room = (s.width - left - right) / Math.max(1, sx.ticks.length) - 6;
    for (const [v, text] of sx.ticks) {
      line(g, sx.place(v), top, sx.place(v), s.height - bottom);
      label(g, text, sx.place(v), s.height - bottom + 17, Math.max(24, room));
    }
    g.fillStyle = paint("ink");
    label(g, dx().title, (left + s.width - right) / 2, s.height - 10, s.width - left);
    label(g, dy().title, 10, 16, s.width - 20, "left");
  }

  // frontOfBoth are the passing feasible points that none beats in both.
  function frontOfBoth() {
    if (!dx().objective || !dy().objective || state.x === state.y) return [];
    const order = [];
    for (let i = 0; i < total; i++) if (passing[i] && placed(i) && data.status[i] !== "i") order.push(i);
    const a = dx().column;
    const b = dy().column;
    const sort = (d, p, q) => (p === q ? 0 : better(d, p, q) ? -1 : 1);
    order.sort((i, j) => sort(dx(), a[i], a[j]) || sort(dy(), b[i], b[j]) || i - j);
    const front = [];
    for (const i of order) if (!front.length || better(dy(), b[i], b[front[front.length - 1]])) front.push(i);
    return front;
  }

  function dots() {
    const size = total > 3000 ? 2 : total > 600 ? 2.8 : 3.8;
    g.fillStyle = paint("dim");
    for (let i = 0; i < total; i++) {
      if (placed(i) && !passing[i]) g.fillRect(spotX(i) - size * 0.7, spotY(i) - size * 0.7, size * 1.4, size * 1.4);
    }
    for (const kind of ["i", "f", "o"]) {
      for (let i = 0; i < total; i++) {
        if (data.status[i] !== kind || !passing[i] || !placed(i)) continue;
        if (size <= 2 && kind !== "o") { // of many points squares are drawn sooner
          g.fillStyle = pointColor(i);
          g.fillRect(spotX(i) - size, spotY(i) - size, 2 * size, 2 * size);
          continue;
        }
        const r = kind === "o" ? size + 1.6 : size;
        g.beginPath();
        g.arc(spotX(i), spotY(i), r, 0, 7);
        g.fillStyle = pointColor(i);
        g.fill();
        if (kind === "o") {
          g.strokeStyle = paint("bg");
          g.stroke();
        }
      }
    }
  }

  function cloud() {
    s.fit();
    if (s.width < 60) return;
    axes();
    const front = frontOfBoth();
    if (front.length > 1) {
      g.strokeStyle = paint("front");
      g.lineWidth = 1.6;
      g.beginPath();
      front.forEach((i, k) => {
        if (k) g.lineTo(spotX(i), spotY(front[k - 1]));
        g.lineTo(spotX(i), spotY(i));
      });
      g.stroke();
      g.lineWidth = 1;
    }
    dots();
    s.keep();
  }

  function draw() {
    if (!s.restore()) cloud();
    if (s.width < 60) return;
    const c = state.chosen;
    if (c >= 0 && placed(c)) {
      g.strokeStyle = paint("ink");
      g.lineWidth = 2.5;
      g.beginPath();
      g.arc(spotX(c), spotY(c), 8, 0, 7);
      g.stroke();
      g.lineWidth = 1;
    }
    if (brush) {
      g.strokeStyle = paint("focus");
      g.setLineDash([4, 3]);
      g.strokeRect(Math.min(brush[0], brush[2]), Math.min(brush[1], brush[3]), Math.abs(brush[2] - brush[0]), Math.abs(brush[3] - brush[1]));
      g.setLineDash([]);
    }
  }
  listeners.push(draw);

  // nearest is the passing point closest to a place, or -1.
  function nearest(x, y, within) {
    let best = -1;
    let distance = within * within;
    for (let i = 0; i < total; i++) {
      if (!passing[i] || !placed(i)) continue;
      const d = (spotX(i) - x) ** 2 + (spotY(i) - y) ** 2 - (data.status[i] === "o" ? 4 : 0);
      if (d < distance) {
        distance = d;
        best = i;
      }
    }
    return best;
  }

  // others counts the points that lie on the same place.
  function others(i) {
    let n = 0;
    for (let k = 0; k < total; k++) {
      if (k !== i && passing[k] && placed(k) && Math.abs(spotX(k) - spotX(i)) < 1.5 && Math.abs(spotY(k) - spotY(i)) < 1.5) n++;
    }
    return n;
  }

  s.canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    const [x, y] = s.at(e);
    s.canvas.setPointerCapture(e.pointerId);
    brush = [x, y, x, y];
  });
  s.canvas.addEventListener("pointermove", (e) => {
    const [x, y] = s.at(e);
    if (brush) {
      brush[2] = x;
      brush[3] = y;
      tell("");
      if (Math.abs(x - brush[0]) + Math.abs(y - brush[1]) > 6) draw();
      return;
    }
    const i = nearest(x, y, 10);
    const n = i < 0 ? 0 : others(i);
    tell(i < 0 ? "" : `Point ${data.ids[i]}${n ? `, and ${n} more here` : ""}\n${dx().name}: ${dx().text(dx().column[i])}\n${dy().name}: ${dy().text(dy().column[i])}`, e.clientX, e.clientY);
  });
  s.canvas.addEventListener("pointerup", () => {
    if (!brush) return;
    const [x0, y0, x1, y1] = brush;
    brush = null;
    if (Math.abs(x1 - x0) + Math.abs(y1 - y0) <= 6) { // a click
      choose(nearest(x0, y0, 14));
      return;
    }
    setFilter(state.x, sx.value(x0), sx.value(x1));
    if (state.y !== state.x) setFilter(state.y, sy.value(y0), sy.value(y1));
  });
  s.canvas.addEventListener("pointercancel", () => {
    brush = null;
    changed();
  });
  s.canvas.addEventListener("pointerleave", () => tell(""));
  s.canvas.addEventListener("keydown", (e) => {
    const keys = {
      ArrowRight: () => step(state.x, true), ArrowLeft: () => step(state.x, false),
      ArrowUp: () => step(state.y, true), ArrowDown: () => step(state.y, false),
      f: stepFront, F: stepFront,
      Escape: () => {
        state.filters.clear();
        choose(-1);
      },
    };
    if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    keys[e.key]();
  });
}
