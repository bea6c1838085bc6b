/* What pages do: search, copy buttons, citation tabs, reading list, the year slider of the map. The paper table has explorer.js.
   Every page is complete without these files. */
(() => {
  "use strict";
  const root = new URL("..", document.currentScript.src).href;      // of the pages of this language
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, props = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  };
  const COPIED = $("#sk-main").dataset.copied;
  const opener = $(".sk-find"), TEXT = opener ? JSON.parse(opener.dataset.strings) : {};

  /* ---- scripts and data, fetched when they are needed: as scripts, since pages opened as files may load nothing else ---- */
  const asked = {}, taking = {}, kept = {};
  const script = path => asked[path] ??= new Promise((done, fail) => {
    document.head.append(make("script", { src: root + path, onload: done, onerror: () => { delete asked[path]; fail(new Error(path)); } }));
  });
  const take = (name, value) => taking[name](value);
  /* A file that came once is kept: asked for again, its script would not run a second time. */
  const data = (name, path) => kept[name] ??= new Promise((done, fail) => { taking[name] = done; script(path).catch(fail); }).catch(error => { delete kept[name]; throw error; });

  /* ---- search: header, home page, the key / ---- */
  const searching = () => script("assets/search.js").then(() => window.sk.search);
  /* The window stands before the engine has come, so that no letter is lost. */
  let dialog;
  function finder() {
    const input = make("input", { type: "search", placeholder: TEXT.placeholder, ariaLabel: TEXT.label, autocomplete: "off", spellcheck: false, enterKeyHint: "go" });
    const list = make("div", { className: "sk-hits" }), status = make("p", { className: "sk-finder__s", role: "status" });
    const close = make("button", { type: "button", className: "sk-finder__x", ariaLabel: TEXT.close, textContent: "×", onclick: () => dialog.close() });
    dialog = make("dialog", { className: "sk-finder", ariaLabel: TEXT.label }, make("div", { className: "sk-finder__f" }, input, close), status, list,
      make("p", { className: "sk-finder__k", textContent: TEXT.keys }));
    dialog.onclick = event => { if (event.target === dialog) dialog.close(); };
    document.body.append(dialog);
    let early = null;
    input.onkeydown = event => { if (event.key === "Enter") early = event; };
    searching().then(search => {
      input.onkeydown = null;
      search.combobox(input, list, { status });
      if (early) input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    }, () => { status.textContent = TEXT.failed; dialog.onclose = () => { dialog.remove(); dialog = null; }; });
  }
  if (opener) {
    const open = event => {
      event.preventDefault();
      if (!dialog) finder();
      if (!dialog.open) dialog.showModal();
      const input = $("input", dialog);
      input.focus();
      input.select();
    };
    opener.addEventListener("click", event => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) open(event); });
    document.addEventListener("keydown", event => {
      const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), select, textarea");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) open(event);
      else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey) open(event);
    });
  }
  const home = $(".sk-hero .sk-search");
  if (home) {
    const input = $("input", home);
    const load = () => searching().then(search => search.combobox(input, $(".sk-hits", home), { status: $("[role=status]", home) }), wait);
    const wait = () => input.addEventListener("focus", load, { once: true });      // again, if the script does not come
    wait();
    document.addEventListener("click", event => { if (!home.contains(event.target)) $(".sk-hits", home).hidden = true; });
  }
  /* What a reader has asked for stays asked for in the other language. */
  $(".sk-lang")?.addEventListener("click", ({ currentTarget }) => { currentTarget.search = location.search; currentTarget.hash = location.hash; });

  /* ---- the reading list: ids in the browser, and nowhere else ---- */
  const KEY = "surveykit-list";
  const list = {
    ids() { try { const kept = JSON.parse(localStorage.getItem(KEY)); return Array.isArray(kept) ? kept.filter(id => typeof id === "string") : []; } catch { return []; } },
    keep(ids) { try { localStorage.setItem(KEY, JSON.stringify([...new Set(ids)])); } catch { /* a browser that keeps nothing */ } },
  };
  for (const button of $$(".sk-listed")) {
    const show = () => { button.ariaPressed = String(list.ids().includes(button.dataset.id)); };
    button.onclick = () => {
      const ids = list.ids(), id = button.dataset.id;
      list.keep(ids.includes(id) ? ids.filter(one => one !== id) : [...ids, id]);
      show();
    };
    show();
  }

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
          const cell = $(count, link), n = $$(`svg ${shape}:not(.off)`, link).length;
          cell.textContent = n;
          cell.classList.toggle("z", !n);
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
  const seen = new IntersectionObserver(boxes => {
    for (const { isIntersecting, target } of boxes) if (isIntersecting) { target.scrollLeft = 1e4; seen.unobserve(target); }
  }, { rootMargin: "400px" });
  for (const wide of $$(".sk-time, .sk-matrix")) seen.observe(wide.parentNode);
  /* A link to a folded list unfolds it; ids of lists are ASCII, so the fragment needs no decoding, which fails at a lone %. */
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.matches("details")) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();

  window.sk = { $, $$, make, put, flash, root, script, data, take, list, searching, TEXT };
})();

// Opened from a folder, without a server, an address that ends in a slash would show the folder in place of its page.
if (location.protocol === "file:") {
  const page = (node, name) => {
    const url = new URL(node.getAttribute(name), document.baseURI);
    if (url.protocol !== "file:" || !url.pathname.endsWith("/")) return;
    url.pathname += "index.html";
    node.setAttribute(name, url.href);
  };
  for (const kind of ["click", "auxclick"]) addEventListener(kind, event => { const link = event.target.closest("a[href]"); if (link) page(link, "href"); }, true);
  addEventListener("submit", event => page(event.target, "action"), true);
}
