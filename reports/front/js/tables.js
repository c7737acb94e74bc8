// Sensitivity, the front, failures.

function startSensitivity() {
  const box = get("sensitivity");
  data.objectives.forEach((o, k) => {
    const shares = data.axes.map((a, n) => [a.name, data.sensitivity[n][k]]);
    shares.sort((a, b) => (b[1] ?? -1) - (a[1] ?? -1));
    const bars = element("div", {className: "bars"});
    for (const [name, share] of shares) {
      const bar = element("i");
      bar.style.width = 100 * (share ?? 0) + "%";
      bars.append(element("span", {textContent: name}), element("div", {className: "bar"}, bar),
        element("span", {className: "number", textContent: share === null ? "–" : (100 * share).toFixed(1) + " %"}));
    }
    box.append(element("div", {}, element("h3", {textContent: o.name}), bars));
  });
}

const mostRows = 500;

function startFront() {
  const members = [];
  for (let i = 0; i < total; i++) if (data.status[i] === "o") members.push(i);
  const columns = [
    {name: "point", value: (i) => Number(data.ids[i])},
    ...data.axes.map((a, k) => ({name: a.name, value: (i) => data.values[k][i], text: (i) => a.values[data.values[k][i]].label, words: !a.ordered})),
    ...data.objectives.map((o, k) => ({name: `${o.name} (${o.maximize ? "max" : "min"})`, value: (i) => data.results[k][i], text: (i) => figure(data.results[k][i])})),
  ];
  const body = element("tbody");
  const heads = columns.map((c, k) => {
    const button = element("button", {type: "button", textContent: c.name});
    const head = element("th", {scope: "col", className: c.words ? "" : "number"}, button);
    button.addEventListener("click", () => sort(k));
    return head;
  });
  let by = -1;
  let up = true;
  function sort(k) {
    up = k === by ? !up : true;
    by = k;
    const value = columns[k].value;
    members.sort((a, b) => ((value(a) ?? Infinity) - (value(b) ?? Infinity)) * (up ? 1 : -1) || a - b);
    heads.forEach((h, n) => (n === k ? h.setAttribute("aria-sort", up ? "ascending" : "descending") : h.removeAttribute("aria-sort")));
    fill();
  }
  function fill() {
    body.replaceChildren();
    for (const i of members.slice(0, mostRows)) {
      const row = element("tr", {className: i === state.chosen ? "chosen" : ""});
      columns.forEach((c, k) => {
        if (k) {
          row.append(element("td", {className: c.words ? "" : "number", textContent: c.text(i)}));
          return;
        }
        const button = element("button", {type: "button", textContent: "#" + data.ids[i]});
        const cell = element("th", {scope: "row", className: "number"}, button);
        for (const r of data.reports[i] || []) cell.prepend(element("a", {href: r.page, title: r.name, textContent: "report"}), " ");
        row.append(cell);
      });
      row.addEventListener("click", () => choose(i));
      body.append(row);
    }
  }
  get("front").append(element("thead", {}, element("tr", {}, ...heads)), body);
  get("front-note").textContent = members.length > mostRows ? `The first ${mostRows} of ${members.length} points; front.csv has all. A click chooses a point.` : "A click chooses a point; a click on a heading sorts.";
  sort(columns.length - data.objectives.length);
  let last = -2;
  listeners.push(() => {
    if (last === state.chosen) return;
    last = state.chosen;
    members.slice(0, mostRows).forEach((i, n) => { body.rows[n].className = i === state.chosen ? "chosen" : ""; });
  });
}

function startFailures() {
  const counts = new Map();
  for (let i = 0; i < total; i++) {
    if (data.status[i] !== "x") continue;
    const reason = data.reasons[i] === undefined ? "no reason given" : data.texts[data.reasons[i]];
    if (!counts.has(reason)) counts.set(reason, [0, i]);
    counts.get(reason)[0]++;
  }
  if (!counts.size) return;
  get("failures").hidden = false;
  const body = element("tbody");
  for (const [reason, [n, first]] of [...counts].sort((a, b) => b[1][0] - a[1][0]).slice(0, 50)) {
    const button = element("button", {type: "button", textContent: "#" + data.ids[first]});
    button.addEventListener("click", () => {
      choose(first);
      get("detail").scrollIntoView({block: "nearest"});
    });
    body.append(element("tr", {}, element("td", {className: "number", textContent: n.toLocaleString("en-US")}), element("td", {}, button), element("td", {textContent: reason})));
  }
  get("reasons").append(element("thead", {}, element("tr", {}, element("th", {textContent: "Points"}), element("th", {textContent: "First"}), element("th", {textContent: "Reason"}))), body);
}
