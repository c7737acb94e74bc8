// The theme: that of the system until the reader picks one. The choice is kept
// where the browser allows it.

const repaint = []; // what has to be drawn again in other colours

function repaintAll() {
  colors = new Map();
  for (const f of repaint) f();
}

function startTheme() {
  const root = document.documentElement;
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = dark() ? "Light theme" : "Dark theme";
    repaintAll();
  };
  const key = "npusim-theme";
  try {
    const kept = localStorage.getItem(key);
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch (e) { /* a page of a file may have no storage */ }
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem(key, root.dataset.theme);
    } catch (e) { /* as above */ }
    show();
  });
  system.addEventListener("change", show);

  // Paper is white whatever the theme.
  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    repaintAll();
  });
  addEventListener("afterprint", () => {
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    repaintAll();
  });
  matchMedia("print").addEventListener("change", repaintAll);
  show();
}
