/* Page behaviour: copy buttons, citation tabs, the year slider of the map, the paper table.
   Every page is complete without this file. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, props = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  };
  const COPIED = $("#sk-main").dataset.copied;

  /* ---- copy ---- */
  async function put(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }
  function flash(label) {
    if (label.textContent === COPIED) return;
    const before = label.textContent;
    label.textContent = COPIED;
    label.setAttribute("role", "status");
    setTimeout(() => { label.textContent = before; }, 1600);
  }
  document.addEventListener("click", async event => {
    const button = event.target.closest(".sk-copy");
    if (!button) return;
    const pre = $("pre", button.parentNode);
    await put(button.dataset.copy || pre.textContent);
    flash($("span", button));
  });

  /* ---- citations: sections in the HTML, tabs once this runs ---- */
  for (const box of $$(".sk-cite")) {
    const panels = $$("section", box), list = make("div");
    list.setAttribute("role", "tablist");
    const pick = (chosen, focus) => panels.forEach((panel, i) => {
      const tab = list.children[i], on = i === chosen;
      panel.hidden = !on;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      if (on && focus) tab.focus();
    });
    panels.forEach((panel, i) => {
      const tab = make("button", { type: "button", textContent: panel.dataset.name, id: panel.id + "-tab", onclick: () => pick(i) });
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      list.append(tab);
    });
    list.onkeydown = event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const now = $$("[role=tab]", list).indexOf(document.activeElement);
      pick((now + step + panels.length) % panels.length, true);
    };
    box.classList.add("tabs");
    box.prepend(list);
    pick(0);
  }

  /* ---- the map: which side, up to which year ---- */
  const map = $(".sk-map");
  if (map) {
    const range = $("#up-to"), output = $(".sk-year output");
    for (const radio of $$("[name=show]")) radio.onchange = () => { map.dataset.show = radio.value; };
    const marks = $$("[data-y]", map).map(mark => [mark, +mark.dataset.y]);
    const totals = $$(".sk-total i", map).map(i => [i, i.textContent]);
    const draw = () => {
      const year = +range.value;
      output.textContent = year;
      for (const [mark, own] of marks) mark.classList.toggle("off", own > year);
      for (const link of $$("td > a", map)) {
        for (const [count, shape] of [[".na", ".a"], [".nd", ".d"]]) {
          $(count, link).textContent = $$(`svg ${shape}:not(.off)`, link).length;
        }
      }
      /* A paper may stand in two cells, so the totals of earlier years cannot be summed. */
      for (const [i, all] of totals) i.textContent = range.value === range.max ? all : "";
    };
    range.oninput = draw;
    let timer;
    $(".sk-play").onclick = () => {
      clearInterval(timer);
      range.value = range.min;
      draw();
      timer = setInterval(() => {
        range.value++;
        draw();
        if (range.value === range.max) clearInterval(timer);
      }, 450);
    };
  }
  /* On a phone, wide tables and charts start at the newest years. */
  for (const wide of $$(".sk-time, .sk-matrix")) wide.parentNode.scrollLeft = 1e4;
  /* A link to a folded list unfolds it. */
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details")) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();

  /* ---- the paper table ---- */
  const explorer = $(".sk-ex");
  if (!explorer) return;
  const TEXT = JSON.parse(explorer.dataset.strings);
  const table = $(".sk-papers"), find = $("#find"), sort = $("#sort"), none = $(".sk-none");
  const count = $(".sk-count"), active = $(".sk-active"), pickbar = $(".sk-pick"), older = $(".sk-older");
  const AXES = $$(".sk-facet").map(facet => facet.dataset.axis);
  const boxes = $$(".sk-facet input");
  const norm = text => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const words = new Map(boxes.filter(box => box.dataset.words).map(box => [box.name + "=" + box.value, norm(box.dataset.words)]));
  const COLUMNS = JSON.parse(explorer.dataset.columns);
  let papers = [], bodies = [], vocabulary = [];
  function read() {
    bodies = $$("tbody", table);
    papers = $$("tr.r", table).map((row, i) => {
      const title = $(".sk-title", row).textContent, values = {};
      row.dataset.f.split("|").forEach((text, k) => { values[COLUMNS[k]] = text ? text.split(",") : []; });
      const labels = AXES.flatMap(axis => values[axis].map(value => words.get(axis + "=" + value) || ""));
      const chineseTitle = $(".sk-title-zh", row);
      return {
        i, row, id: row.id, title, values, body: row.parentNode, box: $("input", row), head: norm(title),
        hay: norm([title, chineseTitle ? chineseTitle.textContent : "", $(".au", row).textContent, row.dataset.s, $(".v", row).textContent].join(" ")) + " " + labels.join(" "),
      };
    });
    vocabulary = [...new Set(papers.flatMap(paper => paper.hay.match(/\b[a-z]{4,}\b/g) || []))];
  }
  const state = Object.fromEntries(AXES.map(axis => [axis, new Set()]));
  let shown = [], cursor = -1, flat = false;

  /* Search: every word must occur; a word that occurs nowhere is replaced by near words (bigram overlap);
     a run of Chinese characters matches when 60 % of its bigrams do. */
  const bigrams = word => [...word].slice(1).map((letter, i) => word[i] + letter);
  const dice = (a, b) => {
    const x = bigrams(a), y = bigrams(b);
    return 2 * x.filter(gram => y.includes(gram)).length / (x.length + y.length || 1);
  };
  const split = text => norm(text).match(/[\u3400-\u9fff]+|[^\s\u3400-\u9fff]+/g) || [];
  function matcher(text) {
    const near = [];
    const tests = split(text).map(word => {
      if (/[\u3400-\u9fff]/.test(word)) {
        const grams = word.length > 1 ? bigrams(word) : [word];
        return hay => hay.includes(word) || grams.filter(gram => hay.includes(gram)).length / grams.length >= .6;
      }
      if (word.length < 4 || papers.some(paper => paper.hay.includes(word))) return hay => hay.includes(word);
      const like = vocabulary.map(known => [dice(word, known), known]).filter(pair => pair[0] > .55)
        .sort((a, b) => b[0] - a[0]).slice(0, 4).map(pair => pair[1]);
      near.push(...like.slice(0, 2));
      return hay => like.some(known => hay.includes(known));
    });
    return { near, fits: paper => tests.every(test => test(paper.hay)) };
  }
  const fits = (paper, except) => AXES.every(axis => axis === except || !state[axis].size || paper.values[axis].some(value => state[axis].has(value)));
  const ORDER = {
    new: (a, b) => a.i - b.i,
    old: (a, b) => a.values.year[0] - b.values.year[0] || a.i - b.i,
    title: (a, b) => a.title.localeCompare(b.title),
    venue: (a, b) => a.values.venue[0].localeCompare(b.values.venue[0]) || a.i - b.i,
  };
  const label = (axis, value) => {
    const box = boxes.find(one => one.name === axis && one.value === value);
    return box ? $("span", box.parentNode).textContent : value;
  };

  function drawRows() {
    const grouped = sort.value === "new" || sort.value === "old", on = new Set(shown);
    for (const paper of papers) paper.row.hidden = !on.has(paper);
    shown.sort(ORDER[sort.value]);
    if (grouped) {
      table.append(...(sort.value === "new" ? bodies : [...bodies].reverse()));
      if (flat) for (const paper of papers) paper.body.append(paper.row);
      for (const body of bodies) {
        const n = $$("tr.r:not([hidden])", body).length;
        body.hidden = !n;
        $("tr.y", body).hidden = false;
        $("tr.y span", body).textContent = n;
      }
    } else if (bodies.length) {
      for (const body of bodies) { $("tr.y", body).hidden = true; body.hidden = body !== bodies[0]; }
      bodies[0].append(...shown.map(paper => paper.row));
    }
    flat = !grouped;
  }
  function drawCounts(hits) {
    for (const axis of AXES) {
      const n = {};
      for (const paper of hits) if (fits(paper, axis)) for (const value of paper.values[axis]) n[value] = (n[value] || 0) + 1;
      for (const box of boxes) {
        if (box.name !== axis) continue;
        box.checked = state[axis].has(box.value);
        $("b", box.parentNode).textContent = n[box.value] || 0;
        box.closest("li").classList.toggle("zero", !n[box.value] && !box.checked);
      }
    }
  }
  function drawActive() {
    const chosen = AXES.flatMap(axis => [...state[axis]].map(value => [axis, value]));
    const drop = (axis, value) => {
      state[axis].delete(value);
      draw(true);
      ($("button", active) || find).focus();
    };
    active.hidden = !chosen.length;
    const chips = chosen.map(([axis, value]) => {
      const cross = make("i", { textContent: "×", ariaHidden: "true" });
      const button = make("button", { type: "button", onclick: () => drop(axis, value) }, label(axis, value), cross);
      button.setAttribute("aria-label", `${TEXT.remove}: ${label(axis, value)}`);
      return make("li", {}, button);
    });
    if (chosen.length > 1) {
      const clear = () => { AXES.forEach(axis => state[axis].clear()); draw(true); find.focus(); };
      chips.push(make("li", {}, make("button", { type: "button", className: "all", textContent: TEXT.clear, onclick: clear })));
    }
    active.replaceChildren(...chips);
  }
  /* `push`: true = a new step in the history, false = the same step, undefined = the address stays. */
  function draw(push) {
    const search = matcher(find.value), hits = papers.filter(search.fits);
    shown = hits.filter(paper => fits(paper));
    drawRows();
    drawCounts(hits);
    drawActive();
    const near = search.near.length ? TEXT.near + search.near.join(TEXT.comma) + TEXT.stop : "";
    const text = shown.length === papers.length ? TEXT.count : TEXT.countOf;
    count.textContent = near + text.replace("{n}", shown.length).replace("{all}", papers.length);
    none.hidden = shown.length > 0;
    $("thead", table).hidden = !shown.length;
    highlight();
    moveTo(-1);
    if (push !== undefined) writeAddress(push);
  }
  function writeAddress(push) {
    const query = new URLSearchParams();
    if (find.value.trim()) query.set("find", find.value.trim());
    for (const axis of AXES) if (state[axis].size) query.set(axis, [...state[axis]].join(","));
    if (sort.value !== "new") query.set("sort", sort.value);
    const text = query.toString().replace(/%2C/g, ",");
    history[push ? "pushState" : "replaceState"](null, "", text ? "?" + text : location.pathname);
  }
  function readAddress() {
    const query = new URLSearchParams(location.search);
    find.value = query.get("find") || "";
    sort.value = query.get("sort") in ORDER ? query.get("sort") : "new";
    for (const axis of AXES) state[axis] = new Set((query.get(axis) || "").split(",").filter(Boolean));
    for (const facet of $$(".sk-facet")) if (state[facet.dataset.axis].size) facet.open = true;
    draw();
  }
  function highlight() {                 // marks the words found without touching the document
    if (!window.CSS || !CSS.highlights) return;
    CSS.highlights.delete("sk");
    const wanted = split(find.value).filter(word => word.length > 1);
    if (!wanted.length) return;
    const ranges = [];
    for (const paper of shown.slice(0, 80)) for (const part of $$(".sk-title, .sk-title-zh, .au", paper.row)) for (const node of part.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE) continue;
      const text = node.data.toLowerCase();
      for (const word of wanted) for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("sk", new Highlight(...ranges));
  }

  /* ---- selection and export ---- */
  const chosen = () => papers.filter(paper => paper.box.checked);
  function drawChosen() {
    const n = chosen().length, all = $("#all");
    for (const paper of papers) paper.row.classList.toggle("on", paper.box.checked);
    pickbar.hidden = !n;
    $("output", pickbar).textContent = TEXT.selected.replace("{n}", n);
    all.checked = n > 0 && shown.every(paper => paper.box.checked);
    all.indeterminate = n > 0 && !all.checked;
  }
  table.addEventListener("change", event => {
    if (event.target.id === "all") for (const paper of shown) paper.box.checked = event.target.checked;
    drawChosen();
  });
  let citations;
  const cite = () => citations || (citations = fetch(explorer.dataset.cite).then(answer => answer.json()));
  pickbar.onclick = async event => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    if (button.dataset.do === "clear") {
      for (const paper of papers) paper.box.checked = false;
      drawChosen();
      find.focus();
      return;
    }
    const all = await cite(), list = chosen().map(paper => all[paper.id]);
    if (button.dataset.do === "cite") {
      await put(list.map(texts => texts[1]).join("\n\n"));
      flash($("span", button));
    } else {
      const file = new Blob([list.map(texts => texts[0]).join("\n")], { type: "text/x-bibtex" });
      const link = make("a", { href: URL.createObjectURL(file), download: "selection.bib" });
      link.click();
      URL.revokeObjectURL(link.href);
    }
  };

  /* ---- keys ---- */
  function moveTo(i) {
    if (shown[cursor]) shown[cursor].row.classList.remove("cur");
    cursor = Math.max(-1, Math.min(i, shown.length - 1));
    const paper = shown[cursor];
    if (!paper) return;
    paper.row.classList.add("cur");
    $(".sk-title", paper.row).focus({ preventScroll: true });
    paper.row.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      event.stopImmediatePropagation();
      find.focus();
      find.select();
    } else if (event.target === find && event.key === "Escape") {
      find.value = "";
      draw(false);
    } else if (event.target === find && (event.key === "ArrowDown" || event.key === "Enter")) {
      event.preventDefault();
      moveTo(0);
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      event.preventDefault();
      moveTo(cursor + (event.key === "j" ? 1 : -1));
    } else if (!typing && event.key === "x" && shown[cursor]) {
      shown[cursor].box.click();
    }
  }, true);
  let wait;
  find.oninput = () => { clearTimeout(wait); wait = setTimeout(() => draw(false), 90); };
  sort.onchange = () => draw(false);
  const filters = $(".sk-facets");
  filters.onchange = event => {
    const { name, value, checked } = event.target;
    state[name][checked ? "add" : "delete"](value);
    draw(true);
  };
  filters.onsubmit = event => event.preventDefault();
  addEventListener("popstate", readAddress);
  if (matchMedia("(max-width: 59.9375em)").matches) $(".sk-facets__fold").open = false;
  read();
  readAddress();
  if (explorer.dataset.older) {
    fetch(explorer.dataset.older).then(answer => answer.text()).then(html => {
      const rows = make("template", { innerHTML: `<table>${html}</table>` }).content;
      for (const body of $$("tbody", rows)) {
        const same = bodies.find(known => known.dataset.year === body.dataset.year);
        if (same) same.append(...$$("tr.r", body)); else table.append(body);
      }
      older.hidden = true;
      read();
      readAddress();
    });
  }
})();
