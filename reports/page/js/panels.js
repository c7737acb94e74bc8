// Rows of the timeline about memory: bandwidth, occupancy and memory maps.

// scale draws grid lines and their figures for values from 0 to top.
function scale(pen, area, top, write, wanted) {
  const step = roundStep(top / wanted);
  pen.strokeStyle = color("grid");
  pen.lineWidth = 1;
  pen.fillStyle = color("faint");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let v = 0; v <= top * (1 + 1e-9); v += step) {
    const y = Math.round(area.top + area.height * (1 - v / top)) + 0.5;
    pen.beginPath();
    pen.moveTo(area.left, y);
    pen.lineTo(area.left + area.width, y);
    pen.stroke();
    if (y - area.top > 5 || v === 0) pen.fillText(write(v, step), area.left - 6, Math.min(y, area.top + area.height - 4));
  }
}

function trafficRow() {
  const t = data.traffic;
  const n = t.edges.length - 1;
  const gb = (i) => 1 / ((t.edges[i + 1] - t.edges[i]) * data.nsPerCycle); // of bytes, to GB/s
  const sums = new Float64Array(n);
  for (const bytes of t.bytes) for (let i = 0; i < n; i++) sums[i] += bytes[i];
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, sums[i] * gb(i));
  const peak = data.bytesPerCycle / data.nsPerCycle;
  const peakShown = peak > 0 && most >= 0.12 * peak;
  const top = Math.max(most, peakShown ? peak : 0, 1e-9) * 1.06;
  return {
    name: "DRAM", unit: "GB/s", group: "Bandwidth", height: 96,
    paint(pen, area) {
      scale(pen, area, top, (v, step) => v.toFixed(decimals(step)), 4);
      const y = (v) => area.top + area.height * (1 - v / top);
      const base = new Float64Array(n);
      const first = firstAfter(n, (k) => t.edges[k + 1], view.from);
      for (let c = 0; c < t.bytes.length; c++) {
        pen.fillStyle = color(t.color[c]);
        for (let i = first; i < n && t.edges[i] < view.to; i++) {
          const rate = t.bytes[c][i] * gb(i);
          if (rate === 0) continue;
          const x0 = Math.max(area.left, xOf(area, t.edges[i])), x1 = Math.min(area.left + area.width, xOf(area, t.edges[i + 1]));
          pen.fillRect(x0, y(base[i] + rate), x1 - x0 + 0.4, y(base[i]) - y(base[i] + rate));
          base[i] += rate;
        }
      }
      if (peakShown) {
        pen.strokeStyle = color("ink");
        pen.setLineDash([5, 4]);
        pen.beginPath();
        pen.moveTo(area.left, y(peak));
        pen.lineTo(area.left + area.width, y(peak));
        pen.stroke();
        pen.setLineDash([]);
      }
    },
    find(cycle) {
      const i = firstAfter(n, (k) => t.edges[k + 1], cycle);
      if (i >= n) return null;
      const lines = [digits(sums[i] * gb(i)) + " GB/s" + (peak > 0 ? ", " + share(sums[i] * gb(i), peak) + " of the peak of " + digits(peak) + " GB/s" : "")];
      t.names.forEach((name, c) => {
        if (t.bytes[c][i] > 0) lines.push(name + ": " + quantity(t.bytes[c][i], "B"));
      });
      lines.push("completed in " + duration(t.edges[i + 1] - t.edges[i]) + " from " + duration(t.edges[i]) + " on");
      return {text: lines.join("\n"), from: t.edges[i], to: t.edges[i + 1]};
    },
  };
}

const kibScale = (v) => grouped(String(Math.round(v / 1024 * 100) / 100));

// capacityScale is the grid of a scratchpad: quarters of what is drawn of it.
function capacityScale(pen, area, capacity, quarters) {
  pen.strokeStyle = color("grid");
  pen.lineWidth = 1;
  pen.fillStyle = color("faint");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const q of quarters) {
    const y = Math.round(area.top + area.height * (1 - q)) + 0.5;
    pen.beginPath();
    pen.moveTo(area.left, y);
    pen.lineTo(area.left + area.width, y);
    pen.stroke();
    pen.fillText(kibScale(capacity * q), area.left - 6, Math.min(Math.max(y, area.top + 5), area.top + area.height - 4));
  }
}

