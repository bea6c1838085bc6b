"""What readers come for, as a list: name, steps, most clicks, and what they must see at the end."""

from __future__ import annotations

from tests.site.walk import (
    Task,
    again,
    ask,
    choose,
    click,
    click_own,
    copy,
    download,
    go,
    nav,
    on_paper,
    point,
    press,
    tick,
    write,
)

PAPER, DECREE = "papers/jia2022badencoder/", "papers/feng2023detecting/"
FEW = "papers/?threat=model-theft&year=2022"


def hit(place: str) -> str:
    """A hit in the window of the search."""
    return f".sk-finder .sk-hit[href*='{place}']"


ROWS = click("tr.r >> nth=0 >> input", "tr.r >> nth=1 >> input")

TASKS = (
    # ---- the search of the header ----
    Task("a paper by its method's name", (go(""), ask("DECREE"), click(hit("feng2023detecting"))), 2, "h1", at=f".*{DECREE}"),
    Task("a paper by its arXiv number", (go("about/"), ask("2108.00352"), press("Enter")), 1, "h1", at=f".*{PAPER}"),
    Task("a paper by a pasted DOI link", (go("about/"), ask("https://doi.org/10.1109/SP46214.2022.9833644"), press("Enter")), 1, "h1", at=f".*{PAPER}"),
    Task("an author", (go(""), ask("Neil Zhenqiang Gong"), click(hit("authors/neil-zhenqiang-gong"))), 2, "h1", "Neil Zhenqiang Gong"),
    Task("a paper by its title in the other language", (go("new/"), ask("检测预训练编码器中的后门", "Detecting Backdoors in Pre-trained Encoders"), press("Enter")), 1, "h1", at=f".*{DECREE}"),
    Task("a misspelled name", (go(""), ask("badencodr"), click(".sk-finder .sk-hit >> nth=0")), 2, "h1", at=f".*{PAPER}"),
    Task("a title in traditional characters", (go(""), ask("檢測預訓練編碼器中的後門"), press("Enter")), 1, "h1", at=f".*{DECREE}"),
    Task("who answers an attack, by its name", (go(""), ask("defense BadEncoder", "防御 BadEncoder")), 1, hit("papers/") + " >> nth=0"),
    Task("a venue", (go(""), ask("CVPR"), click(hit("venues/cvpr"))), 2, "h1", "CVPR"),
    Task("a term", (go(""), ask("membership inference", "成员推断"), click(hit("terms/technique/membership-inference"))), 2, "h1", "Membership|成员"),
    Task("a paper from the field of the home page", (go(""), click("#home-search"), write("AdvEncoder"), click(".sk-drop .sk-hit >> nth=0")), 2, "h1", at=".*papers/zhou2023downstreamagnostic/"),
    Task("a paper by keys alone", (go(""), press("/"), write("Gen-AF"), press("ArrowDown", "Enter")), 0, "h1", at=".*(zhou2024securely|gen_af)/"),
    # ---- the table of papers ----
    Task("all downstream-agnostic attacks of 2023 on CLIP", (
        go(""), click(".sk-hero .sk-actions a[href$='papers/']"),
        tick("role", "attack"), tick("modality", "vision-language"), tick("scope", "downstream-agnostic"), tick("year", "2023"),
    ), 8, "tr.r .sk-title[href='zhou2023advclip/']", at=".*year=2023"),
    Task("a word in the table", (go("papers/"), click("#find"), write("StolenEncoder")), 1, "tr.r .sk-title[href='liu2022stolenencoder/']"),
    Task("the table by title", (go(FEW), choose("#sort", "title")), 2, "tr.r .sk-title >> nth=0", at=".*sort=title"),
    Task("a threat left out", (go("papers/"), tick("threat", "backdoor"), click(".sk-active .turn")), 3, ".sk-active .not", at=".*threat=-backdoor"),
    Task("filters stay in the other language", (go("papers/?threat=privacy&year=2023"), click(".sk-lang")), 1, ".sk-active li", at=".*threat=privacy&year=2023"),
    Task("BibTeX of a selection", (go(FEW), ROWS, download("[data-do=bib]")), 3, ".sk-pick output", "2", got=r"(?s)@\w+\{.*@\w+\{"),
    Task("RIS of a selection", (go(FEW), ROWS, download("[data-do=ris]")), 3, ".sk-pick output", "2", got="(?s)TY  - .*TY  - "),
    Task("a list to share", (go(FEW), ROWS, copy("[data-do=share]")), 3, "[data-do=share]", got=r"\?list=\w+,\w+$"),
    Task("a shared list", (go("papers/?list=jia2022badencoder,feng2023detecting"),), 0, "tr.r .sk-title[href='jia2022badencoder/']"),
    Task("a reading list after a reload", (go(PAPER), click(".sk-listed"), again), 1, ".sk-listed[aria-pressed=true]"),
    Task("the reading list in the table", (go(PAPER), click(".sk-listed"), nav("papers/"), click(".sk-mine")), 4, "tr.r .sk-title[href='jia2022badencoder/']", at=".*list=mine"),
    Task("the papers behind a cell of the map", (go(""), click(".sk-map td a >> nth=0")), 1, "tr.r .sk-title >> nth=0", at=r".*papers/\?"),
    # ---- a paper ----
    Task("its second author", (go(PAPER), click(".sk-authors a:nth-of-type(2)")), 1, "h1", "Yupei Liu"),
    Task("a co-author", (go("authors/jinyuan-jia/"), click(".sk-with a[href*='neil-zhenqiang-gong']")), 1, "h1", "Neil Zhenqiang Gong"),
    Task("an author's papers in the table", (go("authors/jinyuan-jia/"), click(".sk-actions a.sk-btn--line")), 1, "tr.r .sk-title >> nth=0", at=".*author=Jinyuan"),
    Task("what answers an attack", (go(""), ask("BadEncoder"), click(hit("jia2022badencoder"))), 2, f".sk-story a[href*='{DECREE}']"),
    Task("a defense's command, copied", (go(DECREE), click(".sk-actions a[href='#run']"), copy("#run .sk-copy")), 2, "#run pre", got="^python -m reference_impls.decree run$"),
    Task("BibTeX of a paper", (go(PAPER), copy("#cite-bibtex .sk-copy")), 1, "#cite-bibtex pre", got=r"^@inproceedings\{jia2022badencoder,"),
    Task("a citation by GB/T 7714", (go(PAPER), click("#cite-gbt-tab"), copy("#cite-gbt .sk-copy")), 2, "#cite-gbt pre", got=r"\[C\]//"),
    Task("where to correct an entry", (go(PAPER),), 0, ".sk-side-links a >> nth=0", href=r"issues/new\?.*fix-entry.*id=jia2022badencoder"),
    Task("a paper on paper", (go(PAPER), on_paper), 0, "#cite-apa"),
    # ---- terms, venues, years ----
    Task("how a technique works", (go(""), nav("terms/technique/"), click("#sk-main a[href*='encoder-backdoor/']")), 3, "#encoder-backdoor-h"),
    Task("a threat in short", (go(""), nav("terms/threat/"), click("#sk-main a[href*='backdoor/']")), 3, "#backdoor-primer-h"),
    Task("the feed of a term", (go("terms/technique/encoder-backdoor/"),), 0, ".sk-actions a[href$='.atom']", got="<feed"),
    Task("BibTeX of a term", (go("terms/technique/encoder-backdoor/"), download(".sk-actions a[href$='.bib']")), 1, "h1", got="jia2022badencoder"),
    Task("a gap, and the papers that it counts", (go("terms/threat/backdoor/"), click(".sk-gaps a >> nth=0")), 1, "tr.r .sk-title >> nth=0", at=r".*papers/\?"),
    Task("the papers of a year", (go("about/"), click("footer a[href$='years/']", "#sk-main a[href*='2023']")), 2, "h1", "2023"),
    # ---- what was measured ----
    Task("leaderboards of a threat", (go(""), nav("leaderboards/"), click(".sk-boards__nav a[href='#backdoor']")), 3, "#backdoor-h"),
    Task("the strongest attack on Gen-AF", (go(""), nav("leaderboards/")), 2, "#board-1 th:has(a[href$='gen_af/']) small", "PGD"),
    Task("attacks and answers", (go(""), nav("leaderboards/"), click(".sk-crumbs a")), 3, ".sk-answers td a"),
    Task("what a method measured", (go(""), nav("methods/"), click("#sk-main a[href*='gen_af/']")), 3, ".sk-results td.n >> nth=0", "%"),
    # ---- what is there to read ----
    Task("where to start", (go(""), click(".sk-hero .sk-actions a[href$='start/']")), 1, "h1"),
    Task("what stands behind a citation", (go("start/"), point(".sk-essay .sk-ref")), 1, ".sk-tip", r"20\d\d"),
    Task("a word of the glossary", (go(""), nav("start/"), click(".sk-subnav a[href$='glossary/']")), 3, "#adversarial-training dt"),
    Task("a path to read along", (go(""), nav("start/"), click(".sk-subnav a[href$='paths/']")), 3, "#path-defend-h"),
    Task("open problems", (go(""), nav("start/"), click(".sk-subnav a[href$='open/']")), 3, "#gaps-h"),
    Task("how facts are checked", (go("about/"), click("#sk-main a[href$='methodology/']", ".sk-contents a >> nth=2")), 2, "#methodology-s3"),
    Task("the life of a model", (go(""), click(".sk-hero .sk-actions a[href$='lifecycle/']")), 1, ".sk-step .n b >> nth=0"),
    Task("what is new", (go(""), nav("new/")), 2, ".sk-news h3 >> nth=0"),
    # ---- the site itself ----
    Task("data for a program", (go(""),), 0, "footer a[href$='api/v1/index.json']", got='"papers"'),
    Task("everything as BibTeX", (go(""), download("footer a[href$='survey.bib']")), 1, "footer a[href$='survey.bib']", got="jia2022badencoder"),
    Task("the dark side", (go(PAPER), click("label.md-header__button[for^=__palette]")), 1, "[data-md-color-scheme=slate] h1"),
    Task("home from a page that is not there", (go("/404.html"), click_own("header a.sk-btn--line", "section[lang=zh-CN] a.sk-btn--line")), 1, ".sk-hero h1"),
    Task("reading without scripts", (go("papers/"), click("tr.r .sk-title >> nth=0")), 1, "h1", at=r".*papers/\w+/", script=False),
)  # fmt: skip

QUICK = frozenset({
    "a paper by its arXiv number", "a misspelled name", "all downstream-agnostic attacks of 2023 on CLIP", "a threat left out",
    "RIS of a selection", "a reading list after a reload", "a defense's command, copied", "a citation by GB/T 7714",
    "leaderboards of a threat", "what stands behind a citation", "attacks and answers", "reading without scripts",
})  # fmt: skip
"""The tasks that a test does; `benchmarks/reader.py` does all."""
