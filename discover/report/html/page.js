"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  // Light and dark: as the system has it, until the reader says otherwise.
  const theme = document.getElementById("theme");
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; label(); });
  dark.addEventListener("change", label);
  theme.hidden = false;
  label();

  // Sorting. A finding is a body of two rows; in other tables a row is one.
  const unitsOf = table => table.classList.contains("findings") ? Array.from(table.tBodies) : Array.from(table.tBodies[0].rows);
  const rowOf = unit => unit.tagName === "TBODY" ? unit.rows[0] : unit;
  const keyOf = (unit, at) => {
    const cell = rowOf(unit).cells[at];
    const key = cell.dataset.v || cell.textContent;
    return key === "-" ? "" : key;
  };
  const compare = (x, y, figures) => figures ? Number(x) - Number(y) : collator.compare(x, y);
  const sort = (table, th) => {
    const at = th.cellIndex;
    const keyed = unitsOf(table).map(unit => ({ unit, key: keyOf(unit, at) }));
    const figures = keyed.every(e => e.key === "" || !isNaN(Number(e.key)));
    const first = th.classList.contains("n") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = th.getAttribute("aria-sort") === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    keyed.sort((a, b) => (a.key === "") - (b.key === "") || sign * compare(a.key, b.key, figures));
    all("th", table.tHead).forEach(other => other.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", order);
    const parent = keyed.length && keyed[0].unit.parentNode;
    keyed.forEach(e => parent.appendChild(e.unit));
  };
  all("table.sortable").forEach(table => all("th", table.tHead).forEach(th => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    button.addEventListener("click", () => sort(table, th));
    th.append(button);
  }));

  // Searching. Every word has to be there.
  const texts = new WeakMap();
  const textOf = unit => {
    if (!texts.has(unit)) texts.set(unit, unit.textContent.toLowerCase());
    return texts.get(unit);
  };
  const words = input => input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (unit, list) => list.every(word => textOf(unit).includes(word));
  const tell = (tools, shown, total) => {
    tools.querySelector("output").textContent = shown === total ? total.toLocaleString("en") + " shown" : shown.toLocaleString("en") + " of " + total.toLocaleString("en") + " shown";
  };

  all(".tools[data-for]").forEach(tools => {
    const units = unitsOf(document.getElementById(tools.dataset.for));
    const input = tools.querySelector("input");
    const show = () => {
      const list = words(input);
      let shown = 0;
      units.forEach(unit => { unit.hidden = !has(unit, list); shown += !unit.hidden; });
      tell(tools, shown, units.length);
    };
    input.addEventListener("input", show);
    tools.hidden = false;
    show();
  });

  const tools = document.getElementById("finding-tools");
  if (tools) {
    const units = all("table.findings > tbody");
    const input = tools.querySelector("input");
    const selects = all("select", tools);
    const cell = (unit, select) => unit.rows[0].cells[Number(select.dataset.column)].textContent;
    const show = () => {
      const list = words(input);
      let shown = 0;
      units.forEach(unit => {
        unit.hidden = !(has(unit, list) && selects.every(s => s.selectedIndex === 0 || s.value === cell(unit, s)));
        shown += !unit.hidden;
      });
      all(".group").forEach(group => {
        group.hidden = unitsOf(group.querySelector("table.findings")).every(unit => unit.hidden);
      });
      document.getElementById("no-match").hidden = shown > 0;
      tell(tools, shown, units.length);
    };
    selects.forEach(select => {
      const values = Array.from(new Set(units.map(unit => cell(unit, select)))).sort(collator.compare);
      values.forEach(value => select.append(new Option(value, value)));
      select.parentNode.hidden = values.length < 2;
      select.addEventListener("change", show);
    });
    input.addEventListener("input", show);
    all("a.box").forEach(box => box.addEventListener("click", () => {
      const select = selects.find(s => s.dataset.column === "2");
      select.value = box.dataset.surface;
      if (select.selectedIndex < 0) select.selectedIndex = 0;
      show();
    }));
    tools.hidden = false;
    show();

    const unfold = document.getElementById("unfold");
    unfold.addEventListener("click", () => {
      const open = unfold.textContent.startsWith("Open");
      all("table.findings details").forEach(d => { d.open = open; });
      unfold.textContent = open ? "Close all evidence" : "Open all evidence";
    });
  }

  // Copying asks for no permission: the command is selected, and copied where
  // the browser lets a page do so.
  all(".command").forEach(command => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => {
      getSelection().selectAllChildren(command.querySelector("code"));
      let copied = false;
      try { copied = document.execCommand("copy"); } catch (e) { copied = false; }
      button.textContent = copied ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    command.append(button);
  });

  // Printing shows what is folded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    folded.forEach(d => { d.open = true; });
  });
  addEventListener("afterprint", () => { folded.forEach(d => { d.open = false; }); });
})();
