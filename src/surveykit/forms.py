"""The issue forms of the forge as data: what each asks, and under which label the answers come back.

The forms are rendered from here and the issues are parsed by here, so the two cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel

from surveykit.models import Identifiers, Links, Paper
from surveykit.vocabulary import Taxonomy

FormName = Literal["new-paper", "fix-entry", "broken-link"]
Widget = Literal["input", "textarea", "dropdown"]


@dataclass(frozen=True)
class Question:
    """One field of a form."""

    id: str
    """Name in addresses that fill in a form: `…/issues/new?template=fix-entry.yml&id=holt2023finding`."""
    label: str
    """Heading under which the answer stands in the issue; unlike all others of the form."""
    help: str
    widget: Widget = "input"
    required: bool = True
    options: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True)
class Form:
    """One form."""

    kind: FormName
    name: str
    description: str
    title: str
    """Beginning of the issue's title."""
    questions: tuple[Question, ...]


_ID = Question(
    "id",
    "Entry · 条目",
    "Id of the entry, the last part of its page's address. 条目标识，即其页面地址的最后一段。",
    example="holt2023finding",
)


def forms(taxonomy: Taxonomy) -> tuple[Form, ...]:
    """All forms."""
    return (_new_paper(), _fix_entry(taxonomy), _broken_link())


def fields(taxonomy: Taxonomy) -> tuple[str, ...]:
    """Fields of an entry that the form can change: `title.en`, `authors`, `terms.stage`."""
    names: list[str] = []
    for name, field in Paper.model_fields.items():
        model = model_in(field.annotation)
        if name in _NOT_ASKED:
            continue
        if name == "terms":
            names += [f"terms.{axis.id}" for axis in taxonomy.axes]
        elif name == "authors" or model is None:
            names.append(name)
        else:
            names += [f"{name}.{inner}" for inner in model.model_fields]
    return tuple(names)


_NOT_ASKED = frozenset(
    {
        "id",
        "relations",
        "claims",
        "implementations",
        "corrections",
        "history",
        "added",
        "verified",
    }
)
"""Fields that take more than one value to change, or that programs write."""


def model_in(annotation: object) -> type[BaseModel] | None:
    """The model inside an annotation like `Bilingual | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := model_in(a))), None)


def _new_paper() -> Form:
    known = ", ".join(Identifiers.model_fields)
    return Form(
        "new-paper",
        "New paper · 新论文",
        "One identifier is enough; the rest is looked up. 只需一个标识，其余自动查询。",
        "New paper: ",
        (
            Question(
                "identifier",
                "Identifier · 标识",
                f"{known}, or the paper's address. 论文的编号或网址。",
                example="2303.15180",
            ),
            Question(
                "code",
                "Program · 代码",
                f"{Links.model_fields['code'].description} Leave empty if there is none. 作者本人的程序；没有则留空。",
                required=False,
                example="https://github.com/example/sieve",
            ),
        ),
    )


def _fix_entry(taxonomy: Taxonomy) -> Form:
    return Form(
        "fix-entry",
        "Correct an entry · 更正条目",
        "One field of one entry. 更正一个条目的一个字段。",
        "Correct ",
        (
            _ID,
            Question(
                "field",
                "Field · 字段",
                "What is wrong. 有误的字段。",
                widget="dropdown",
                options=fields(taxonomy),
            ),
            Question(
                "value",
                "Right value · 正确的值",
                "As it should be; several authors or terms one a line or separated by commas; `-` removes what an entry may "
                "lack. 正确的内容；多位作者、多个类目可每行一个，也可用逗号分隔；填 `-` 表示删除（仅限可省略的字段）。",
                widget="textarea",
            ),
            Question(
                "source",
                "Source · 依据",
                "Where this can be read: an address, an arXiv id, a DOI. 出处：网址、arXiv 编号或 DOI。",
                example="arXiv:2303.15180",
            ),
        ),
    )


def _broken_link() -> Form:
    return Form(
        "broken-link",
        "Broken link · 失效链接",
        "An address of an entry that leads nowhere, or to something else. 条目中失效或指向他处的链接。",
        "Broken link: ",
        (
            _ID,
            Question("link", "Link · 链接", "The address that is broken. 失效的网址。"),
            Question(
                "replacement",
                "Replacement · 新链接",
                "Where it should lead, if you know. 正确的网址，不清楚则留空。",
                required=False,
            ),
        ),
    )
