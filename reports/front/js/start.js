// Controls, theme and the first drawing.

function startControls() {
  const options = (select, extra) => {
    if (extra) select.append(element("option", {value: "-1", textContent: extra}));
    for (const [name, objective] of [["Objectives", true], ["Axes", false]]) {
      const group = element("optgroup", {label: name});
      dimensions.forEach((d, i) => {
        if (d.objective === objective) group.append(element("option", {value: String(i), textContent: d.name}));
      });
      if (group.children.length) select.append(group);
    }
  };
  const bind = (id, key) => {
    const select = get(id);
    options(select, id === "by" ? "status" : "");
    select.value = String(state[key]);
    select.addEventListener("change", () => {
      state[key] = Number(select.value);
      if (id !== "by") get("log-" + id).checked = state[id === "x" ? "logX" : "logY"] = dimensions[state[key]].wide;
      changed();
    });
  };
  bind("x", "x");
  bind("y", "y");
  bind("by", "by");
  for (const [id, key] of [["log-x", "logX"], ["log-y", "logY"], ["only-front", "onlyFront"], ["show-infeasible", "infeasible"]]) {
    const box = get(id);
    if (id.startsWith("log")) box.checked = state[key] = dimensions[state[id.slice(4)]].wide;
    box.addEventListener("change", () => {
      state[key] = box.checked;
      changed();
    });
  }
  if (!data.status.includes("i")) get("show-infeasible").parentElement.hidden = true;

  options(get("filter-by"), "");
  get("filter-form").addEventListener("submit", (e) => {
    e.preventDefault();
    const d = Number(get("filter-by").value);
    const bound = (id, otherwise) => {
      const text = get(id).value.trim();
      if (text === "") return otherwise;
      const named = dimensions[d].objective ? -1 : dimensions[d].labels.indexOf(text);
      return named >= 0 ? named : dimensions[d].objective ? Number(text) : NaN;
    };
    const from = bound("filter-from", dimensions[d].low);
    const to = bound("filter-to", dimensions[d].high);
    if (Number.isNaN(from) || Number.isNaN(to)) {
      get("filter-note").textContent = dimensions[d].objective ? "from and to are numbers" : "from and to are values of the axis";
      return;
    }
    get("filter-note").textContent = "";
    setFilter(d, from, to);
  });
  listeners.push(showFilters, showLegend);
}

function showFilters() {
  const box = get("filters");
  box.replaceChildren();
  for (const [d, [from, to]] of state.filters) {
    const dimension = dimensions[d];
    const name = dimension.objective ? [figure(Number(from.toPrecision(4))), figure(Number(to.toPrecision(4)))]
      : [dimension.text(Math.max(0, Math.ceil(from))), dimension.text(Math.min(dimension.labels.length - 1, Math.floor(to)))];
    const button = element("button", {type: "button", textContent: `${dimension.name}: ${name[0]} to ${name[1]} ×`, title: "Remove this filter"});
    button.addEventListener("click", () => {
      state.filters.delete(d);
      changed();
    });
    box.append(button);
  }
}

function showLegend() {
  const box = get("legend");
  box.replaceChildren();
  const swatch = (color, text) => {
    const s = element("b", {className: "swatch"});
    s.style.background = color;
    box.append(element("span", {}, s, text));
  };
  if (state.by < 0) {
    swatch(paint("front"), "Pareto front of all objectives");
    swatch(paint("feasible"), "feasible");
    if (data.status.includes("i")) swatch(paint("infeasible"), "misses a constraint");
  } else {
    const d = dimensions[state.by];
    const bar = element("b", {className: "ramp"});
    bar.style.background = `linear-gradient(to right,${[0, 0.25, 0.5, 0.75, 1].map(ramp)})`;
    const ends = d.objective ? [figure(d.low), figure(d.high)] : [d.labels[0], d.labels[d.labels.length - 1]];
    box.append(element("span", {}, `${d.name}: ${ends[0]}`, bar, ends[1]), "large dots: Pareto front");
  }
  let passed = 0;
  for (let i = 0; i < total; i++) passed += passing[i];
  box.append(element("span", {id: "passed", textContent: `${passed.toLocaleString("en-US")} points drawn`}));
}

function startTheme() {
  const root = document.documentElement;
  const button = get("theme");
  const set = (theme) => {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light theme" : "Dark theme";
    paints = new Map();
    changed();
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  let kept = null;
  try {
    kept = localStorage.getItem("npusim-theme");
  } catch (e) { /* pages of files may have no storage */ }
  set(kept === "dark" || kept === "light" ? kept : system.matches ? "dark" : "light");
  system.addEventListener("change", () => {
    if (kept === null) set(system.matches ? "dark" : "light");
  });
  button.addEventListener("click", () => {
    kept = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("npusim-theme", kept);
    } catch (e) { /* as above */ }
    set(kept);
  });
  addEventListener("beforeprint", () => {
    set("light");
    refresh();
  });
}

function fromHash() {
  const match = /^#point=(-?\d+)$/.exec(location.hash);
  const i = match ? data.ids.indexOf(match[1]) : -1;
  if (i >= 0) state.chosen = i;
}

fromHash();
startTheme();
startControls();
startScatter();
startParallel();
startDetail();
startSensitivity();
startFront();
startFailures();
addEventListener("hashchange", () => {
  fromHash();
  changed();
});
refresh();
document.documentElement.dataset.ready = "true";
