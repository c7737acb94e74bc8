// Everything begins here.

// timeLegend names the colours of the timeline.
function timeLegend() {
  const entries = [["mac", "MAC array streams"], ["pipeline", "array fills or drains"], ["pipeline", "scratchpad port too narrow", true], ["vector", "vector unit"], ["dram", "waits for DRAM", true],
    ["semaphore", "waits for another unit or a free buffer", true]];
  for (const t of data.tracks || []) if (t.spans.length && (t.color === "lookup" || t.color === "masks")) entries.push([t.color, t.unit]);
  const seen = new Set(data.traffic ? data.traffic.names : []);
  for (const c of data.classes || []) seen.add(c);
  for (const name of seen) entries.push([known.has(name) ? name : "other", name === "sums" ? "int32 sums" : name]);
  for (const [key, name, hatch] of entries) {
    byId("time-legend").append(make("span", {}, make("b", {class: "swatch" + (hatch ? " hatch" : ""), style: `background-color:var(--c-${key})`}), name));
  }
  if (data.traffic) byId("time-legend").append(make("span", {}, "- - peak bandwidth"));
  if (links.length) byId("time-legend").append(make("span", {}, "arrows, once few are in view: a signal that somebody waited for"));
}

byId("tools").hidden = false;
startTheme();
startTable();
startTimeline();
timeLegend();
if (!data.tracks) byId("time-legend").append(make("span", {}, "Units, semaphores and memory maps are shown by the directory that npusim run --out wrote."));
startRoofline();
startAccuracy();
for (const b of document.querySelectorAll("button[data-layer]")) {
  b.hidden = false;
  b.addEventListener("click", () => choose(Number(b.dataset.layer), "finding"));
}