function occupancyRow(pad) {
  const n = pad.levels.length / 2;
  const cycle = (i) => (i < n ? pad.levels[2 * i] : whole);
  return {
    name: pad.name, unit: "KiB in use", group: "Occupancy", height: 46,
    paint(pen, area) {
      capacityScale(pen, area, pad.capacity, [0, 1]);
      pen.fillStyle = color("vector");
      let column = -1, highest = 0;
      const bar = (x0, x1, bytes) => pen.fillRect(x0, area.top + area.height * (1 - bytes / pad.capacity), x1 - x0, area.height * bytes / pad.capacity);
      for (let i = firstAfter(n, (k) => cycle(k + 1), view.from); i < n && cycle(i) < view.to; i++) {
        const x0 = Math.max(area.left, xOf(area, cycle(i))), x1 = Math.min(area.left + area.width, xOf(area, cycle(i + 1)));
        const bytes = pad.levels[2 * i + 1];
        if (Math.floor(x0) === column && bytes <= highest && x1 - x0 < 1) continue;
        column = Math.floor(x0);
        highest = bytes;
        if (bytes > 0) bar(x0, Math.max(x1, x0 + 0.8), bytes);
      }
    },
    find(at) {
      const i = firstAfter(n, (k) => cycle(k + 1), at);
      if (i >= n) return null;
      return {text: pad.name + ": " + kib(pad.levels[2 * i + 1]) + " in use, " + share(pad.levels[2 * i + 1], pad.capacity) + " of " + kib(pad.capacity), from: cycle(i), to: cycle(i + 1)};
    },
  };
}

// emptyRow stands for a scratchpad that holds nothing from one operation to the
// next.
function emptyRow(pad) {
  return {
    name: pad.name, group: "Memory map", height: 18,
    paint(pen, area) {
      pen.fillStyle = color("faint");
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText("holds nothing from one operation to the next", area.left + 4, area.top + area.height / 2);
    },
    find: () => null,
  };
}

function memoryRow(pad) {
  const fields = 6, b = pad.blocks, n = b.length / fields;
  // A scratchpad of which less than half is ever used is drawn as far as it is.
  let highest = 0;
  for (let o = 0; o < b.length; o += fields) highest = Math.max(highest, b[o] + b[o + 1]);
  let quarter = 256; // bytes; then 384, 512, 768, 1024, ...
  for (let power = 256; quarter * 4 < highest; power *= 2) quarter = 4 * 1.5 * power >= highest ? 1.5 * power : 2 * power;
  const top = highest < pad.capacity / 2 ? Math.min(pad.capacity, 4 * quarter) : pad.capacity;
  return {
    name: pad.name, unit: "address, KiB", remark: top < pad.capacity ? "of " + kibScale(pad.capacity) : "", group: "Memory map", height: 128,
    paint(pen, area) {
      capacityScale(pen, area, top, [0, 0.25, 0.5, 0.75, 1]);
      const line = color("bg");
      for (let i = 0; i < n; i++) {
        const o = i * fields;
        if (b[o + 2] >= view.to || b[o + 2] + b[o + 3] <= view.from) continue;
        const x0 = Math.max(area.left, xOf(area, b[o + 2])), x1 = Math.min(area.left + area.width, xOf(area, b[o + 2] + b[o + 3]));
        const y0 = area.top + area.height * (1 - (b[o] + b[o + 1]) / top), h = Math.max(0.7, area.height * b[o + 1] / top);
        const c = color(classColor(b[o + 5]));
        pen.fillStyle = c;
        pen.fillRect(x0, y0, Math.max(0.7, x1 - x0), h);
        if (x1 - x0 > 4 && h > 4) {
          pen.strokeStyle = line;
          pen.lineWidth = 1;
          pen.strokeRect(x0 + 0.5, y0 + 0.5, x1 - x0 - 1, h - 1);
        }
        label(pen, layerName(b[o + 4]), x0, y0, x1 - x0, h, inkOn(c));
      }
    },
    find(cycle, fromTop) {
      const address = Math.floor((1 - fromTop) * top);
      for (let i = n - 1; i >= 0; i--) {
        const o = i * fields;
        if (cycle < b[o + 2] || cycle >= b[o + 2] + b[o + 3] || address < b[o] || address >= b[o] + b[o + 1]) continue;
        return {text: data.classes[b[o + 5]] + " of " + layerName(b[o + 4]) + "\n" + kib(b[o + 1]) + " from address " + count(b[o]) + " on (" + pad.name + ")\n" +
          "held " + duration(b[o + 3]) + ", " + count(b[o + 3]) + " cycles from cycle " + count(b[o + 2]), from: b[o + 2], to: b[o + 2] + b[o + 3], layer: b[o + 4]};
      }
      return {text: pad.name + ", address " + count(address) + ": nothing that is needed later" + (pad.leftOut > 0 ? "; the " + count(pad.leftOut) + " smallest blocks are not drawn" : "")};
    },
  };
}
