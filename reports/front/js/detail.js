// The chosen point: objectives, settings, configuration.

// settingsOf are the keys of the axes at a point with their TOML values.
function settingsOf(i) {
  const list = [];
  data.axes.forEach((a, k) => {
    const v = a.values[data.values[k][i]];
    a.keys.forEach((key, n) => list.push([key, v.literals[n]]));
  });
  return list;
}

// tomlOf is the configuration of a point: the whole one where the page has it,
// else what all have in common with the settings put into their sections.
function tomlOf(i) {
  if (data.toml[i] !== undefined) return data.texts[data.toml[i]];
  const blocks = [{head: "", lines: []}]; // sections and entries of lists, in order
  for (const text of data.base.split("\n")) {
    if (/^\s*\[/.test(text)) blocks.push({head: text.trim(), lines: []});
    else if (text.trim()) blocks[blocks.length - 1].lines.push(text);
  }
  const odd = [];
  for (const [key, literal] of settingsOf(i)) {
    if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(key)) {
      odd.push(`# and ${key} = ${literal}`);
      continue;
    }
    const dot = key.lastIndexOf(".");
    const head = dot < 0 ? "" : `[${key.slice(0, dot)}]`;
    let block = blocks.find((b) => b.head === head);
    if (!block) blocks.push(block = {head, lines: []});
    block.lines.push(`${key.slice(dot + 1)} = ${literal}`);
  }
  if (odd.length) blocks.push({head: "", lines: odd});
  return blocks.filter((b) => b.lines.length).map((b) => [b.head, ...b.lines].filter(Boolean).join("\n")).join("\n\n") + "\n";
}

// commandOf runs a point whose configuration was saved.
const commandOf = (i) => data.command.replaceAll("CONFIG", `point-${data.ids[i]}.toml`);

// copied puts a text on the clipboard, also on pages of files.
async function copied(text, button) {
  const before = button.textContent;
  let ok = false;
  try {
    await navigator.clipboard.writeText(text);
    ok = true;
  } catch (e) {
    const area = element("textarea", {value: text});
    document.body.append(area);
    area.select();
    ok = document.execCommand("copy");
    area.remove();
  }
  button.textContent = ok ? "Copied" : "Select and copy it by hand";
  setTimeout(() => { button.textContent = before; }, 1500);
}

function pairs(rows) {
  const body = element("tbody");
  for (const [name, value] of rows) body.append(element("tr", {}, element("th", {scope: "row", textContent: name}), element("td", {className: "number", textContent: value})));
  return element("table", {}, body);
}

function textBlock(title, text) {
  const button = element("button", {type: "button", textContent: "Copy"});
  button.addEventListener("click", () => copied(text, button));
  return [element("h3", {}, title + " ", button), element("pre", {tabIndex: 0, textContent: text})];
}

const statusWords = {o: "on the Pareto front", f: "feasible, not on the front", i: "misses a constraint", x: "failed"};

function startDetail() {
  const box = get("detail");
  let last = null;
  listeners.push(() => {
    const i = state.chosen;
    if (i === last) return;
    last = i;
    box.replaceChildren();
    if (i < 0) {
      box.append(element("p", {className: "hint", textContent: "Choose a point to see its configuration here."}));
      return;
    }
    box.append(element("h3", {textContent: "Point " + data.ids[i]}), element("p", {textContent: statusWords[data.status[i]]}));
    if (data.reasons[i] !== undefined) box.append(element("p", {className: "hint", textContent: data.texts[data.reasons[i]]}));
    for (const r of data.reports[i] || []) box.append(element("p", {}, element("a", {href: r.page, textContent: r.name})));
    if (data.status[i] !== "x") box.append(element("h3", {textContent: "Objectives"}), pairs(data.objectives.map((o, k) => [`${o.name} (${o.maximize ? "max" : "min"})`, figure(data.results[k][i])])));
    box.append(...textBlock("Configuration", tomlOf(i)));
    if (data.command) box.append(...textBlock(`Command, once that is saved as point-${data.ids[i]}.toml`, commandOf(i)));
    box.append(element("h3", {textContent: "Axes"}), pairs(data.axes.map((a, k) => [a.name, a.values[data.values[k][i]].label])));
  });
}
