// The layer table: sorting by any column, a filter, rows that lead to the
// timeline.

function startTable() {
  const table = byId("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const numeric = heads.map((h) => h.classList.contains("number"));

  const value = (row, column) => {
    const cell = row.cells[column];
    if (!numeric[column]) return cell.textContent.toLowerCase();
    return cell.dataset.sort === undefined ? NaN : Number(cell.dataset.sort);
  };
  const sort = (column, descending) => {
    const keyed = rows.map((row, i) => [value(row, column), i, row]);
    const sign = descending ? -1 : 1;
    keyed.sort((a, b) => {
      if (numeric[column]) { // rows without a figure come last either way
        if (isNaN(a[0]) !== isNaN(b[0])) return isNaN(a[0]) ? 1 : -1;
        if (!isNaN(a[0]) && a[0] !== b[0]) return sign * (a[0] - b[0]);
      } else if (a[0] !== b[0]) {
        return sign * a[0].localeCompare(b[0], "en", {numeric: true});
      }
      return a[1] - b[1];
    });
    body.append(...keyed.map((k) => k[2]));
    heads.forEach((h, i) => h.setAttribute("aria-sort", i !== column ? "none" : descending ? "descending" : "ascending"));
  };
  heads.forEach((head, column) => {
    head.setAttribute("aria-sort", column === 0 ? "ascending" : "none");
    head.firstElementChild.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      // Figures are looked at from the largest down, names from A on.
      const first = numeric[column] && column > 0 ? "descending" : "ascending";
      const next = now === "none" ? first : now === "descending" ? "ascending" : "descending";
      sort(column, next === "descending");
    });
  });

  const filter = byId("filter");
  filter.hidden = false;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((w) => w !== "");
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
      if (!row.hidden) left++;
    }
    byId("matches").textContent = words.length ? left + " of " + rows.length + " layers" : "";
  });

  for (const row of rows) {
    const name = row.querySelector("th");
    const button = make("button", {type: "button", class: "link", title: name.textContent + ": show it over time"}, name.textContent);
    button.addEventListener("click", () => choose(Number(row.dataset.layer), "table"));
    name.replaceChildren(button);
  }
  choosing.push((layer) => {
    for (const row of rows) row.classList.toggle("chosen", Number(row.dataset.layer) === layer);
  });
}
