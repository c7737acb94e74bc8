// A canvas in device pixels, with room for axes.

function surface(id) {
  const canvas = get(id);
  const s = {canvas, width: 0, height: 0, g: canvas.getContext("2d")};
  s.fit = () => {
    const ratio = window.devicePixelRatio || 1;
    s.width = canvas.clientWidth;
    s.height = canvas.clientHeight;
    const w = Math.round(s.width * ratio);
    const h = Math.round(s.height * ratio);
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    s.g.setTransform(ratio, 0, 0, ratio, 0, 0);
    s.g.clearRect(0, 0, s.width, s.height);
    s.g.fillStyle = paint("bg");
    s.g.fillRect(0, 0, s.width, s.height);
    s.g.font = '12px system-ui,-apple-system,"Segoe UI","Liberation Sans",Arial,sans-serif';
    s.g.lineWidth = 1;
    s.g.globalAlpha = 1;
  };
  // keep holds what is drawn so far; restore brings it back as long as nothing
  // below the choice has changed.
  const copy = document.createElement("canvas");
  let held = -1;
  s.keep = () => {
    copy.width = canvas.width;
    copy.height = canvas.height;
    copy.getContext("2d").drawImage(canvas, 0, 0);
    held = version;
  };
  s.restore = () => {
    if (held !== version) return false;
    s.g.save();
    s.g.setTransform(1, 0, 0, 1, 0, 0);
    s.g.drawImage(copy, 0, 0);
    s.g.restore();
    return true;
  };
  s.at = (e) => {
    const r = canvas.getBoundingClientRect();
    return [e.clientX - r.left, e.clientY - r.top];
  };
  new ResizeObserver(() => changed()).observe(canvas);
  return s;
}

// label writes text that is cut in the middle where it is too wide.
function label(g, text, x, y, limit, align = "center") {
  let t = text;
  for (let keep = text.length; keep > 1 && g.measureText(t).width > limit; keep--) {
    t = text.slice(0, Math.ceil(keep / 2)) + "…" + text.slice(text.length - Math.floor(keep / 2));
  }
  g.textAlign = align;
  g.fillText(t, x, y);
}

function line(g, x0, y0, x1, y1) {
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
}

// pointColor is the colour of a point that passes.
function pointColor(i) {
  if (state.by >= 0) {
    const d = dimensions[state.by];
    const v = d.column[i];
    if (v === null) return paint("infeasible");
    const low = d.objective ? d.low : 0;
    const high = d.objective ? d.high : d.labels.length - 1;
    return ramp(high > low ? (v - low) / (high - low) : 0.5);
  }
  const s = data.status[i];
  return paint(s === "o" ? "front" : s === "f" ? "feasible" : "infeasible");
}
