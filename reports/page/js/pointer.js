// Pointer, wheel, keys and buttons of the timeline.

function startPointer(box, chart) {
  const place = (e) => {
    const r = box.getBoundingClientRect();
    return chart.at(e.clientX - r.left - box.clientLeft, e.clientY - r.top - box.clientTop);
  };
  let drag = null; // {x, from, cycle, kind, moved}
  box.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    const at = place(e);
    box.setPointerCapture(e.pointerId);
    if (at.overview !== undefined) {
      drag = {kind: "overview"};
      const half = (view.to - view.from) / 2;
      setView(at.overview - half, at.overview + half);
    } else {
      drag = {kind: e.shiftKey ? "mark" : "pan", x: e.clientX, from: view.from, cycle: at.cycle, moved: false};
    }
  });
  box.addEventListener("pointermove", (e) => {
    const at = place(e);
    if (!drag) {
      chart.hover(at.cycle !== undefined && !at.outside ? {cycle: at.cycle} : null);
      if (at.found && at.found.text) showTip(at.found.text, e.clientX, e.clientY);
      else hideTip();
      return;
    }
    hideTip();
    if (drag.kind === "overview") {
      const half = (view.to - view.from) / 2;
      if (at.overview !== undefined) setView(at.overview - half, at.overview + half);
      return;
    }
    if (!drag.moved && Math.abs(e.clientX - drag.x) < 4) return;
    drag.moved = true;
    if (drag.kind === "mark") {
      chart.mark({from: drag.cycle, to: at.cycle});
    } else {
      box.classList.add("moving");
      const length = view.to - view.from;
      const from = Math.max(0, Math.min(whole - length, drag.from - (e.clientX - drag.x) * chart.perPixel()));
      setView(from, from + length);
    }
  });
  const end = (e) => {
    if (!drag) return;
    const at = place(e);
    if (drag.kind === "mark" && drag.moved) {
      chart.mark(null);
      setView(Math.min(drag.cycle, at.cycle), Math.max(drag.cycle, at.cycle));
    } else if (drag.kind !== "overview" && !drag.moved) {
      chart.pick(at.found || null);
      if (at.found && at.found.layer >= 0) choose(at.found.layer, "timeline");
    }
    box.classList.remove("moving");
    drag = null;
  };
  box.addEventListener("pointerup", end);
  box.addEventListener("pointercancel", () => {
    drag = null;
    chart.mark(null);
  });
  box.addEventListener("pointerleave", () => {
    hideTip();
    chart.hover(null);
  });
  box.addEventListener("dblclick", (e) => {
    const found = place(e).found;
    if (found && found.from !== undefined) {
      const room = Math.max(1, (found.to - found.from) * 0.1);
      setView(found.from - room, found.to + room);
    }
  });
  box.addEventListener("wheel", (e) => {
    if (document.activeElement !== box && !e.ctrlKey && !e.metaKey) return; // the page scrolls
    e.preventDefault();
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) move((e.deltaX || e.deltaY) / 1000);
    else zoom(1.0015 ** Math.max(-400, Math.min(400, e.deltaY)), place(e).cycle);
  }, {passive: false});
}

function startKeys(box, pick) {
  let layer = -1;
  const step = (d) => {
    if (!data.layers.length) return;
    layer = Math.max(0, Math.min(data.layers.length - 1, layer < 0 ? (d > 0 ? 0 : data.layers.length - 1) : layer + d));
    choose(layer, "keys");
  };
  const all = () => setView(0, whole);
  const keys = {
    ArrowLeft: () => move(-0.15), ArrowRight: () => move(0.15), ArrowUp: () => zoom(0.7), ArrowDown: () => zoom(1 / 0.7),
    "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7), Home: all, "0": all, PageDown: () => step(1), PageUp: () => step(-1),
    End: () => setView(whole - (view.to - view.from), whole),
    Escape: () => {
      layer = -1;
      pick(null);
      choose(-1, "keys");
    },
  };
  box.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !keys[e.key]) return;
    e.preventDefault();
    keys[e.key]();
  });
  byId("zoom-in").addEventListener("click", () => zoom(0.5));
  byId("zoom-out").addEventListener("click", () => zoom(2));
  byId("left").addEventListener("click", () => move(-0.3));
  byId("right").addEventListener("click", () => move(0.3));
  byId("all").addEventListener("click", all);
  const list = byId("layer");
  data.layers.forEach((l, i) => list.append(make("option", {value: i}, i + 1 + " " + l.name)));
  list.addEventListener("change", () => choose(list.value === "" ? -1 : Number(list.value), "list"));
  choosing.push((chosen, from) => {
    layer = chosen;
    list.value = data.layers[chosen] ? chosen : "";
    if (!data.layers[chosen]) return;
    if (from !== "timeline") {
      showLayer(chosen);
      pick(layersRow.find(data.layers[chosen].start + data.layers[chosen].cycles / 2));
    }
    if (from === "table" || from === "finding" || from === "roofline") byId("time").scrollIntoView({block: "start"});
  });
}
