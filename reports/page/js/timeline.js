// The timeline: rows on one canvas that share the stretch of time in view.

const rowGap = 7, groupGap = 14, axisHeight = 22, overviewHeight = 20, overviewGap = 8;
let redraw = () => {};

function startTimeline() {
  const box = byId("timeline");
  const canvas = make("canvas", {"aria-hidden": "true"});
  const pen = canvas.getContext("2d");
  box.append(canvas);

  const groups = new Map([["Units", [layersRow, ...(data.tracks || []).filter((t) => t.spans.length).map(unitRow)]]]);
  const semaphores = semaphoreRows();
  if (semaphores.length) groups.set("Semaphores", semaphores);
  if (data.traffic) groups.set("Bandwidth", [trafficRow()]);
  if (data.scratchpads) {
    groups.set("Occupancy", data.scratchpads.filter((p) => p.blocks.length).map(occupancyRow));
    groups.set("Memory map", data.scratchpads.map((p) => (p.blocks.length ? memoryRow(p) : emptyRow(p))));
  }
  const shown = new Set([...groups.keys()].filter((g) => g !== "Semaphores"));
  for (const name of groups.keys()) {
    const tick = make("input", {type: "checkbox", "data-group": name});
    tick.checked = shown.has(name);
    tick.addEventListener("change", () => {
      if (tick.checked) shown.add(name);
      else shown.delete(name);
      redraw();
    });
    byId("show").append(make("label", {}, tick, " " + name));
  }

  // layout places the rows: [{row, area}], the height of all, the gutter.
  let placed = [], gutter = 0, width = 0, height = 0;
  const layout = () => {
    width = printing() ? 1040 : Math.max(320, box.clientWidth);
    gutter = width < 640 ? 92 : 132;
    let top = overviewHeight + overviewGap + axisHeight;
    placed = [];
    for (const [name, rows] of groups) {
      if (!shown.has(name)) continue;
      for (const row of rows) {
        placed.push({row, area: {left: gutter, top, width: width - gutter - 8, height: row.height}});
        top += row.height + (row.group === "Semaphores" ? 3 : rowGap);
      }
      top += groupGap - rowGap;
    }
    height = top;
  };
  const overview = () => ({left: gutter, top: 4, width: width - gutter - 8, height: overviewHeight - 4});

  let hover = null; // {cycle} under the pointer
  let marked = null; // {from, to} being marked with Shift
  let picked = null; // {from, to} of what was chosen

  const paint = () => {
    layout();
    const ratio = printing() ? 2 : devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = printing() ? "auto" : height + "px";
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = color("bg");
    pen.fillRect(0, 0, width, height);
    pen.font = "12px system-ui, 'Liberation Sans', Arial, sans-serif";
    paintOverview();
    paintAxis();
    const tracks = new Map();
    let group = "";
    for (const {row, area} of placed) {
      if (row.group !== group && group !== "") {
        pen.strokeStyle = color("edge");
        pen.beginPath();
        pen.moveTo(0, area.top - groupGap / 2 - 0.5);
        pen.lineTo(width, area.top - groupGap / 2 - 0.5);
        pen.stroke();
      }
      group = row.group;
      pen.save();
      paintName(row, area);
      row.paint(pen, area);
      pen.restore();
      if (row.track) tracks.set(data.tracks.findIndex((t) => t.unit === row.track.unit), area);
    }
    pen.save();
    pen.beginPath();
    pen.rect(gutter, 0, width - gutter, height);
    pen.clip();
    if (shown.has("Units")) paintLinks(pen, tracks);
    paintMarks();
    pen.restore();
    tell();
  };

  const paintName = (row, area) => {
    const small = row.height < 14;
    pen.textAlign = "left";
    pen.textBaseline = row.unit ? "top" : "middle";
    if (small) pen.font = "10px system-ui, 'Liberation Sans', Arial, sans-serif";
    pen.fillStyle = color("ink");
    const limit = gutter - 10;
    if (!row.unit) {
      pen.fillText(row.name, 8, area.top + area.height / 2, limit);
      return;
    }
    const words = row.name.split(" ");
    pen.fillText(words[0], 8, area.top - 1, limit - 34);
    let y = area.top + 13;
    if (words.length > 1) {
      pen.fillText(words.slice(1).join(" "), 8, y, limit - 34);
      y += 14;
    }
    pen.fillStyle = color("faint");
    pen.fillText(row.unit, 8, y, limit - 34);
    if (row.remark) pen.fillText(row.remark, 8, y + 14, limit - 34);
  };

  const paintOverview = () => {
    const area = overview();
    for (const l of data.layers) {
      pen.fillStyle = color(l.color);
      pen.fillRect(area.left + l.start / whole * area.width, area.top, Math.max(0.5, l.cycles / whole * area.width - 0.5), area.height);
    }
    const x0 = area.left + view.from / whole * area.width, x1 = area.left + view.to / whole * area.width;
    pen.globalAlpha = 0.6;
    pen.fillStyle = color("bg");
    pen.fillRect(area.left, area.top, x0 - area.left, area.height);
    pen.fillRect(x1, area.top, area.left + area.width - x1, area.height);
    pen.globalAlpha = 1;
    pen.strokeStyle = color("ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(x0, area.top - 1, Math.max(2, x1 - x0), area.height + 2);
    pen.fillStyle = color("faint");
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillText("all", 8, area.top + area.height / 2);
  };

  const paintAxis = () => {
    const area = {left: gutter, top: overviewHeight + overviewGap, width: width - gutter - 8};
    const ns = (view.to - view.from) * data.nsPerCycle;
    if (!(ns > 0)) return;
    const step = roundStep(ns / Math.max(2, Math.floor(area.width / 110)));
    const [factor, symbol] = timeUnit(view.to * data.nsPerCycle);
    const places = decimals(step / factor);
    pen.fillStyle = color("faint");
    pen.textAlign = "center";
    pen.textBaseline = "top";
    pen.strokeStyle = color("grid");
    pen.lineWidth = 1;
    for (let k = Math.ceil(view.from * data.nsPerCycle / step - 1e-9); k * step <= view.to * data.nsPerCycle * (1 + 1e-12); k++) {
      const x = area.left + (k * step / data.nsPerCycle - view.from) / (view.to - view.from) * area.width;
      pen.beginPath();
      pen.moveTo(Math.round(x) + 0.5, area.top + 14);
      pen.lineTo(Math.round(x) + 0.5, height);
      pen.stroke();
      const text = grouped((k * step / factor).toFixed(places));
      const half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(Math.max(x, area.left + half - 6), width - half - 2), area.top);
    }
    pen.textAlign = "left";
    pen.fillText("time, " + symbol, 8, area.top);
  };

  const paintMarks = () => {
    const area = {left: gutter, width: width - gutter - 8};
    const line = (cycle, dash) => {
      const x = Math.round(xOf(area, cycle)) + 0.5;
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(x, overviewHeight + overviewGap);
      pen.lineTo(x, height);
      pen.stroke();
      pen.setLineDash([]);
    };
    if (picked && !printing()) {
      pen.strokeStyle = color("focus");
      pen.lineWidth = 1.5;
      line(picked.from, []);
      line(picked.to, []);
    }
    if (hover && !printing()) {
      pen.strokeStyle = color("ink");
      pen.lineWidth = 1;
      line(hover.cycle, [2, 3]);
    }
    if (marked) {
      pen.fillStyle = color("focus");
      pen.globalAlpha = 0.25;
      const x0 = xOf(area, Math.min(marked.from, marked.to)), x1 = xOf(area, Math.max(marked.from, marked.to));
      pen.fillRect(x0, overviewHeight + overviewGap, x1 - x0, height);
      pen.globalAlpha = 1;
    }
  };

  // tell writes down what is in view.
  const tell = () => {
    box.dataset.from = Math.round(view.from);
    box.dataset.to = Math.round(view.to);
    const length = view.to - view.from;
    byId("range").textContent = duration(view.from) + " to " + duration(view.to) + ": " + duration(length) + ", " + count(length) + " cycles, " + share(length, whole) + " of the inference";
  };

  let waiting = false;
  redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };
  repaint.push(paint); // at once: printing does not wait
  new ResizeObserver(redraw).observe(box);

  // pick tells about a thing and marks it.
  const pick = (found) => {
    picked = found && found.from !== undefined ? found : null;
    byId("detail").textContent = found ? found.text.replaceAll("\n", "; ") : "";
    redraw();
  };
  startPointer(box, {
    at(x, y) {
      const o = overview();
      if (y < overviewHeight + 2) return {overview: Math.max(0, Math.min(1, (x - o.left) / o.width)) * whole};
      const cycle = view.from + (x - gutter) / (width - gutter - 8) * (view.to - view.from);
      if (x < gutter || x > width - 8) return {cycle, outside: true};
      for (const {row, area} of placed) {
        if (y >= area.top && y < area.top + area.height) return {cycle, found: row.find(cycle, (y - area.top) / area.height)};
      }
      return {cycle};
    },
    perPixel: () => (view.to - view.from) / (width - gutter - 8),
    hover(h) {
      hover = h;
      redraw();
    },
    mark(m) {
      marked = m;
      redraw();
    },
    pick,
  });
  startKeys(box, pick);
  paint();
}

const printing = () => matchMedia("print").matches || document.documentElement.dataset.printing === "yes";
