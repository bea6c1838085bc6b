/* Pages to read. Citations show the paper: on hover, on keyboard focus, on touch. What is shown stands in the list of the page; nothing is asked for. */
(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.className = "sk-tip";
  tip.id = "sk-tip";
  tip.hidden = true;
  const EDGE = 8;
  let shown, leaving;

  function show(link) {
    clearTimeout(leaving);
    if (shown === link) return;
    hide();
    const item = document.getElementById("ref-" + link.dataset.ref);
    if (!item) return;
    const copy = item.cloneNode(true);
    tip.replaceChildren(...copy.childNodes);
    tip.setAttribute("role", "tooltip");
    link.after(tip);
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    shown = link;
    place(link);
  }

  /* Below the citation, above it where there is no room; never outside the window. */
  function place(link) {
    tip.style.left = tip.style.top = "0";
    const lines = [...link.getClientRects()], wide = document.documentElement.clientWidth;
    const last = lines.at(-1), first = lines[0];
    const box = tip.getBoundingClientRect();
    const below = last.bottom + EDGE + box.height <= innerHeight || first.top < box.height + EDGE;
    const left = Math.max(EDGE, Math.min((below ? last : first).left, wide - EDGE - box.width));
    const top = below ? Math.min(last.bottom + 4, Math.max(EDGE, innerHeight - EDGE - box.height)) : first.top - 4 - box.height;
    tip.style.left = left - box.left + "px";
    tip.style.top = top - box.top + "px";
  }

  function hide() {
    clearTimeout(leaving);
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    tip.hidden = true;
    tip.remove();
    shown = undefined;
  }
  const leave = () => { clearTimeout(leaving); leaving = setTimeout(hide, 180); };
  const cited = event => event.target.closest?.(".sk-ref");

  document.addEventListener("pointerover", event => {
    if (event.pointerType === "touch") return;
    const link = cited(event);
    if (link) show(link);
    else if (tip.contains(event.target)) clearTimeout(leaving);
    else if (shown) leave();
  });
  document.addEventListener("focusin", event => {
    const link = cited(event);
    if (link && link.matches(":focus-visible")) show(link);
    else if (shown && !tip.contains(event.target)) hide();
  });
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  /* The first touch shows the paper, its title leads to its page. */
  let touch = false;
  document.addEventListener("pointerdown", event => {
    touch = event.pointerType === "touch";
    if (shown && !cited(event) && !tip.contains(event.target)) hide();
  });
  document.addEventListener("click", event => {
    const link = cited(event);
    if (!link || !touch || shown === link) return;
    event.preventDefault();
    show(link);
  });
  addEventListener("resize", hide);

  /* On a phone the navigation is one line that scrolls: it starts at the page that is open. */
  const here = document.querySelector(".sk-subnav [aria-current]"), nav = here?.parentNode;
  if (nav) nav.scrollLeft = here.offsetLeft - nav.offsetLeft;
})();
