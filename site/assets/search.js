/* One ranked search for header, home page and paper table. MiniSearch ranks; what a document is and what a word is stands here.
   survey.js loads this file at the first sign that somebody searches; before that a page pays nothing. */
(() => {
  "use strict";
  const { $, make, root, script, data, TEXT } = window.sk;

  /* ---- words: the same for what is searched and for what is asked ---- */
  const STOP = new Set();
  const HAN = /[\u3400-\u9fff]/, WORD = /[\u3400-\u9fff]+|[\p{L}\p{N}]+(?:[-'’.][\p{L}\p{N}]+)*/gu;
  const simple = new Map();
  const clean = text => /^[\0-\x7f]*$/.test(text) ? text.toLowerCase()
    : text.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[\u3400-\u9fff]/g, sign => simple.get(sign) || sign).toLowerCase();
  const whole = text => clean(text).replace(/[^\p{L}\p{N}+]+/gu, "");
  const stem = word => word.length > 3 ? word.replace(/([^sui])s$/, "$1").replace(/^defence/, "defense") : word;
  const pairs = run => run.length < 2 ? [run] : Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2));
  const pieces = word => word.split(/[-'’.]/);
  /* A word with hyphens is found by its parts and as one; Chinese by each character and each two neighbours. */
  const cached = new Map();
  function words(text) {
    let made = cached.get(text);
    if (!made) {
      made = (clean(text).match(WORD) || []).flatMap(word => {
        if (HAN.test(word)) return [...word, ...pairs(word)];
        const parts = pieces(word);
        return parts.length > 1 ? [...parts, parts.join("")].map(stem) : [stem(word)];
      }).filter(word => !STOP.has(word));
      if (text.length < 200) cached.set(text, made);
    }
    return made;
  }
  const spoken = text => words(text + " " + text.replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2"));     // OysterNet is also oyster, net
  const segmenter = window.Intl?.Segmenter && new Intl.Segmenter("zh", { granularity: "word" });
  function asked(text) {
    const all = (clean(text).match(WORD) || []).flatMap(word => {
      if (!HAN.test(word)) return [stem(pieces(word).join(""))];
      const parts = segmenter ? [...segmenter.segment(word)].map(part => part.segment) : [word];
      return parts.filter(part => !STOP.has(part)).flatMap(pairs);
    });
    const telling = all.filter(word => !STOP.has(word));
    return telling.length ? telling : all;
  }
  const decoded = text => { try { return decodeURIComponent(text); } catch { return text; } };      // a reader may type any %
  /* What a query names as a whole: a name, a title, a number, or the number inside a pasted address. */
  function names(text) {
    const bare = text.replace(/^\s*(?:https?:\/\/)?(?:www\.)?/i, "").replace(/#.*$/, ""), found = [text, bare, bare.replace(/\?.*$/, "")];
    const arxiv = /(?:^|[^\d.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\d.])/.exec(text), doi = /10\.\d{4,9}\/[^\s?#]+/.exec(text);
    if (arxiv) found.push(arxiv[1]);
    if (doi) found.push(decoded(doi[0]));
    for (const part of text.matchAll(/[?&]id=([\w-]+)|aclanthology\.org\/([\w.-]+)/g)) found.push((part[1] || part[2]).replace(/\.pdf$/, ""));
    const cvf = /openaccess\.thecvf\.com\/content\/?(\w+)\/(?:\w+\/)*?((?:[^_/]+_){3}[^_/]+)_/.exec(text);
    if (cvf) found.push(cvf[1] + cvf[2]);
    return [...new Set(found.map(whole).filter(Boolean))];
  }

  /* ---- documents: papers in the order of the catalog, then what leads to groups of them ---- */
  const FIELDS = { exact: 1000, name: 8, title: 4, authors: 3, answers: 3, terms: 2, venue: 2, text: 1 };
  function documents(index) {
    index.stop.forEach(word => STOP.add(word));
    for (let i = 0; i < index.han.length; i += 2) simple.set(index.han[i], index.han[i + 1]);
    const chain = n => n < 0 ? [] : [n, ...chain(index.terms[n][2])];
    const termWords = index.terms.map((_, n) => chain(n).flatMap(m => index.terms[m].slice(3).flatMap(words)));
    /* A paper is called by its names, and by what stands before the colon of its titles. */
    const head = title => /^(.{2,40}?)[:：]/.exec(title)?.[1] || "";
    const called = paper => [...(paper[3].length ? paper[3] : [paper[1]]), head(paper[1]), head(paper[2])];
    const authorsOf = paper => paper[4].map(n => index.names[n]);
    const all = index.papers.map((paper, i) => ({
      kind: "paper", i, url: `papers/${paper[0]}/`, title: paper[1], aka: paper[3], people: authorsOf(paper), year: paper[8], venue: index.venues[paper[7]][1],
      fields: () => ({
        exact: [paper[0], paper[1], paper[2], ...paper[3], ...paper[5]].map(whole),
        name: paper[3].flatMap(spoken),
        title: [...words(paper[1]), ...words(paper[2])],
        authors: authorsOf(paper).flat().flatMap(words),
        answers: paper[9].flatMap(([type, to]) => [...words(index.relations[type]), ...new Set(called(index.papers[to]).flatMap(spoken))]),
        terms: [...new Set(paper[6].flatMap(n => termWords[n]))],
        venue: [...index.venues[paper[7]].slice(1).flatMap(words), String(paper[8])],
        text: words(paper[10]),
      }),
    }));
    const add = (kind, url, title, names, more = "", fields = {}) =>
      all.push({ kind, url, title, more, fields: () => ({ exact: names.map(whole), name: names.flatMap(spoken), ...fields }) });
    for (const [id, name, question, main] of index.methods) add("method", `methods/${id}/`, name, [name], question, { text: words(question), title: words(index.papers[main][1]) });
    for (const n of index.used) {
      const [axis, id, , label, ...others] = index.terms[n];
      add(axis, `terms/${axis}/${id}/`, label, [label, id, ...others]);
    }
    for (const [id, name, ...full] of index.venues) add("venue", `venues/${id}/`, name, [name, ...full], full[0] === name ? "" : full[0]);
    for (const [url, title, more, headings = ""] of index.pages) add("page", url, title, [title], more, { text: words(`${more} ${headings}`) });
    const papersOf = new Uint16Array(index.names.length);
    for (const paper of index.papers) for (const n of paper[4]) papersOf[n]++;
    index.names.forEach(([name, han, slug], n) => {
      const turned = name.includes(" ") ? [name.replace(/^(.*) (\S+)$/, "$2 $1")] : [];
      const url = slug ? `authors/${slug}/` : `papers/?author=${encodeURIComponent(name)}`;
      add("author", url, han ? `${name} ${han}` : name, [name, ...turned, ...(han ? [han] : [])], papersOf[n] === 1 ? TEXT.paper : TEXT.papers.replace("{n}", papersOf[n]));
    });
    all.forEach((one, id) => { one.id = id; });
    return all;
  }

  /* ---- the engine ---- */
  const ONE = { combineWith: "OR", prefix: false, fuzzy: false }, ENOUGH = 5, TASK = 12;
  async function build() {
    const [index] = await Promise.all([data("search", "search-index.js"), script("assets/vendor/minisearch.js")]);
    const all = documents(index);
    let last, fields;
    const engine = new window.MiniSearch({
      fields: Object.keys(FIELDS),
      extractField: (one, field) => {
        if (field === "id") return one.id;
        if (last !== one) { last = one; fields = one.fields(); }
        return fields[field];
      },
      stringifyField: list => list,
      tokenize: list => list,
      processTerm: word => word,
      searchOptions: { boost: FIELDS, tokenize: text => [text] },
    });
    /* In short tasks: a phone scrolls and types while it reads the index. */
    for (let begun = performance.now(), i = 0; i < all.length; i++) {
      engine.add(all[i]);
      if (performance.now() - begun < TASK) continue;
      await new Promise(resolve => setTimeout(resolve));
      begun = performance.now();
    }
    cached.clear();
    /* Words that only authors' names hold must stand in one name: "Yi Zhang" is not Yi Li and Wei Zhang. */
    const sameName = tokens => ({ id, match }) => {
      const inNames = tokens.filter(token => {
        const own = Object.entries(match).filter(([word]) => word.startsWith(token));
        return own.length && own.every(([, where]) => where.length === 1 && where[0] === "authors");
      });
      return inNames.length < 2 || all[id].people.some(name => { const own = name.flatMap(words); return inNames.every(token => own.some(word => word === token || token === tokens.at(-1) && word.startsWith(token))); });
    };
    /* Every word must occur, those of names in one name; if no document has all, in several names, or words like them; if none
       has those, the more words the better. A list for a reader that stays short goes on with what lacks one word of many. */
    function search(text, kind) {
      const tokens = asked(text), exact = { ...ONE, queries: names(text), fields: ["exact"] };
      if (!exact.queries.length) return { hits: [], near: [], some: false };
      const rest = Object.keys(FIELDS).slice(1), same = tokens.length > 1 ? sameName(tokens) : () => true;
      const ofKind = hit => !kind || all[hit.id].kind === kind, filter = hit => ofKind(hit) && (!all[hit.id].people || same(hit));
      const boostDocument = kind ? undefined : id => all[id].kind === "paper" ? 1 : .5;
      /* One or two letters begin too many words: they are whole words, or the beginning of a name. */
      const part = token => HAN.test(token) || token.length > 2 ? { queries: [token], prefix: !HAN.test(token) }
        : { combineWith: "OR", queries: [{ queries: [token], prefix: false }, { queries: [token], prefix: true, fields: ["name"] }] };
      const query = (combineWith, fuzzy) => ({ combineWith: "OR", queries: [exact, {
        combineWith, fields: rest, fuzzy,
        queries: tokens.map(part),
      }] });
      const found = (combineWith, fuzzy, passes = filter) => engine.search(query(combineWith, fuzzy), { filter: passes, boostDocument });
      let hits = found("AND", false), near = [], some = false;
      if (!hits.length && tokens.length > 2) hits = found("AND", false, ofKind);
      /* A last word of one or two letters is still being typed, or tells little: what the others find stays. */
      if (!hits.length && tokens.length > 1 && !HAN.test(tokens.at(-1)) && tokens.at(-1).length < 3) { tokens.pop(); hits = found("AND", false); some = hits.length > 0; }
      if (!hits.length && tokens.some(token => token.length > 4)) {
        hits = found("AND", word => word.length > 7 ? 2 : word.length > 4 ? 1 : false);
        near = [...new Set(hits.slice(0, 20).flatMap(hit => Object.keys(hit.match)))].filter(word => !tokens.some(token => word.startsWith(token))).slice(0, 2);
      }
      if (!hits.length && tokens.length > 1) { hits = found("OR", false); some = hits.length > 0; }
      else if (!kind && hits.length < ENOUGH && tokens.length > 2 && !near.length) {
        const known = new Set(hits.map(hit => hit.id));
        hits.push(...found("OR", false).filter(hit => !known.has(hit.id) && hit.queryTerms.length >= tokens.length - 1));
      }
      return { hits: hits.map(({ id }) => all[id]), near, some };
    }
    return { search, words: asked, people: all.slice(0, index.papers.length).map(one => one.people) };
  }
  let engine;
  const ready = () => engine ??= build().catch(error => { engine = undefined; throw error; });

  /* ---- a field with its list of hits: in the header's window and on the home page ---- */
  const MOST = 9;
  let lists = 0;
  function combobox(input, list, { status }) {
    const id = list.id ||= "sk-hits-" + ++lists;
    let options = [], at = -1, turn = 0;
    Object.assign(input, { role: "combobox", ariaAutoComplete: "list", ariaExpanded: "false" });
    input.setAttribute("aria-controls", id);
    list.role = "listbox";
    list.ariaLabel = TEXT.hits;
    const choose = i => {
      options[at]?.setAttribute("aria-selected", "false");
      at = i;
      options[at]?.setAttribute("aria-selected", "true");
      options[at]?.scrollIntoView({ block: "nearest" });
      if (options[at]) input.setAttribute("aria-activedescendant", options[at].id);
      else input.removeAttribute("aria-activedescendant");
    };
    const line = (href, kind, title, more, n) => {
      const option = make("a", { href: root + href, className: "sk-hit", id: `${id}-${n}`, tabIndex: -1, role: "option", ariaSelected: "false" },
        make("span", { className: "sk-hit__t", textContent: title }), make("i", { textContent: kind }));
      if (more) option.append(make("span", { className: "sk-hit__m", textContent: more }));
      return option;
    };
    const people = list => list.length > 3 ? list[0][0] + TEXT.others : list.map(one => one[0]).join(TEXT.comma);
    async function look() {
      const text = input.value.trim(), own = ++turn;
      if (!text) { list.replaceChildren(); options = []; at = -1; input.ariaExpanded = "false"; status.textContent = ""; list.hidden = true; return; }
      list.hidden = false;
      if (!list.childElementCount) status.textContent = TEXT.loading;
      let searched;
      try { searched = (await ready()).search(text); }
      catch { status.textContent = TEXT.failed; return; }
      if (own !== turn) return;
      const { hits, near, some } = searched;
      options = hits.slice(0, MOST).map((hit, n) => hit.kind === "paper"
        ? line(hit.url, hit.aka.filter(aka => !hit.title.includes(aka)).join(TEXT.comma), hit.title, `${people(hit.people)} · ${hit.venue} ${hit.year}`, n)
        : line(hit.url, TEXT.kinds[hit.kind] || "", hit.title, hit.more, n));
      if (hits.length) options.push(line("papers/?find=" + encodeURIComponent(text), "", TEXT.all.replace("{q}", text), "", options.length));
      list.replaceChildren(...options);
      at = -1;
      input.removeAttribute("aria-activedescendant");
      input.ariaExpanded = String(options.length > 0);
      const told = near.length ? TEXT.near + near.join(TEXT.comma) : some ? TEXT.some : "";
      status.textContent = hits.length ? told : TEXT.none;
    }
    /* Enter may come before the index: it opens the first hit as soon as there is one. */
    async function enter(event) {
      event.preventDefault();
      if (options[at]) return void options[at].click();
      await look();
      if (options.length) options[0].click();
    }
    input.addEventListener("input", look);
    input.addEventListener("keydown", event => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && options.length) {
        event.preventDefault();
        choose((at + step + options.length + (at < 0 && step < 0 ? 1 : 0)) % options.length);
      } else if (event.key === "Enter" && !event.isComposing) enter(event);
      else if (event.key === "Escape" && input.value && !input.closest("dialog")) { input.value = ""; look(); }
    });
    ready().then(look, () => {});
    if (input.value) look();
  }

  Object.assign(window.sk, { search: { ready, combobox } });
})();
