"use strict";
/* The stepper. Everything it shows is in the document already, or in the JSON beside it; text from
   there is only ever set as text, never as markup. */
(() => {
  const find = (selector, inside = document) => inside.querySelector(selector);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const data = JSON.parse(find("#data").textContent);
  const sections = all(".step"), rows = all(".tape button"), figures = all(".views figure");
  const slider = find(".controls input"), said = find("#said"), dialog = find("dialog");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const last = sections.length - 1;
  let now = -1, view = 0;

  // ---- steps ---------------------------------------------------------------------------------
  function show(step, remember = true) {
    step = Math.max(0, Math.min(last, step));
    if (step === now) return;
    now = step;
    sections.forEach((section, k) => { section.hidden = k !== now; });
    rows.forEach((row) => {
      const here = Number(row.dataset.step) === now;
      if (here) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
      if (here) revealRow(row, row.closest("ol").parentElement);
    });
    slider.value = now + 1;
    slider.setAttribute("aria-valuetext", sections[now].dataset.said);
    find(".controls output").textContent = `${now + 1} of ${last + 1}`;
    for (const [name, to] of Object.entries(targets())) {
      for (const button of all(`[data-go="${name}"]`)) button.disabled = to === now;
    }
    said.textContent = sections[now].dataset.said;
    if (remember) history.replaceState(null, "", `#step=${now + 1}`);
    draw(holding(view, now));
  }

  function revealRow(row, frame) {  // without moving the page, as scrollIntoView would
    const inner = row.getBoundingClientRect(), outer = frame.getBoundingClientRect();
    const above = inner.top - outer.top - 40, below = inner.bottom - outer.bottom + 8;
    if (above < 0) frame.scrollTop += above; else if (below > 0) frame.scrollTop += below;
  }

  function targets() {
    return { first: 0, back: Math.max(0, now - 1), on: Math.min(last, now + 1), last };
  }

  function fromAddress() {
    const found = /(?:^|[#&])step=(\d+)/.exec(location.hash);
    return found ? Number(found[1]) - 1 : data.failed ? last : 0;
  }

  // ---- the graph -----------------------------------------------------------------------------
  const within = (range, step) => range && range[0] <= step && step <= range[1];

  function holding(start, step) {  // the view nearest to `start` in which a step happens
    let v = start;
    while (data.views[v].up !== null && !within(data.views[v].steps, step)
           && !within(data.views[v].back, step)) v = data.views[v].up;
    return v;
  }

  function draw(next) {
    view = next;
    figures.forEach((figure, v) => { figure.hidden = v !== view; });
    const figure = figures[view], seen = data.views[view];
    for (const box of all(".box", figure)) mark(box, seen.boxes[box.dataset.box]);
    for (const line of all(".line", figure)) mark(line, seen.lines[line.dataset.line]);
    trail();
    const first = seen.peek || now === 0;  // where the reading begins
    const at = find(first ? ".box.group, .box.call" : ".box.now", figure);
    if (at) bringIntoView(at, views);
  }

  // When a box or a line has its turn; `turns` are the steps in which a line into a box of many
  // calls has it on the way back.
  function mark(element, [forward, back, known = forward && forward[0], turns = null]) {
    const returns = turns ? turns.includes(now) : within(back, now);
    const active = !data.views[view].peek && (within(forward, now) || returns);
    element.classList.toggle("ahead", now < known);
    element.classList.toggle("unknown", Boolean(back) && now < back[0]);
    element.classList.toggle("now", active);
    const total = find(".total", element);
    if (total) total.textContent = now < (back ? back[0] : 0) ? total.whole.replace(/= .*/s, "= ?") : total.whole;
    element.classList.toggle("flowing", active && Boolean(returns));
  }

  function bringIntoView(element, frame) {
    const inner = element.getBoundingClientRect(), outer = frame.getBoundingClientRect();
    const left = inner.x + inner.width / 2 - outer.x - outer.width / 2;
    const top = inner.y + inner.height / 2 - outer.y - outer.height / 2;
    frame.scrollBy({ left, top, behavior: calm.matches ? "instant" : "smooth" });
  }

  function trail() {
    const nav = find(".trail"), names = [];
    for (let v = view; v !== null; v = data.views[v].up) names.unshift(v);
    nav.hidden = names.length < 2;
    nav.replaceChildren(...names.map((v) => {
      const button = make(v === view ? "span" : "button", data.views[v].name);
      if (v !== view) button.addEventListener("click", () => draw(v));
      return button;
    }));
  }

  function open(box) {
    const key = box.dataset.box, inner = data.views[view].inside[key];
    if (inner === undefined && data.parts && data.parts[key]) return list(box, data.parts[key]);
    // "out7" is where value 7 leaves the picture, "3-7" a part that ends with it.
    if (inner === undefined) return inspect(key.replace(/^out|^.*-/, ""));
    const range = now < data.forward ? data.views[inner].steps : data.views[inner].back;
    draw(inner);
    if (range && !within(range, now)) show(range[0]);
  }

  // ---- the whole sum of an array, or of one entry ----------------------------------------------
  function make(kind, text = "", classes = "") {
    const element = document.createElement(kind);
    element.textContent = text;
    element.className = classes;
    return element;
  }

  function inspect(key, entry = 0) {
    const array = data.arrays[key];
    if (!array) return tell(key);
    const parts = [table(array, key, "value", array.value, entry)];
    const made = array.made && array.made[entry];
    if (made) parts.push(make("p", equation(array.name, array.entries[entry], "=", made, array.value[entry]), "worked mono"));
    if (array.gradient) {
      parts.push(table(array, key, "gradient", array.gradient, entry), whole(array, entry));
    } else parts.push(make("p", array.why, "words"));
    present(array.shape ? `${array.name} ${array.shape}` : array.name, parts.flat());
  }

  function present(title, parts) {
    find("h2", dialog).textContent = title;
    find(".content", dialog).replaceChildren(...parts);
    if (!dialog.open) dialog.showModal();
  }

  function tell(key) {  // a call that has no step of its own, in a few words
    const call = data.calls && data.calls[key];
    if (call) present(call[0], [calls([["", ...call.slice(1)]])]);
  }

  function list(box, runs) {
    const found = runs.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, i) => data.calls[from + i]));
    const known = found.filter(Boolean), more = found.length - known.length;
    const parts = [make("p", `${found.length} calls, in the order of the forward pass`, "words"), calls(known)];
    if (more) parts.push(make("p", `… and ${more} more`, "words"));
    present(find(".title", box).textContent, parts);
  }

  function calls(several) {
    const rows = make("ol", "", "calls");
    rows.append(...several.map(([call, value, gradient, ...rules]) => {
      const row = make("li");
      if (call) row.append(make("code", call));
      row.append(make("div", `= ${value}`, "over"));
      for (const text of [gradient, ...rules]) if (text) row.append(make("div", text, "under"));
      return row;
    }));
    return rows;
  }

  function table(array, key, kind, cells, entry) {
    const title = kind === "value" ? array.name : array.gradientName;
    const scroll = make("div", "", "scroll"), grid = make("table", "", `of-${kind}`);
    grid.append(make("caption", title, "aside"));
    array.rows.forEach((name, i) => {
      const row = grid.insertRow();
      if (array.rows.length > 1) row.append(Object.assign(make("th", name), { scope: "row" }));
      array.columns.forEach((column, j) => {
        const k = i * array.columns.length + j, cell = row.insertCell();
        cell.textContent = cells[k];
        if (cells[k] === "…") return cell.classList.add("dots");
        cell.classList.toggle("chosen", k === entry);
        cell.tabIndex = k === entry && (kind === "gradient" || !array.gradient) ? 0 : -1;
        cell.dataset.entry = k;
        cell.addEventListener("click", () => choose(key, k, kind));
      });
    });
    scroll.append(grid);
    return [make("h3", title), scroll];
  }

  function choose(key, entry, kind) {
    inspect(key, entry);
    find(`.of-${kind} [data-entry="${entry}"]`, dialog).focus();
  }

  function whole(array, entry) {
    const where = array.entries[entry];
    const list = make("ol", "", "sum");
    for (const part of array.parts) {
      const item = make("li"), words = make("span"), to = make("button", part.rule);
      to.addEventListener("click", () => { dialog.close(); show(part.step); });
      words.append(to, ...(part.terms && part.terms[entry] ? [make("div", part.terms[entry], "words")] : []));
      item.append(make("span", part.cells[entry], "n"), words);
      list.append(item);
    }
    if (array.more) list.append(make("li", `… and ${array.more} more`));
    const total = make("li", "", "all");
    total.append(make("span", array.gradient[entry], "n"), make("span", `= ${array.gradientName}${where}`));
    list.append(total);
    return [make("h3", `The whole sum of ${array.gradientName}${where}`), list];
  }

  // ---- how the entry under the pointer was worked out --------------------------------------------
  function work(cell) {
    const frame = cell.closest("[data-of]"), block = cell.closest(".part") || cell.closest(".step");
    const array = data.arrays[frame.dataset.of], k = Number(cell.dataset.entry);
    const told = find(".worked", block);
    if (!array || !told || told.previousElementSibling.lastElementChild !== frame) return;
    const back = frame.dataset.part !== undefined, part = back && array.parts[Number(frame.dataset.part)];
    const text = back ? part.terms && part.terms[k] : array.made && array.made[k];
    if (!text) return;
    const name = back ? array.gradientName : array.name, sign = back ? part.sign : "=";
    const value = back ? part.cells[k] : array.value[k];
    told.textContent = equation(name, array.entries[k], sign, text, value);
    light(cell.closest(".step"), cell, text);
  }

  function equation(name, place, sign, text, value) {
    return `${name}${place} ${sign} ${text}${text.endsWith(`= ${value}`) ? "" : ` = ${value}`}`;
  }

  function light(section, cell, text) {  // the entries that a formula reads: x[1, k], for every k
    for (const lit of all(".lit", section)) lit.classList.remove("lit");
    if (cell) cell.classList.add("lit");
    for (const grid of text ? all("table", section) : []) {
      const array = data.arrays[grid.parentElement.dataset.of], name = `${grid.dataset.name}[`;
      for (let at = text.indexOf(name); array && at >= 0; at = text.indexOf(name, at + 1)) {
        if (/[\w.]/.test(text[at - 1] || "")) continue;
        const index = indexAt(text, at + name.length);
        for (const td of all("td[data-entry]", grid)) {
          const place = array.entries[td.dataset.entry].slice(1, -1).split(", ");
          if (fits(place, index, text)) td.classList.add("lit");
        }
      }
    }
  }

  function indexAt(text, start) {  // the parts of an index, which may hold another: p[n, t[n]]
    const parts = [""];
    for (let i = start, depth = 0; i < text.length; i++) {
      if (text[i] === "]" && depth === 0) break;
      depth += (text[i] === "[") - (text[i] === "]");
      if (text[i] === "," && depth === 0) parts.push(""); else parts[parts.length - 1] += text[i];
    }
    return parts.map((part) => part.trim());
  }

  function fits(place, index, text) {
    return place.length === index.length && place.every((i, axis) => {
      if (/^\d+$/.test(index[axis])) return i === index[axis];
      const inner = /^(.+)\[([a-z])\]$/.exec(index[axis]);
      if (inner) return i === entryOf(inner[1], place[index.indexOf(inner[2])]);
      if (!/^[a-z]$/.test(index[axis])) return false;
      const range = new RegExp(`[(,] ?${index[axis]} = (\\d+)(?: … (\\d+)|((?:, \\d+)*))`).exec(text);
      if (!range) return true;
      if (range[2]) return Number(i) >= Number(range[1]) && Number(i) <= Number(range[2]);
      return [range[1], ...range[3].split(", ")].includes(i);
    });
  }

  function entryOf(name, at) {
    const array = Object.values(data.arrays).find((one) => one.name === name);
    return array && array.value[array.entries.indexOf(`[${at}]`)];
  }

  // ---- hands on ----------------------------------------------------------------------------------
  const keys = { ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = event.target.closest && event.target.closest(".box");
    if (box && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      open(box);
    } else if (dialog.open) {
      moveInTable(event);
    } else if (event.key in keys && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) {
      event.preventDefault();
      show(targets()[keys[event.key]]);
    }
  });

  function moveInTable(event) {
    const cell = event.target.closest("td");
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!cell || !by) return;
    event.preventDefault();
    const grid = all("tr", cell.closest("table")).map((row) => all("td", row));
    let i = cell.parentElement.rowIndex + by[0];
    let j = grid[cell.parentElement.rowIndex].indexOf(cell) + by[1];
    while (grid[i] && grid[i][j] && grid[i][j].classList.contains("dots")) { i += by[0]; j += by[1]; }
    if (grid[i] && grid[i][j]) grid[i][j].click();
  }

  all("[data-go]").forEach((b) => b.addEventListener("click", () => show(targets()[b.dataset.go])));
  rows.forEach((row) => row.addEventListener("click", () => show(Number(row.dataset.step))));
  slider.addEventListener("input", () => show(Number(slider.value) - 1));
  all(".mg .box").forEach((box) => box.addEventListener("click", () => open(box)));
  for (const grid of all("[data-of] table")) {  // the cells are its entries, in order
    all("td", grid).forEach((td, k) => { if (!td.matches(".dots")) td.dataset.entry = k; });
  }
  all("[data-of]").forEach((b) => b.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-entry]");
    inspect(b.dataset.of, cell ? Number(cell.dataset.entry) : 0);
  }));
  for (const told of all(".worked")) {
    const frame = told.previousElementSibling.lastElementChild, array = data.arrays[frame.dataset.of];
    const known = array && (frame.dataset.part === undefined ? array.made : array.parts[frame.dataset.part].terms);
    if (known && known.length > 1) told.after(make("p", "Point at another entry to see what it is made of.", "hint words"));
  }
  for (const section of sections) {
    section.addEventListener("pointerover", (event) => {
      const cell = event.target.closest("[data-of] [data-entry]");
      if (cell) work(cell);
    });
    section.addEventListener("pointerleave", () => light(section));
  }
  find(".close", dialog).addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  addEventListener("hashchange", () => show(fromAddress(), false));
  find("#print").addEventListener("click", () => print());

  // ---- light and dark ------------------------------------------------------------------------------
  const theme = find("#theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = isDark() ? "☀ Light" : "☾ Dark"; };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); });
  dark.addEventListener("change", name);
  name();

  const views = find(".views"), fit = find("#fit");
  fit.addEventListener("click", () => fit.setAttribute("aria-pressed", views.classList.toggle("fit")));

  const totals = all(".mg .total");
  totals.forEach((total) => { total.whole = total.textContent; });
  addEventListener("beforeprint", () => totals.forEach((total) => { total.textContent = total.whole; }));
  addEventListener("afterprint", () => draw(view));
  root.classList.add("steps-on");
  all(".mg .box").forEach((box) => { box.setAttribute("tabindex", "0"); box.setAttribute("role", "button"); });
  show(fromAddress(), false);
})();
