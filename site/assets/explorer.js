/* The paper table: search, filters, sorting, selection, keys. Without this file the table is complete and still.
   Rows stand in the page up to 1,000 papers; above, the page knows only the boxes of the older ones, so that counts and
   filters wait for nothing, and their rows come as lines of text. At most a window of rows is in the document, so that a keystroke costs the same at 353 papers and at 5,000. */
(() => {
  "use strict";
  const { $, $$, make, put, flash, data, list, searching } = window.sk;
  const explorer = $(".sk-ex"), TEXT = JSON.parse(explorer.dataset.strings);
  const table = $(".sk-papers"), head = $("thead", table), find = $("#find"), sort = $("#sort"), none = $(".sk-none");
  const count = $(".sk-count"), spoken = $(".sk-spoken"), active = $(".sk-active"), pickbar = $(".sk-pick");
  const filters = $(".sk-facets"), end = $(".sk-end"), mine = $(".sk-mine");
  const FIRST = 8, WINDOW = 16;      // a keystroke lays out what a screen shows; the rest comes right behind it

  /* ---- papers as data: each value of a paper is the number of its box, in the order of the page ---- */
  const AXES = $$(".sk-facet").map(facet => facet.dataset.axis);
  const boxes = $$(".sk-facet input").map(input => {
    const item = input.closest("li"), number = $("b", item).firstChild;
    return { input, item, number, axis: AXES.indexOf(input.name), label: $("span", item).textContent, value: input.value };
  });
  const bits = Uint32Array.from(boxes, box => 1 << box.axis);
  const boxOf = new Map(boxes.map((box, i) => [box.input.name + "=" + box.input.value, i]));
  const papers = [], bodies = new Map();
  const numbers = facts => JSON.parse("[[" + facts.replaceAll(" ", "],[") + "]]");     // the quickest way to read them
  function known(values) {
    return { i: papers.length, values, year: +boxes[values.at(-2)].value, venue: boxes[values.at(-1)].value, row: null, box: null, html: "", rank: 0 };
  }
  const here = paper => paper.row || paper.html;
  const titleOf = paper => paper.title ??= paper.row ? $(".sk-title", paper.row).textContent : plain(/<a [^>]*>([^<]*)/.exec(paper.html)?.[1] ?? "");
  const idOf = paper => !here(paper) ? "" : paper.id ??= paper.row ? $(".sk-title", paper.row).getAttribute("href").slice(0, -1) : /href="([^"/]*)/.exec(paper.html)[1];

  /* A row gets its box for selecting, and its links their full names, when it is first shown; those of the page
     in short tasks, so that 353 of them hold up nothing. */
  function prepare(paper) {
    if (paper.box) return paper;
    if (!paper.row) {
      const made = make("template", { innerHTML: paper.html });
      paper.row = made.content.firstElementChild;
    }
    paper.box = make("input", { type: "checkbox", ariaLabel: `${TEXT.select}: ${titleOf(paper)}` });
    const cell = make("td", { className: "x" }, paper.box);
    paper.row.prepend(cell);
    paper.row.paper = paper;
    for (const link of $$(".l a", paper.row)) link.ariaLabel = `${link.textContent}: ${titleOf(paper)}`;
    return paper;
  }

  function prepareFrom(i) {
    for (const until = performance.now() + 6; i < papers.length && performance.now() < until; i++) if (papers[i].row) prepare(papers[i]);
    if (i < papers.length) setTimeout(prepareFrom, 0, i);
  }

  /* ---- search: the engine of the whole site, fetched once somebody searches ---- */
  const plain = html => html.replace(/<[^>]*>/g, " ").replace(/&#39;/g, "'").replace(/&amp;/g, "&");
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  /* The rows of older papers, in a large catalog; if they do not come, the links to the pages of their years stay. */
  const older = $(".sk-older");
  const olderRows = older && painted().then(() => data("older", "papers/older.js")).then(rows => {
    const first = papers.length - rows.length;
    rows.forEach((html, i) => Object.assign(papers[first + i], { html, title: undefined }));
    older.remove();
  }).catch(() => { papers.length = papers.findIndex(paper => !here(paper)); }).then(() => draw());
  let engine, loading, failed = false;
  const load = () => loading ??= (explorer.ariaBusy = "true", searching().then(search => search.ready()).then(async ready => {
    await olderRows;
    engine = ready;
    failed = false;
  }).catch(() => { loading = undefined; failed = true; }).then(() => { explorer.ariaBusy = null; draw(); }));

  /* ---- filters: OR inside an axis, AND across, and none of what is excluded; the count of a box leaves out its own axis ---- */
  const state = Object.fromEntries(AXES.map(axis => [axis, new Set()]));      // values, with a minus before those that are excluded
  let author = "", listed = "", chosen = "";                                // one name, a list of ids or "mine", the order that was asked for
  let shown = [], drawn = 0, cursor = -1, untouched = true, before = [], order = "";
  const picked = new Set(list.ids());
  function asked() {
    const text = find.value.trim(), ids = listed && new Set(listed === "mine" ? picked : listed.split(","));
    const searched = engine && text ? engine.search(text, "paper") : null;
    const ranks = searched && new Map(searched.hits.map((hit, n) => [hit.i, n]));
    const by = ({ i }) => !author || !engine || engine.people[i].some(names => names.includes(author));
    return { searched, fits: paper => (!ranks || ranks.has(paper.i) && (paper.rank = ranks.get(paper.i), true)) && by(paper) && (!ids || ids.has(idOf(paper))) };
  }
  function sift() {
    const { searched, fits } = asked(), counts = new Uint32Array(boxes.length), on = new Uint8Array(boxes.length), off = new Uint8Array(boxes.length);
    let wanted = 0;
    AXES.forEach((axis, k) => {
      for (const value of state[axis]) {
        const not = value[0] === "-", box = boxOf.get(axis + "=" + value.slice(+not));
        if (!not) wanted |= 1 << k;
        if (box !== undefined) (not ? off : on)[box] = 1;
      }
    });
    shown = [];
    for (const paper of papers) {
      if (!fits(paper) || paper.values.some(value => off[value])) continue;
      let met = 0;
      if (wanted) for (const value of paper.values) if (on[value]) met |= bits[value];
      const missing = wanted & ~met;
      if (!missing) shown.push(paper);
      if (!missing) for (const value of paper.values) counts[value]++;
      else if (!(missing & missing - 1)) for (const value of paper.values) if (missing === bits[value]) counts[value]++;
    }
    return { searched, counts, on, off };
  }
  const titles = new Intl.Collator(document.documentElement.lang === "zh" ? "en" : undefined);
  const ORDER = {
    best: (a, b) => a.rank - b.rank,
    new: (a, b) => a.i - b.i,
    old: (a, b) => a.year - b.year || a.i - b.i,
    title: (a, b) => titles.compare(titleOf(a), titleOf(b)),
    venue: (a, b) => a.venue.localeCompare(b.venue) || a.i - b.i,
  };

  /* ---- drawing: the first rows at once, the next ones when their place comes into view ---- */
  function bodyOf(year) {
    if (!bodies.has(year)) {
      const body = make("tbody"), line = bodies.values().next().value.rows[0].cloneNode(true);
      line.cells[0].firstChild.data = year + " ";
      body.append(line);
      bodies.set(year, body);
    }
    return bodies.get(year);
  }
  const single = make("tbody");
  function drawRows() {
    if (untouched && shown.length === papers.length && papers.every(paper => paper.row) && sort.value === "new") return void (drawn = shown.length);
    if (sort.value !== "new") shown.sort(ORDER[sort.value]);
    const per = new Map();
    for (const { year } of shown) per.set(year, (per.get(year) || 0) + 1);
    for (const [year, n] of per) $("tr.y span", bodyOf(year)).textContent = n;
    // What stands there stays, however far it has been unrolled: a reader who scrolls or presses Ctrl+F loses no place.
    const kept = !untouched && order === sort.value && drawn >= Math.min(FIRST, shown.length) && drawn <= shown.length
      && before.slice(0, drawn).every((paper, i) => paper === shown[i]);
    before = shown;
    if (kept) return look(), highlight();
    untouched = false;
    order = sort.value;
    for (const body of $$("tbody", table)) body.remove();
    for (const body of [single, ...bodies.values()]) body.replaceChildren(...$$("tr.y", body));
    drawn = 0;
    grow(FIRST);
  }
  function grow(n) {
    const grouped = sort.value === "new" || sort.value === "old";
    let body, rows = [];
    const place = () => { body?.append(...rows); rows = []; };
    const from = drawn;
    for (const paper of shown.slice(from, from + n)) {
      if (!here(paper)) break;
      drawn++;
      const next = grouped ? bodyOf(paper.year) : single;
      if (next !== body) { place(); body = next; if (!body.parentNode) table.append(body); }
      rows.push(prepare(paper).row);
      paper.row.classList.toggle("on", paper.box.checked = picked.has(idOf(paper)));
    }
    place();
    highlight();
    if (drawn > from) look();
  }
  const look = () => { watch.unobserve(end); watch.observe(end); };      // asked anew whether the end is in view
  const watch = new IntersectionObserver(seen => { if (seen.at(-1).isIntersecting && drawn < shown.length) grow(WINDOW); }, { rootMargin: "400px" });
  function drawCounts(counts, on, off) {
    boxes.forEach((box, i) => {
      const text = String(counts[i]);
      if (box.number.data !== text) box.number.data = text;
      if (box.input.checked !== !!on[i]) box.input.checked = on[i];
      if (box.input.indeterminate !== !!off[i]) box.input.indeterminate = off[i];
      const zero = !counts[i] && !on[i] && !off[i];
      if (box.zero !== zero) box.item.classList.toggle("zero", box.zero = zero);
    });
  }
  /* A chip takes its filter away; the sign beside it turns "is" into "is not". */
  function chip(label, drop, turn, not) {
    const done = action => () => { action(); draw(true); ($("button", active) || find).focus(); };
    const cross = make("i", { textContent: "×", ariaHidden: "true" });
    const item = make("li", { className: not ? "not" : "" }, make("button", { type: "button", ariaLabel: `${TEXT.remove}: ${not ? TEXT.not : ""}${label}`, onclick: done(drop) }, (not ? TEXT.not : "") + label, cross));
    if (turn) item.prepend(make("button", { type: "button", className: "turn", title: not ? TEXT.include : TEXT.exclude, ariaLabel: `${not ? TEXT.include : TEXT.exclude}: ${label}`, textContent: not ? "≠" : "=", onclick: done(turn) }));
    return item;
  }
  function drawActive() {
    const chips = AXES.flatMap(axis => [...state[axis]].map(value => {
      const not = value[0] === "-", bare = value.slice(+not), set = state[axis];
      const turn = () => { set.delete(value); set.add(not ? bare : "-" + bare); };
      return chip(boxes[boxOf.get(axis + "=" + bare)]?.label || bare, () => set.delete(value), turn, not);
    }));
    if (author) chips.push(chip(TEXT.author + author, () => { author = ""; }));
    if (listed) chips.push(chip(listed === "mine" ? TEXT.mine : TEXT.shared.replace("{n}", listed.split(",").length), () => { listed = ""; }));
    active.hidden = !chips.length;
    if (chips.length > 1) {
      const clear = () => { AXES.forEach(axis => state[axis].clear()); author = listed = ""; draw(true); find.focus(); };
      chips.push(make("li", {}, make("button", { type: "button", className: "all", textContent: TEXT.clear, onclick: clear })));
    }
    active.replaceChildren(...chips);
  }
  /* `push`: true = a new step in the history, false = the same step, undefined = the address stays. */
  let telling, writing;
  function draw(push) {
    const current = shown[cursor];
    current?.row?.classList.remove("cur");
    const { searched, counts, on, off } = sift(), best = $("option[value=best]", sort);
    best.hidden = best.disabled = !searched;
    sort.value = chosen && (chosen !== "best" || searched) ? chosen : searched ? "best" : "new";
    drawRows();
    cursor = current ? shown.indexOf(current) : -1;      // the index may arrive while somebody walks
    if (cursor >= drawn) grow(cursor + WINDOW - drawn);
    shown[cursor]?.row.classList.add("cur");
    drawCounts(counts, on, off);
    drawActive();
    const told = searched?.near.length ? TEXT.near + searched.near.join(TEXT.comma) + TEXT.stop : searched?.some ? TEXT.some : failed && (find.value.trim() || author) ? TEXT.failed : "";
    const text = shown.length === papers.length ? TEXT.count : TEXT.countOf;
    count.textContent = explorer.ariaBusy && $(".sk-seeks") ? TEXT.loading : told + text.replace("{n}", shown.length).replace("{all}", papers.length);
    clearTimeout(telling);
    telling = setTimeout(() => { spoken.textContent = count.textContent; }, 500);
    none.hidden = shown.length > 0;
    head.hidden = !shown.length;
    drawChosen();
    clearTimeout(writing);
    if (push) writeAddress(true);
    else if (push === false) writing = setTimeout(writeAddress, 250, false);
  }
  function writeAddress(push) {
    const query = new URLSearchParams();
    if (find.value.trim()) query.set("find", find.value.trim());
    for (const axis of AXES) if (state[axis].size) query.set(axis, [...state[axis]].join(","));
    if (author) query.set("author", author);
    if (listed) query.set("list", listed);
    if (chosen) query.set("sort", chosen);
    const text = query.toString().replace(/%2C/g, ",");
    history[push ? "pushState" : "replaceState"](null, "", text ? "?" + text : location.pathname);
  }
  function readAddress() {
    const query = new URLSearchParams(location.search);
    find.value = query.get("find") || "";
    author = query.get("author")?.trim() || "";
    listed = query.get("list")?.trim() || "";
    if (find.value || author) load();
    chosen = Object.hasOwn(ORDER, query.get("sort")) ? query.get("sort") : "";
    for (const axis of AXES) state[axis] = new Set((query.get(axis) || "").split(",").filter(Boolean));
    for (const facet of $$(".sk-facet")) if (state[facet.dataset.axis].size) facet.open = true;
    draw();
  }
  function highlight() {                 // marks the words found without touching the document
    if (!window.CSS?.highlights) return;
    CSS.highlights.delete("sk");
    const wanted = engine ? engine.words(find.value).filter(word => word.length > 1) : [], ranges = [];
    if (!wanted.length) return;
    for (const paper of shown.slice(0, Math.min(drawn, 80))) for (const part of $$(".sk-title, .sk-title-zh, .au", paper.row)) {
      const node = part.firstChild, text = node?.data?.toLowerCase() || "";
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
  const all = make("input", { type: "checkbox", id: "all", ariaLabel: TEXT.all });
  const corner = make("th", { className: "x" }, all);
  head.rows[0].prepend(corner);
  for (const line of $$("tr.y th", table)) line.colSpan = 5;
  function drawChosen() {
    pickbar.hidden = !picked.size;
    mine.textContent = TEXT.mine + (picked.size ? ` (${picked.size})` : "");
    mine.ariaPressed = String(listed === "mine");
    if (picked.size) $("output", pickbar).textContent = TEXT.selected.replace("{n}", picked.size);
    all.checked = picked.size > 0 && shown.length > 0 && shown.every(paper => picked.has(idOf(paper)));
    all.indeterminate = picked.size > 0 && !all.checked;
  }
  function pick(chosen, on) {
    for (const paper of chosen) {
      picked[on ? "add" : "delete"](idOf(paper));
      if (paper.row) prepare(paper).row.classList.toggle("on", paper.box.checked = on);
    }
    list.keep(picked);
    drawChosen();
  }
  mine.onclick = () => { listed = listed === "mine" ? "" : "mine"; draw(true); };
  addEventListener("storage", () => { picked.clear(); list.ids().forEach(id => picked.add(id)); for (const paper of papers) if (paper.box) paper.row.classList.toggle("on", paper.box.checked = picked.has(idOf(paper))); draw(); });
  table.addEventListener("change", async ({ target }) => {
    const on = target.checked;
    if (target === all) await olderRows;      // a paper whose row has not come has no id yet
    pick(target === all ? shown : [target.closest("tr").paper], on);
  });
  const fetched = {};
  const ask = address => fetched[address] ??= fetch(address).then(answer => answer.json());
  const save = (text, type, name) => {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const DO = {
    async bib(ids) { const cite = await ask(explorer.dataset.cite); save(ids.map(id => cite[id][0]).join("\n"), "text/x-bibtex", "selection.bib"); },
    async csl(ids) {
      const list = await ask(explorer.dataset.csl), wanted = new Set(ids);
      save(JSON.stringify(list.filter(item => wanted.has(item.id)), null, 2), "application/vnd.citationstyles.csl+json", "selection.csl.json");
    },
    async ris(ids) { save((await Promise.all(ids.map(id => fetch(explorer.dataset.csl.replace("survey.csl.json", `papers/${id}.ris`)).then(answer => answer.ok ? answer.text() : Promise.reject())))).join("\n"), "application/x-research-info-systems", "selection.ris"); },
    async md(ids, label) {
      const cite = await ask(explorer.dataset.cite);
      await put(ids.map(id => `- [${id}](${new URL(id + "/", location.href.replace(/[?#].*/, ""))}): ${cite[id][1]}`).join("\n") + "\n");
      flash(label);
    },
    async share(ids, label) { await put(location.href.replace(/[?#].*/, "") + "?list=" + ids.join(",")); flash(label); },
    async cite(ids, label) { const cite = await ask(explorer.dataset.cite); await put(ids.map(id => cite[id][1]).join("\n\n")); flash(label); },
    clear() { pick(papers, false); find.focus(); },
  };
  pickbar.onclick = event => {
    const button = event.target.closest("[data-do]");
    if (button) DO[button.dataset.do](papers.map(idOf).filter(id => picked.has(id)), $("span", button));
  };

  /* ---- keys ---- */
  function moveTo(i) {
    shown[cursor]?.row?.classList.remove("cur");
    cursor = Math.max(-1, Math.min(i, shown.length - 1));
    const paper = shown[cursor];
    if (!paper) return;
    if (cursor >= drawn) grow(cursor + WINDOW - drawn);
    paper.row.classList.add("cur");
    $(".sk-title", paper.row).focus({ preventScroll: true });
    paper.row.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", event => {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") grow(Infinity);   // the browser's own search sees all
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
    } else if (event.target === find && (event.key === "ArrowDown" || event.key === "Enter" && !event.isComposing)) {
      event.preventDefault();
      if (event.key === "Enter" && find.value.trim()) load().then(() => { if (shown[0]) location.href = idOf(shown[0]) + "/"; });
      else moveTo(0);
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      event.preventDefault();
      moveTo(cursor + (event.key === "j" ? 1 : -1));
    } else if (!typing && event.key === "x" && shown[cursor]) {
      prepare(shown[cursor]).box.click();
    }
  }, true);
  addEventListener("beforeprint", () => grow(Infinity));
  find.onfocus = load;
  find.oninput = () => { if (engine) draw(false); else load(); };
  sort.onchange = () => { chosen = sort.value; draw(false); };
  filters.onchange = ({ target: { name, value, checked } }) => { state[name].delete("-" + value); state[name][checked ? "add" : "delete"](value); draw(true); };
  filters.onsubmit = event => event.preventDefault();
  addEventListener("popstate", readAddress);
  if (matchMedia("(max-width: 59.9375em)").matches) $(".sk-facets__fold").open = false;
  for (const row of $$("tr.r", table)) papers.push(Object.assign(known(numbers(row.dataset.f)[0]), { row }));
  for (const facts of older ? numbers(older.dataset.f) : []) papers.push(known(facts));
  for (const body of $$("tbody", table)) bodies.set(+body.dataset.year, body);
  const waiting = $(".sk-waits");
  waiting?.classList.replace("sk-waits", "sk-seeks");     // the page shows all papers if no script has come
  readAddress();
  if (find.value || author) load().then(() => waiting?.classList.remove("sk-seeks"));
  else waiting?.classList.remove("sk-seeks");
  if (untouched) prepareFrom(0);
  else setTimeout(prepareFrom, 50, 0);                    // the rows on the screen have theirs
})();
