"""`catalog/taxonomy.yaml` of a new survey: a template whose terms wait for their field, or the headings of a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from surveykit.start.wish import Called, Topic, Wish

Both = tuple[str, str]


@dataclass(frozen=True)
class _Axis:
    id: str
    label: Both
    question: Both
    terms: tuple[tuple[str, Both, Both], ...]
    most: int = 1
    note: Both | None = None


_ROLE = _Axis(
    "role",
    ("Role", "角色"),
    ("What does the paper do?", "论文做了什么？"),
    (
        ("method", ("Method", "方法"), ("Proposes a way to do something.", "提出一种做法。")),
        ("evaluation", ("Evaluation", "评测"), ("Measures, compares or explains what is there.", "对已有工作进行测量、比较或解释。")),
        ("survey", ("Survey", "综述"), ("Reviews the literature.", "梳理文献。")),
    ),
    note=("The first two terms stand above and below the line of the charts.", "前两项分别位于图中横线的上方与下方。"),
)  # fmt: skip
_TECHNIQUE = _Axis(
    "technique",
    ("Technique", "技术路线"),
    ("By which means does it work?", "采用什么技术路线？"),
    (
        ("technique-one", ("Technique one", "技术一"), ("To be replaced: what belongs here, in one sentence.", "待替换：用一句话说明收录什么。")),
        ("technique-two", ("Technique two", "技术二"), ("To be replaced: what belongs here, in one sentence.", "待替换：用一句话说明收录什么。")),
    ),
    2,
)  # fmt: skip
_STAGE = _Axis(
    "stage",
    ("Stage", "阶段"),
    ("Where in the whole process does it act?", "作用于整个过程的哪个阶段？"),
    (
        ("before", ("Before", "之前"), ("To be replaced: the first stage.", "待替换：第一个阶段。")),
        ("after", ("After", "之后"), ("To be replaced: the last stage.", "待替换：最后一个阶段。")),
    ),
    2,
)  # fmt: skip
_REPLACE = ("To be replaced: what belongs here, in one sentence.", "待替换：用一句话说明收录什么。")  # fmt: skip
_TOPICS = (
    Topic("topic-one", Called("Topic one", "主题一")),
    Topic("topic-two", Called("Topic two", "主题二")),
)
_HEAD = """\
# The axes on which every paper is placed, and the relations between papers. Order here is order on the site.
# The first axis besides `role` gives the chapters and the colors. An axis `technique` groups papers inside a chapter,
# an axis `stage` makes the map of the home page. Whatever else you add becomes a filter. Ids never change; words may.
"""
_RELATIONS: tuple[tuple[str, Both, Both, Both], ...] = (
    ("extends", ("extends", "扩展"), ("extended by", "被扩展"), ("Builds on the other paper's work.", "在另一篇论文的基础上发展。")),
    ("evaluates", ("evaluates", "评测"), ("evaluated by", "被评测"), ("Measures what the other paper proposes.", "对另一篇论文提出的内容进行测量。")),
    ("compares-with", ("compares with", "对比"), ("compared with by", "被对比"), ("Compares itself with the other paper.", "与另一篇论文进行对比。")),
)  # fmt: skip


def taxonomy(wish: Wish) -> str:
    """Text of the file."""
    return _HEAD + "\n".join(["axes:", *_axes(wish), "relations:", *_relations(wish)]) + "\n"  # fmt: skip


def first_terms(wish: Wish) -> dict[str, str]:
    """A term for each axis that an entry answers, for the examples."""
    made = {axis.id: axis.terms[0][0] for axis in _all(wish)}
    return dict(sorted(made.items(), key=lambda pair: pair[0] != "role"))


def _all(wish: Wish) -> list[_Axis]:
    topics = _topics(
        "topic", ("Topic", "主题"), "What is the paper about?", wish.topics or _TOPICS
    )
    if wish.groups:
        asked = "Under which heading does it stand?"
        return [topics, _topics("technique", ("Group", "分组"), asked, wish.groups)]
    if wish.axes == "topics":
        return [topics]
    return [_ROLE, topics, _TECHNIQUE, _STAGE]


def _topics(id_: str, label: Both, question: str, terms: tuple[Topic, ...]) -> _Axis:
    asked = (question, "论文属于哪一主题？")
    told = tuple(
        (t.id, (t.name.en, t.name.zh or t.name.en), _definition(t)) for t in terms
    )
    return _Axis(id_, label, asked, told, 3)


def _definition(topic: Topic) -> Both:
    return (topic.definition, topic.definition) if topic.definition else _REPLACE


def _axes(wish: Wish) -> Iterator[str]:
    for axis in _all(wish):
        yield f"  - id: {axis.id}"
        yield from _said(wish, 4, "label", axis.label)
        yield from _said(wish, 4, "question", axis.question)
        if axis.note:
            yield from _said(wish, 4, "note", axis.note)
        yield "    min_terms: 1"
        yield f"    max_terms: {min(axis.most, len(axis.terms))}"
        yield "    terms:"
        for id_, label, definition in axis.terms:
            yield f"      - id: {id_}"
            yield from _said(wish, 8, "label", label)
            yield from _said(wish, 8, "definition", definition)


def _relations(wish: Wish) -> Iterator[str]:
    for id_, label, inverse, definition in _RELATIONS:
        yield f"  - id: {id_}"
        yield from _said(wish, 4, "label", label)
        yield from _said(wish, 4, "inverse", inverse)
        yield from _said(wish, 4, "definition", definition)


def _said(wish: Wish, indent: int, key: str, both: Both) -> Iterator[str]:
    yield f"{' ' * indent}{key}:"
    for lang, text in zip(wish.languages, both, strict=False):
        yield f"{' ' * indent}  {lang}: {json.dumps(text, ensure_ascii=False)}"
