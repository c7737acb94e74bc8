// Signal to quantization noise by layer, in the order of the network.

function startAccuracy() {
  const host = byId("sqnr-chart");
  if (!host) return;
  const layers = data.layers.map((l, i) => ({l, i})).filter((d) => d.l.sqnr !== undefined);
  if (!layers.length) return;
  const width = 960, height = 250, left = 54, right = 12, top = 20, bottom = 44;
  const most = Math.max(...layers.map((d) => d.l.sqnr)), least = Math.min(0, ...layers.map((d) => d.l.sqnr));
  const step = roundStep((most - least || 1) / 6);
  const high = Math.ceil(most / step) * step || step, low = Math.floor(least / step) * step;
  const y = (v) => top + (height - top - bottom) * (high - v) / (high - low);
  const pitch = (width - left - right) / data.layers.length;
  const svg = draw(host, "svg", {viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Signal to quantization noise ratio of each layer; arrow keys go from layer to layer"});
  for (let v = low; v <= high + 1e-9; v += step) {
    draw(svg, "line", {class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v)});
    draw(svg, "text", {class: "faint", x: left - 6, y: y(v) + 4, "text-anchor": "end"}, v.toFixed(decimals(step)));
  }
  draw(svg, "text", {x: 14, y: (top + height - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(top + height - bottom) / 2})`}, "SQNR, dB");
  draw(svg, "text", {x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle"}, "layer, in the order of the network (first to last)");
  const worst = layers.reduce((a, b) => (b.l.sqnr < a.l.sqnr ? b : a));
  const every = Math.max(1, Math.ceil(data.layers.length / 30));
  data.layers.forEach((l, i) => {
    if (i % every === 0) draw(svg, "text", {class: "faint", x: left + pitch * (i + 0.5), y: height - bottom + 16, "text-anchor": "middle"}, i + 1);
  });
  const words = (d) => d.i + 1 + " " + d.l.name + " (" + d.l.op + "): SQNR " + d.l.sqnr.toFixed(1) + " dB" + (d === worst ? ", the lowest" : "");
  const detail = byId("sqnr-detail");
  const bars = layers.map((d) => {
    const w = Math.max(1, Math.min(26, pitch * 0.7)), x = left + pitch * (d.i + 0.5);
    const y0 = y(Math.max(0, d.l.sqnr)), y1 = y(Math.min(0, d.l.sqnr));
    const bar = draw(svg, "rect", {class: "dot", x: x - w / 2, y: y0, width: w, height: Math.max(1, y1 - y0), style: `fill:var(--c-${d === worst ? "dram" : "mac"})`, role: "img", "aria-label": words(d)});
    bar.addEventListener("pointermove", (e) => showTip(words(d), e.clientX, e.clientY));
    bar.addEventListener("pointerleave", hideTip);
    bar.addEventListener("click", () => choose(d.i, "roofline"));
    if (pitch > 30 || d === worst) draw(svg, "text", {x: Math.min(Math.max(x, left + 14), width - right - 14), y: y0 - 5, "text-anchor": "middle"}, d.l.sqnr.toFixed(1));
    return bar;
  });
  follow(bars, (k) => { detail.textContent = words(layers[k]); });
  choosing.push((layer) => bars.forEach((b, k) => b.classList.toggle("chosen", layers[k].i === layer)));
  host.append(make("p", {class: "legend"}, "Signal to quantization noise of each layer's output against the float network, errors of all layers before it included; the lowest stands out."));
}
