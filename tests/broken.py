"""Entries that are wrong in one way each: the change, and the rule, line and column it must give.

Every change starts from ENTRY, which is right and takes the place of `feng2023detecting` in the
invented catalog.
"""

from __future__ import annotations

from typing import NamedTuple

PATH = "catalog/papers/2023/feng2023detecting.yaml"

ENTRY = """\
# yaml-language-server: $schema=../../schema.json
id: feng2023detecting
title:
  en: Detecting Planted Backdoors in Pre-trained Encoders
  zh: 检测预训练编码器中植入的后门
authors:
  - {given: Shiwei, family: Feng, han: 冯世伟, orcid: 0000-0002-1825-0097}
  - José Álvarez
  - {literal: Invented Lab}
venue: iccv
year: 2023
month: 10
volume: '1'
pages: 16352-16362
identifiers:
  arxiv: '2303.00015'
  doi: 10.5555/ICCV.2023.01569
  openreview: QwErTyUiOp
links:
  paper: https://doi.org/10.5555/ICCV.2023.01569
  pdf: https://arxiv.org/pdf/2303.00015
  code: https://github.com/example/detecting
terms:
  role: [detection]
  threat: [backdoor]
  technique: [model-scanning]
  stage: [use]
  modality: [vision]
tldr:
  en: The scan finds planted backdoors without the data they were planted with.
  zh: 该扫描无需植入时的数据即可找出后门。
  basis: abstract
  source: arXiv:2303.00015
relations:
  - type: detects
    to: rodriguez2021planting
    why:
      en: finds the trigger it plants
      zh: 找出其植入的触发器
    basis: paper
    source: arXiv:2303.00015
added: 2026-11-01
verified:
  date: 2026-11-20
  by: [arXiv:2303.00015, DBLP]
"""


class Broken(NamedTuple):
    """One change of ENTRY and where it must be found; `token` stands at that place."""

    old: str
    new: str
    rule: str
    line: int
    column: int
    token: str
    more: tuple[tuple[str, str], ...] = ()
    """Further changes that the first one needs."""


