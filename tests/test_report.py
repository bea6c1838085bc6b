"""Problems in four formats, none of which a message can break out of."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from surveykit.errors import Problem, Severity, plural
from surveykit.report import render
from surveykit.text.printable import printable

PROBLEMS = (
    Problem("catalog/a.yaml", 3, 1, "SK201", "`title.zh` is missing; add it"),
    Problem("catalog/b.yaml", 7, 9, "SK405", "link to 100%: v1", Severity.WARNING),
)
HOSTILE = Problem(
    "catalog/a,b:c%0A\n::error::x.yaml",
    1,
    1,
    "SK206",
    "50% \r\n::set-output name=a::b \x1b[31m \u202e \udc80 <b>",
)


def test_text_is_one_line_a_problem_and_a_count():
    assert render(PROBLEMS) == (
        "catalog/a.yaml:3:1: SK201 `title.zh` is missing; add it\n"
        "catalog/b.yaml:7:9: SK405 warning: link to 100%: v1\n"
        "1 error, 1 warning\n"
    )
    assert render(()) == "no errors, no warnings\n"


def test_json_has_the_same_facts():
    data = json.loads(render(PROBLEMS, "json"))
    assert (data["errors"], data["warnings"]) == (1, 1)
    assert data["problems"][1] == {
        "path": "catalog/b.yaml",
        "line": 7,
        "column": 9,
        "rule": "SK405",
        "severity": "warning",
        "message": "link to 100%: v1",
    }


def test_github_annotations_stand_at_file_line_and_column():
    assert render(PROBLEMS, "github").splitlines() == [
        "::error file=catalog/a.yaml,line=3,col=1,title=SK201::`title.zh` is missing; add it",
        "::warning file=catalog/b.yaml,line=7,col=9,title=SK405::link to 100%25: v1",
    ]
    assert render((), "github") == ""


def unescaped(text: str) -> str:
    """What the runner makes of a property."""
    for code, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n")):
        text = text.replace(code, sign)
    return text.replace("%25", "%")


def test_a_hostile_message_stays_one_github_command():
    text = render((HOSTILE,), "github")
    assert text.count("\n") == 1
    command = re.fullmatch(r"::error ([^:\n]*)::(.*)\n", text)
    assert len(command[1].split(",")) == 4
    file = command[1].split(",")[0].removeprefix("file=")
    assert unescaped(file) == HOSTILE.path
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_every_format_can_be_written_as_utf_8_and_steers_no_terminal(form):
    text = render((HOSTILE,), form)
    assert text.encode("utf-8")
    assert "\x1b" not in text
    assert text.endswith("\n")


def test_text_keeps_a_hostile_problem_on_one_line():
    assert render((HOSTILE,)).count("\n") == 2


def test_printable_text_is_left_alone():
    assert printable("José 冯世伟 `x` %") == "José 冯世伟 `x` %"
    assert printable("a\u200bb\n") == r"a\u200bb\n"


# The part of SARIF 2.1.0 that code scanning reads, as its specification requires it.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id", "shortDescription"],
                                            "properties": {
                                                "shortDescription": {"required": ["text"]},
                                                "help": {"required": ["text"]},
                                                "defaultConfiguration": {
                                                    "properties": {"level": {"enum": ["error", "warning", "note", "none"]}}
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message", "ruleId", "locations"],
                            "properties": {
                                "level": {"enum": ["error", "warning"]},
                                "message": {"required": ["text"]},
                                "locations": {
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {"uri": {"pattern": "^[!-~]+$"}}
                                                    },
                                                    "region": {
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "startColumn": {"type": "integer", "minimum": 1},
                                                        }
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}  # fmt: skip


def test_sarif_has_the_required_structure_and_explains_its_rules():
    data = json.loads(render((*PROBLEMS, HOSTILE), "sarif"))
    jsonschema.validate(data, SARIF)
    run = data["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "SK201",
        "SK206",
        "SK405",
    ]
    first = run["results"][0]
    assert first["message"]["text"] == PROBLEMS[0].message
    region = first["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 1}
    assert [result["level"] for result in run["results"]] == [
        "error",
        "warning",
        "error",
    ]


def test_sarif_of_nothing_is_a_run_without_results():
    data = json.loads(render((), "sarif"))
    jsonschema.validate(data, SARIF)
    assert data["runs"][0]["results"] == []


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "paper", "1 paper"),
        (2, "paper", "2 papers"),
        (0, "anomaly", "0 anomalies"),
        (1, "anomaly", "1 anomaly"),
        (3, "entry", "3 entries"),
        (1, "failing run", "1 failing run"),
    ],
)
def test_numbers_agree_with_their_nouns(number, noun, said):
    assert plural(number, noun) == said
