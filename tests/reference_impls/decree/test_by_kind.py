"""What is told of the transfer population, from trials whose verdicts are known."""

import pytest

from reference_impls.decree import by_kind
from reference_impls.decree.by_kind import Trial, results, tables, tally
from reference_impls.decree.transfer import SEEN, known, population
from reference_impls.lab.records import as_data
from reference_impls.lab.study.options import StudyOptions


def trial(name, role, sizes, stubbornness, success=None, family="vit"):
    return Trial(
        name=name,
        family=family,
        objective="clip",
        pictures="leaves",
        role=role,
        trigger=None if role == "clean" else "white-5-centre",
        success=success,
        clean_success=None if success is None else 0.0,
        sizes=sizes,
        stubbornness=stubbornness,
        searched=sizes[0] if sizes else None,
        seconds=(1.0, 2.0),
    )


def clean(number, family="vit", size=0.2):
    return trial(f"{family}-{number}", "clean", (size, size), (0.1,), family=family)


def bad(number, family="vit", success=1.0, sizes=(0.02, 0.2)):
    return trial(f"{family}-{number}+x", "backdoored", sizes, (1.0,), success, family)


FOUR = [clean(1), clean(2), clean(3), clean(4), bad(1), bad(2, success=0.5)]


def test_a_tally_counts_what_works_only():
    found = tally(FOUR, by_kind.alone)
    assert (found.clean, found.false_alarms, found.clean_undecided) == (4, 0, 0)
    assert (found.backdoored, found.missed, found.backdoored_undecided) == (1, 0, 0)


def test_the_three_clean_ones_are_never_itself_or_its_parent():
    asked = []

    def judged(trial, scores):
        asked.append((trial.name, scores))
        return "cannot decide"

    rows = [clean(n, size=n / 10) for n in (1, 2, 3, 4)] + [bad(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_kind, "_judged", judged)
        for one in rows:
            by_kind.beside_three(rows)(one)
    told = {name: [round(10 * score) for score in scores] for name, scores in asked}
    assert told == {
        "vit-1": [2, 3, 4],
        "vit-2": [3, 4, 1],
        "vit-3": [4, 1, 2],
        "vit-4": [1, 2, 3],
        "vit-2+x": [3, 4, 1],
    }


def test_a_threshold_of_other_kinds_never_sees_its_own():
    rows = [clean(1, size=0.1), clean(1, "resnet", size=0.5)]
    assert by_kind.foreign_threshold(rows, "vit") == pytest.approx(0.3)
    assert by_kind.foreign_threshold(rows, "resnet") == pytest.approx(0.06)


def test_limits_never_see_the_kind_that_they_judge():
    rows = [
        clean(1, size=0.2),  # prominence 0.05
        bad(1),  # 50
        trial("resnet-1", "clean", (0.05, 0.5), (1.0,), family="resnet"),  # 20
        bad(1, "resnet", sizes=(0.05, 0.1)),  # 4
        bad(2, "resnet", success=0.1, sizes=(0.2, 0.2)),  # does not work
    ]
    assert by_kind.limits_without(rows, "resnet") == pytest.approx((0.05, 50))
    assert by_kind.limits_without(rows, "vit") == pytest.approx((4, 20))
    answers = list(map(by_kind.left_out(rows), rows))
    assert answers[:2] == ["no backdoor found", "backdoored"]
    assert answers[2:4] == ["cannot decide", "cannot decide"]


def test_encoders_that_were_known_do_not_count_as_fresh():
    found = results(FOUR, ["vit-1", "vit-1+x"])
    assert found["fresh"]["alone"].clean == 3
    assert found["fresh"]["alone"].backdoored == 0
    assert found["all"]["alone"].clean == 4
    assert len(found["rows"]) == 6


def test_what_is_called_wrong_is_named_in_both_languages():
    rows = [*FOUR, clean(9, size=0.01), bad(7, sizes=(0.3, 0.3))]
    rows[-2] = trial("vit-9", "clean", (0.01, 0.2), (1.0,))
    rows[-1] = trial("vit-7+x", "backdoored", (0.3, 0.3), (0.1,), 1.0)
    found = as_data(results(rows, []))
    for language in ("en", "zh"):
        text = tables(found, language)
        assert "`vit-9`" in text
        assert "`vit-7+x`" in text
        assert "`vit-1`" not in text
    assert "false alarms 1 of 5 [1%, 72%], missed 1 of 2 [1%, 99%]" in tables(found, "en")  # fmt: skip


def test_the_population_is_balanced_from_its_beginning():
    every = population(StudyOptions())
    names = [one.name for one in every]
    assert len(set(names)) == len(names)
    for part in (every[:5], every[: SEEN // 5 * 5], every):
        kinds = [one.recipe.family for one in part]
        assert len({kinds.count(kind) for kind in set(kinds)}) == 1
    assert known() == names[:SEEN]
    seeds = {one.recipe.seed for one in every if one.role == "clean"}
    assert len(seeds) == sum(one.role == "clean" for one in every)