BROKEN = [
    # files
    Broken(
        "id: feng2023detecting", "id: feng2023other", "SK006", 2, 5, "feng2023other"
    ),
    # YAML
    Broken("venue: iccv", "venue: *iccv", "SK109", 10, 8, "*iccv"),
    Broken("venue: iccv", "venue: &v iccv", "SK109", 10, 8, "&v"),
    Broken("venue: iccv", "venue: !!python/name:os.system", "SK108", 10, 8, "!!python"),
    Broken("venue: iccv", "venue: iccv\nvenue: cvpr", "SK110", 11, 1, "venue"),
    Broken("  pdf:", "  paper: x\n  pdf:", "SK110", 21, 3, "paper: x"),
    Broken(
        "by: [arXiv:2303.00015, DBLP]",
        "by: [[[[[[[[[[[[[x]]]]]]]]]]]]]",
        "SK111",
        45,
        17,
        "[[[x",
    ),
    Broken("venue: iccv", "? [venue]\n: iccv", "SK112", 10, 3, "[venue]"),
    Broken("added: 2026-11-01", "---\nadded: 2026-11-01", "SK107", 42, 1, "---"),
    Broken("Detecting Planted", "'Detecting' Planted", "SK106", 4, 19, "Planted"),
    Broken("Detecting Planted", "Detecting: Planted", "SK106", 4, 16, ": Planted"),
    Broken("  threat:", " threat:", "SK106", 25, 2, "threat"),
    Broken("[use]", "[use", "SK106", 28, 11, ":"),
    Broken("venue: iccv", "venue iccv", "SK106", 11, 1, "year"),
    Broken("month: 10", "month: @10", "SK106", 12, 8, "@10"),
    Broken("month: 10", "month:\t10", "SK104", 12, 7, "\t"),
    Broken("José", "Jos\x02é", "SK103", 8, 8, "\x02"),
    Broken("Planted", "#1 Planted", "SK114", 4, 7, "Detecting"),
    Broken("Planted", "# Planted", "SK114", 4, 7, "Detecting"),
    Broken("Planted", " #Planted", "SK114", 4, 7, "Detecting"),
    Broken("Pre-trained", "Pre-\n    trained", "SK114", 4, 7, "Detecting"),
    Broken(
        "en: Detecting",
        'en: "Detecting-\n    Planted"\n  x: ',
        "SK114",
        4,
        7,
        '"Det',
        (("x:  Planted Backdoors in Pre-trained Encoders\n  zh", "zh"),),
    ),
    Broken("编码器中", "编码器\n    中", "SK114", 5, 7, "检测"),
    Broken("DBLP]", "a list (title, DOI)]", "SK114", 45, 26, "a list"),
    # fields
    Broken("  zh: 检测预训练编码器中植入的后门\n", "", "SK201", 3, 1, "title"),
    Broken("venue: iccv\n", "", "SK201", 2, 1, "id"),
    Broken(
        "  paper: https://doi.org/10.5555/ICCV.2023.01569\n",
        "",
        "SK201",
        19,
        1,
        "links",
    ),
    Broken("    source: arXiv:2303.00015\n", "", "SK201", 35, 5, "type: detects"),
    Broken("      zh: 找出其植入的触发器\n", "", "SK201", 37, 5, "why"),
    Broken("  by: [arXiv:2303.00015, DBLP]\n", "", "SK201", 43, 1, "verified"),
    Broken("  basis: abstract\n", "", "SK201", 29, 1, "tldr"),
    Broken("month: 10", "mounth: 10", "SK202", 12, 1, "mounth"),
    Broken("  code:", "  colour:", "SK202", 22, 3, "colour"),
    Broken("given: Shiwei", "givn: Shiwei", "SK202", 7, 6, "givn"),
    Broken("    basis: paper", "    base: 1\n    basis: paper", "SK202", 40, 5, "base"),
    Broken("year: 2023", "year: '2023'", "SK203", 11, 7, "'2023'"),
    Broken("year: 2023", "year: 2_023", "SK203", 11, 7, "2_023"),
    Broken("year: 2023", "year: 2023.0", "SK203", 11, 7, "2023.0"),
    Broken("volume: '1'", "volume: 1", "SK203", 13, 9, "1"),
    Broken("month: 10", "month: ten", "SK203", 12, 8, "ten"),
    Broken("month: 10", "month: 010", "SK203", 12, 8, "010"),
    Broken("[use]", "use", "SK203", 27, 10, "use"),
    Broken("  - José Álvarez", "  - 7", "SK203", 8, 5, "7"),
    Broken("  - José Álvarez", "  -", "SK203", 8, 4, ""),
    Broken("tldr:\n", "tldr: |\n", "SK203", 29, 7, "|"),
    Broken("  zh: 检测预训练编码器中植入的后门", "  zh:", "SK203", 5, 6, ""),
    Broken("  zh: 检测预训练编码器中植入的后门", "  zh: ''", "SK204", 5, 7, "''"),
    Broken("by: [arXiv:2303.00015, DBLP]", "by: []", "SK204", 45, 7, "[]"),
    Broken("year: 2023", "year: 2023\ntrack: poster", "SK205", 12, 8, "poster"),
    Broken("type: detects", "type: detect", "SK205", 35, 11, "detect"),
    Broken("basis: abstract", "basis: guess", "SK205", 32, 10, "guess"),
    Broken("'2303.00015'", "'2303.00015v2'", "SK206", 16, 10, "'2303"),
    Broken("'2303.00015'", "arXiv:2303.00015", "SK206", 16, 10, "arXiv"),
    Broken("  doi: 10.5555", "  doi: https://doi.org/10.5555", "SK206", 17, 8, "https"),
    Broken("QwErTyUiOp", "a b", "SK206", 18, 15, "a b"),
    Broken("16352-16362", "16352--16362", "SK206", 14, 8, "16352--"),
    Broken("id: feng2023detecting", "id: ../../../etc/passwd", "SK206", 2, 5, ".."),
    Broken("id: feng2023detecting", "id: Feng2023Detecting", "SK206", 2, 5, "Feng"),
    Broken("  role: [", "  The Role: [", "SK206", 24, 3, "The Role"),
    Broken("[backdoor]", "[Back Door]", "SK206", 25, 12, "Back"),
    Broken("0000-0002-1825-0097", "0000000218250097x", "SK206", 7, 52, "0000000218"),
    Broken("month: 10", "month: 13", "SK207", 12, 8, "13"),
    Broken("month: 10", "month: 0", "SK207", 12, 8, "0"),
    Broken("year: 2023", "year: 203", "SK207", 11, 7, "203"),
    Broken("José", "José\u200b", "SK208", 8, 5, "José"),
    Broken("José", "\u202eJosé", "SK208", 8, 5, "\u202e"),
    Broken("finds the trigger", '"finds\\0 the trigger"', "SK106", 38, 33, "it"),
    Broken("DBLP]", '"DB\\0LP"]', "SK208", 45, 26, '"DB'),
    Broken("Detecting Planted", "Detecting  Planted", "SK209", 4, 7, "Detecting"),
    Broken("- José Álvarez", "- 'José Álvarez '", "SK209", 8, 5, "'José"),
    Broken("José", "Jose\u0301", "SK210", 8, 5, "Jose"),
    Broken(
        "https://github.com/example",
        "javascript:alert(1)//",
        "SK211",
        22,
        9,
        "javascript",
    ),
    Broken("https://github.com/example", "file:///etc", "SK211", 22, 9, "file"),
    Broken(
        "https://github.com/", "https://user:pass@github.com/", "SK211", 22, 9, "https"
    ),
    Broken("https://github.com/example", "https://localhost", "SK211", 22, 9, "https"),
    Broken(
        "https://github.com/example", "https://a.b/<script>", "SK211", 22, 9, "https"
    ),
    Broken("https://github.com/example", "https://[::1", "SK211", 22, 9, "https"),
    Broken("0000-0002-1825-0097", "0000-0002-1825-0098", "SK212", 7, 52, "0000"),
    Broken("José Álvarez", "OpenAI", "SK213", 8, 5, "OpenAI"),
    Broken("{literal: Invented Lab}", "{given: Anna}", "SK213", 9, 5, "{given"),
    Broken("Invented Lab}", "Invented Lab, family: Lab}", "SK213", 9, 5, "{literal"),
    Broken("added: 2026-11-01", "added: 20/11/2026", "SK214", 42, 8, "20/11"),
    Broken("added: 2026-11-01", "added: 2026-02-30", "SK214", 42, 8, "2026-02-30"),
    Broken("added: 2026-11-01", "added: 1700006400", "SK214", 42, 8, "17"),
    Broken("added: 2026-11-01", "added: 2026-11-01T00:00:00", "SK214", 42, 8, "2026"),
    # across entries
    Broken(
        "'2303.00015'",
        "'2103.00001'",
        "SK301",
        16,
        10,
        "'2103",
        (("pdf/2303.00015", "pdf/2103.00001"),),
    ),
    Broken(
        "doi: 10.5555/ICCV.2023.01569",
        "doi: 10.5555/tifs.2024.3351234",
        "SK302",
        17,
        8,
        "10.5555/tifs",
        (("org/10.5555/ICCV.2023.01569", "org/10.5555/TIFS.2024.3351234"),),
    ),
    Broken("QwErTyUiOp", "aBcDeFgHiJ", "SK303", 18, 15, "aBc"),
    Broken("  role:", "  roles: [attack]\n  role:", "SK310", 24, 3, "roles"),
    Broken("[backdoor]", "[backdor]", "SK311", 25, 12, "backdor"),
    Broken("[backdoor]", "[backdoor, poison]", "SK311", 25, 22, "poison"),
    Broken("  stage: [use]\n", "", "SK312", 23, 1, "terms"),
    Broken("[use]", "[]", "SK313", 27, 10, "[]"),
    Broken("[detection]", "[detection, attack]", "SK313", 24, 9, "[detection"),
    Broken("[model-scanning]", "[backdoor-defense]", "SK314", 26, 15, "backdoor"),
    Broken(
        "  stage: [use]",
        "  stage: [use]\n  scope: [downstream-agnostic]",
        "SK315",
        28,
        3,
        "scope",
    ),
    Broken("[vision]", "[vision, vision]", "SK316", 28, 22, "vision]"),
    Broken("venue: iccv", "venue: iccv2023", "SK320", 10, 8, "iccv2023"),
    Broken("venue: iccv", "venue: ICCV", "SK320", 10, 8, "ICCV"),
    Broken("venue: iccv", "venue: A Conference", "SK320", 10, 8, "A Conference"),
    Broken("year: 2023", "year: 2023\ntrack: findings", "SK322", 12, 8, "findings"),
    Broken(
        "year: 2023",
        "year: 2023\ntrack: workshop",
        "SK322",
        12,
        8,
        "workshop",
        (("venue: iccv", "venue: tifs"),),
    ),
    Broken(
        "year: 2023", "year: 2023\nworkshop: Some Workshop", "SK323", 12, 11, "Some"
    ),
    Broken(
        "to: rodriguez2021planting", "to: rodriguez2021plantin", "SK330", 36, 9, "rodr"
    ),
    Broken(
        "to: rodriguez2021planting", "to: feng2023detecting", "SK331", 36, 9, "feng"
    ),
    Broken("added:", "implementations: [badsead]\nadded:", "SK334", 42, 19, "badsead"),
    Broken(
        "added:", "implementations: [badseeds]\nadded:", "SK334", 42, 19, "badseeds"
    ),
    Broken(
        "https://doi.org/10.5555/ICCV.2023.01569",
        "https://openaccess.thecvf.com/content/ICCV2023W/X/a.html",
        "SK324",
        20,
        10,
        "https",
    ),
    Broken(
        "doi: 10.5555/ICCV.2023.01569",
        "doi: 10.5555/ICCVW.2023.01569",
        "SK324",
        17,
        8,
        "10.5555/ICCVW",
        (("org/10.5555/ICCV.", "org/10.5555/ICCVW."),),
    ),
    Broken(
        "venue: iccv",
        "venue: arxiv",
        "SK326",
        10,
        8,
        "arxiv",
        (
            ("  arxiv: '2303.00015'\n", ""),
            ("  pdf: https://arxiv.org/pdf/2303.00015\n", ""),
        ),
    ),
    Broken(
        "openreview: QwErTyUiOp",
        "acl: 2023.acl-long.1",
        "SK340",
        17,
        8,
        "10.18653",
        (
            ("ICCV.2023.01569", "v1/2023.acl-long.2"),
            ("10.5555/v1", "10.18653/v1"),
            (
                "https://doi.org/10.5555/ICCV.2023.01569",
                "https://aclanthology.org/2023.acl-long.1/",
            ),
        ),
    ),
    Broken(
        "arxiv.org/pdf/2303.00015", "arxiv.org/pdf/2303.00016", "SK341", 21, 8, "https"
    ),
    Broken(
        "arxiv.org/pdf/2303.00015", "arxiv.org/pdf/2303.00014", "SK341", 21, 8, "https"
    ),
    Broken(
        "doi.org/10.5555/ICCV.2023.01569",
        "doi.org/10.5555/ICCV.2023.01570",
        "SK342",
        20,
        10,
        "https",
    ),
    Broken(
        "https://arxiv.org/pdf/2303.00015",
        "https://openreview.net/pdf?id=other0",
        "SK343",
        21,
        8,
        "https",
    ),
    Broken(
        "github.com/example/detecting", "github.com/example", "SK344", 22, 9, "https"
    ),
    Broken("16352-16362", "16352-163", "SK345", 14, 8, "16352"),
    Broken("Encoders\n", "Encoders.\n", "SK350", 4, 7, "Detecting"),
    Broken("后门\nauthors", "后门。\nauthors", "SK350", 5, 7, "检测"),
    Broken("José", "José2", "SK351", 8, 5, "José2"),
    Broken(
        "en: Detecting",
        "en: '[Retracted] Detecting",
        "SK353",
        4,
        7,
        "'[Retr",
        (("Encoders\n", "Encoders'\n"),),
    ),
    Broken(
        "zh: 检测预训练编码器中植入的后门", "zh: 撤稿：检测后门", "SK353", 5, 7, "撤稿"
    ),
    Broken("José Álvarez", "José Álvarez and Ana Li", "SK354", 8, 5, "José"),
    Broken("José Álvarez", "José Álvarez, Ana Li, Wei Xu", "SK354", 8, 5, "José"),
    Broken("José Álvarez", "José Álvarez; Ana Li", "SK354", 8, 5, "José"),
    Broken("José Álvarez", "José Álvarez & Ana Li", "SK354", 8, 5, "José"),
    Broken("José Álvarez", "José Álvarez, Ana Li", "SK354", 8, 5, "José"),
    Broken("Invented Lab", "Invented Lab; Other Lab", "SK354", 9, 5, "{literal"),
    Broken("han: 冯世伟", "han: 冯世伟、李伟", "SK354", 7, 5, "{given"),
    Broken("José Álvarez", "Álvarez, José", "SK355", 8, 5, "Álvarez"),
    Broken("José Álvarez", "'José Álvarez, Jr.'", "SK355", 8, 5, "'José"),
    Broken("given: Shiwei", "given: 'Shiwei,'", "SK355", 7, 5, "{given"),
    Broken("Invented Lab", "et al.", "SK356", 9, 5, "{literal"),
    Broken("Invented Lab", "others", "SK356", 9, 5, "{literal"),
    Broken("José Álvarez", "José Álvarez et al.", "SK356", 8, 5, "José"),
    Broken("José Álvarez", "et al.", "SK356", 8, 5, "et al."),
    Broken("Invented Lab", "ana@example.org", "SK356", 9, 5, "{literal"),
    Broken("Invented Lab", "'2023'", "SK356", 9, 5, "{literal"),
    Broken("Planted Backdoors", "Planted <i>Backdoors</i>", "SK357", 4, 7, "Detecting"),
    Broken("Planted Backdoors", "Planted &amp; Backdoors", "SK357", 4, 7, "Detecting"),
    Broken(
        "Planted Backdoors", "Planted $\\ell_2$ Backdoors", "SK357", 4, 7, "Detecting"
    ),
    Broken("Planted Backdoors", "{B}ackdoors", "SK357", 4, 7, "Detecting"),
    Broken("José Álvarez", "Jos\\'e Álvarez", "SK357", 8, 5, "Jos"),
    Broken("该扫描", "该<b>扫描</b>", "SK357", 31, 7, "该"),
    Broken(
        "doi: 10.5555/ICCV.2023.01569",
        "doi: 10.48550/arXiv.2303.00015",
        "SK346",
        17,
        8,
        "10.48550",
        (("org/10.5555/ICCV.2023.01569", "org/10.48550/arXiv.2303.00015"),),
    ),
    Broken("Encoders\n", "Encoders (ICCV 2023)\n", "SK412", 4, 7, "Detecting"),
    Broken("Encoders\n", "Encoders [ICCV]\n", "SK412", 4, 7, "Detecting"),
    Broken("Encoders\n", "Encoders, ICCV 2023\n", "SK412", 4, 7, "Detecting"),
    Broken("zh: 检测预训练编码器中植入的后门", "zh: TODO", "SK352", 5, 7, "TODO"),
    Broken("role: [detection]", "role: [todo, detection]", "SK352", 24, 10, "todo"),
    Broken("venue: iccv", "venue: todo", "SK352", 10, 8, "todo"),
    Broken("'2303.00015'", "'2313.00015'", "SK206", 16, 10, "'2313"),
    *(
        Broken(
            "'2303.00015'",
            f"'{wrong}'",
            "SK347",
            16,
            10,
            f"'{wrong[:4]}",
            (("pdf/2303.00015", f"pdf/{wrong}"),),
        )
        for wrong in (
            *("2303.0015", "1412.00015", "0703.0001", "2303.00000", "9912.12345"),
            *("cs/0713001", "cs/0704001", "cs/9106001", "cs/9901000"),
            *("nosuch/9901001", "cs.CV/9901001"),
        )
    ),
    *(
        Broken(
            "doi: 10.5555/ICCV.2023.01569",
            f"doi: 10.5555/ICCV.2023.01569{tail}",
            "SK348",
            17,
            8,
            "10.5555",
            (("org/10.5555/ICCV.2023.01569", f"org/10.5555/ICCV.2023.01569{tail}"),),
        )
        for tail in (".", ",", ";", ")", ").", "]")
    ),
    Broken(
        "github.com/example/detecting",
        "example.org/get?a=1&amp;b=2",
        "SK349",
        22,
        9,
        "https",
    ),
    Broken(
        "github.com/example/detecting",
        "example.org/get?a=1&#38;b=2",
        "SK349",
        22,
        9,
        "https",
    ),
    *(
        Broken("https://github.com/example/detecting", code, "SK370", 22, 9, "https")
        for code in (
            "https://arxiv.org/pdf/2303.00015",
            "https://arxiv.org/abs/1901.00001",
            "https://doi.org/10.5555/other",
            "https://example.org/papers/Detecting.PDF",
            "https://openreview.net/forum?id=QwErTyUiOp",
            "https://aclanthology.org/2023.acl-long.1/",
        )
    ),
    *(
        Broken("https://arxiv.org/pdf/2303.00015", page, "SK371", 21, 8, "https")
        for page in (
            "https://arxiv.org/abs/2303.00015",
            "https://openreview.net/forum?id=QwErTyUiOp",
            "https://doi.org/10.5555/ICCV.2023.01569",
            "https://ieeexplore.ieee.org/abstract/document/1/",
            "https://dl.acm.org/doi/10.1145/1",
            "https://openaccess.thecvf.com/content/ICCV2023/html/a.html",
            "https://github.com/example/another",
        )
    ),
    Broken("José Álvarez", "JosÃ© Álvarez", "SK358", 8, 5, "Jos"),
    Broken("José Álvarez", "Jos? Álvarez", "SK358", 8, 5, "Jos"),
    Broken("The scan finds", "The scanâ€™s finds", "SK358", 30, 7, "The"),
    Broken(
        "zh: 该扫描无需植入时的数据即可找出后门。",
        "zh: 璇ユ壂鎻忓彲鎵惧嚭鍚庨棬。",
        "SK358",
        31,
        7,
        "璇",
    ),
    Broken("Invented Lab", "Inv\u0435nted Lab", "SK359", 9, 15, "Inv"),
    *(
        Broken("Planted Backdoors", f"Planted {word}", "SK359", 4, 7, "Detecting")
        for word in (
            "Ba\u0441kdoors",
            "\u0412ackdoors",
            "Backdo\u03bfrs",
            "\u039doise",
            "\u0421\u0415\u041e",
            "Classi\ufb01ers",
            "\uff22ackdoors",
            "\U0001d401ackdoors",
            "Ba\u03f2kdoors",
        )
    ),
    *(
        Broken("arXiv:2303.00015, DBLP", source, "SK361", 45, 8, source[:3])
        for source in (
            "me",
            "the internet",
            "internet",
            "'-'",
            "x",
            "I read it myself",
            "'arXiv:soon'",
            "'doi: the usual one'",
            "网络",
        )
    ),
    Broken(
        "source: arXiv:2303.00015\nrelations",
        "source: the web\nrelations",
        "SK361",
        33,
        11,
        "the",
    ),
    Broken("added: 2026-11-01", "added: 2062-11-01", "SK362", 42, 8, "2062"),
    Broken("date: 2026-11-20", "date: 2062-11-20", "SK362", 44, 9, "2062"),
    # warnings
    Broken("family: Feng", "family: Fong", "SK402", 2, 5, "feng"),
    Broken(
        "'2303.00015'",
        "'2503.00015'",
        "SK403",
        11,
        7,
        "2023",
        (("pdf/2303.00015", "pdf/2503.00015"),),
    ),
    Broken(
        "venue: iccv",
        "venue: arxiv",
        "SK404",
        11,
        7,
        "2023",
        (("'2303.00015'", "'2203.00015'"), ("pdf/2303.00015", "pdf/2203.00015")),
    ),
    Broken("pdf/2303.00015", "pdf/2303.00015v1", "SK405", 21, 8, "https"),
    Broken(
        "Detecting Planted Backdoors in Pre-trained Encoders",
        "DETECTING PLANTED BACKDOORS IN ENCODERS",
        "SK406",
        4,
        7,
        "DETECTING",
    ),
    Broken("José Álvarez", "JOSÉ ÁLVAREZ", "SK407", 8, 5, "JOSÉ"),
    Broken("  - {literal", "  - José Álvarez\n  - {literal", "SK408", 9, 5, "José"),
    Broken("The scan finds", "The scan finds" + " very" * 60, "SK409", 30, 7, "The"),
    Broken("该扫描", "该扫描" + "很" * 120, "SK409", 31, 7, "该"),
    Broken(
        "zh: 检测预训练编码器中植入的后门", "zh: Detecting", "SK410", 5, 7, "Detecting"
    ),
    Broken("编码器中", "编码器:中", "SK411", 5, 7, "检测"),
    Broken("The scan finds", "该扫描", "SK413", 30, 7, "该"),
    Broken("Planted Backdoors", "Planted（Backdoors）", "SK413", 4, 7, "Detecting"),
]
