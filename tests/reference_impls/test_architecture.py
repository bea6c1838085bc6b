"""The import rules of the methods: the lab is below, methods stand side by side."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "reference_impls"
FORBIDDEN = {"surveykit", "pydantic", "click", "mkdocs"}
# One method may use another only to make its data: DECREE's population is BadEncoder's
# work, and Gen-AF is tried on what AdvEncoder made.
MAKES_DATA_FOR = {
    ("decree/population.py", "badencoder"),
    ("decree/transfer.py", "badencoder"),
    ("decree/real.py", "badencoder"),
    (
        "converters/study.py",
        "quantization_backdoor",
    ),  # what sleeps until weights are rounded
    ("cleanclip/method.py", "textonpair"),  # the loss that planted what is removed
    ("cleanclip/study.py", "textonpair"),
    ("latent_backdoor/study.py", "badencoder"),  # beside it in the table
    ("weight_spectra/study.py", "cleanclip"),  # updates that are told apart
    ("weight_spectra/study.py", "latent_backdoor"),
    ("weight_spectra/study.py", "textonpair"),
    ("safe_pretraining/method.py", "cleanclip"),  # what it reads of captions
    ("safe_pretraining/method.py", "textonpair"),
    ("text_backdoor_defense/study.py", "data_backdoor"),  # the backdoors it takes out
    ("text_backdoor_defense/study.py", "text_backdoor"),
    ("watermark/study.py", "stolen_encoder"),  # copies that a mark is looked for in
    ("bucks/study.py", "stolen_encoder"),  # and what a thief makes of the answers
    # And it may ask another what it says of its results.
    ("textonpair/study.py", "decree"),
    ("gen_af/population.py", "advencoder"),
    ("gen_af/run.py", "advencoder"),
}
# The arena lies above the methods and plays them against each other; nobody imports it.
ABOVE = "arena"
MOST_LINES = 350


def imports(path: Path) -> set[str]:
    """Dotted names a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: use absolute imports"
            names.add(str(node.module))
    return names


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_imports_follow_the_rules(path):
    own = path.relative_to(ROOT)
    for name in imports(path):
        package, *rest = name.split(".")
        assert package not in FORBIDDEN, f"{own} must not import {package}"
        if package == "reference_impls" and rest:
            other = rest[0]
            allowed = other == own.parts[0] or (
                other == "lab" and own.parts[0] != "lab"
            )
            allowed |= own.parts[0] == ABOVE
            assert allowed or (own.as_posix(), other) in MAKES_DATA_FOR, (
                f"{own} must not import {name}"
            )


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_no_module_is_too_long(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("method.py")), ids=lambda p: p.parent.name
)
def test_a_method_neither_prints_nor_chooses_a_device_nor_seeds_globally(path):
    source = path.read_text(encoding="utf-8")
    for word in (
        "print(",
        ".cuda(",
        "manual_seed_all",
        "torch.manual_seed(",
        "download=",
    ):
        assert word not in source
