"""Fleets: many encoders in parallel, whatever dies."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reference_impls.lab.errors import ConfigError, DeviceError
from reference_impls.lab.study.fleet import (
    Outcome,
    dask,
    processes,
    read_outcomes,
    run_fleet,
    workers,
)

TASKS = """
import os
import signal
import time
from pathlib import Path

from reference_impls.lab.errors import EncoderError


def scan(name):
    kind, _, place = name.partition(":")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "kill-once" and not Path(place).exists():
        Path(place).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "slow":
        time.sleep(0.5)
    if kind == "bad":
        raise EncoderError("no encoder file bad")
    if kind == "crash":
        raise ZeroDivisionError("a bug\\nin two lines")
    return {"score": len(name), "pid": os.getpid()}
"""


@pytest.fixture
def scan(tmp_path, monkeypatch):
    """A task that other processes can import."""
    (tmp_path / "fleet_tasks.py").write_text(TASKS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path.cwd())]))
    import fleet_tasks

    yield fleet_tasks.scan
    import sys

    del sys.modules["fleet_tasks"]


def threads():
    return ThreadPoolExecutor(2)


def run(scan, names, path, pool=threads, workers=2, **more):
    return run_fleet(scan, names, results=path, pool=pool, workers=workers, **more)


def test_outcomes_come_in_the_order_of_the_names_and_are_on_file(scan, tmp_path):
    outcomes = run(scan, ["bbb", "a", "cc", "a"], tmp_path / "results.jsonl")
    assert [(o.name, o.state, o.result["score"]) for o in outcomes] == [
        ("bbb", "done", 3),
        ("a", "done", 1),
        ("cc", "done", 2),
    ]
    assert sorted(o.name for o in read_outcomes(tmp_path / "results.jsonl")) == [
        "a",
        "bbb",
        "cc",
    ]


def test_a_bad_encoder_and_a_bug_are_reasons_and_the_rest_goes_on(scan, tmp_path):
    outcomes = run(scan, ["bad", "crash", "good"], tmp_path / "results.jsonl")
    assert [o.state for o in outcomes] == ["failed", "failed", "done"]
    assert outcomes[0].reason == "no encoder file bad"
    assert outcomes[1].reason == "ZeroDivisionError: a bug"


def test_a_second_run_does_what_is_missing_and_what_failed(scan, tmp_path):
    path = tmp_path / "results.jsonl"
    run(scan, ["a", "bad"], path)
    seen = []
    outcomes = run(
        scan,
        ["a", "b", "bad"],
        path,
        progress=lambda o, done, of: seen.append((o.name, done, of)),
    )
    assert sorted(seen) == [("b", 2, 3), ("bad", 3, 3)] or sorted(seen) == [("b", 3, 3), ("bad", 2, 3)]  # fmt: skip
    assert [o.state for o in outcomes] == ["done", "done", "failed"]


def test_a_result_under_another_key_is_not_used(scan, tmp_path):
    path, seen = tmp_path / "results.jsonl", []
    run(scan, ["a", "b"], path, keys={"a": "1", "b": "1"})
    tell = lambda o, *_: seen.append((o.name, o.key))  # noqa: E731
    run(scan, ["a", "b"], path, keys={"a": "1", "b": "2"}, progress=tell)
    assert seen == [("b", "2")]


@pytest.mark.parametrize("tail", ['{"name": "b", "sta', '{"name": "b"}', "\x00\x00"])
def test_a_torn_last_line_is_dropped_and_its_encoder_run_again(scan, tmp_path, tail):
    path = tmp_path / "results.jsonl"
    run(scan, ["a"], path)
    with path.open("a") as file:
        file.write(tail)
    outcomes = run(scan, ["a", "b"], path)
    assert [o.state for o in outcomes] == ["done", "done"]
    assert [json.loads(line)["name"] for line in path.read_text().splitlines()] == [
        "a",
        "b",
    ]


def test_another_file_is_not_written_into(scan, tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text("dear diary\n")
    with pytest.raises(ConfigError, match=r"notes.jsonl:1 is no result of a fleet"):
        run(scan, ["a"], path)
    assert path.read_text() == "dear diary\n"


def test_a_worker_that_dies_loses_only_its_own_encoder(scan, tmp_path):
    names = ["a", "kill", "b", "c", "d", "e"]
    outcomes = run(scan, names, tmp_path / "results.jsonl", pool=processes(2))
    assert {o.name: o.state for o in outcomes} == dict.fromkeys(names, "done") | {
        "kill": "lost"
    }
    assert "its worker died twice" in outcomes[1].reason


def test_an_encoder_that_was_only_unlucky_gets_a_second_chance(scan, tmp_path):
    names = ["a", f"kill-once:{tmp_path / 'died'}", "b"]
    outcomes = run(scan, names, tmp_path / "results.jsonl", pool=processes(2))
    assert [o.state for o in outcomes] == ["done"] * 3


def test_a_lost_encoder_is_run_again_by_the_next_run(scan, tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(Outcome("a", "lost", reason="x").__dict__) + "\n")
    assert run(scan, ["a"], path)[0].state == "done"


def test_a_fleet_without_workers_is_refused():
    with pytest.raises(ConfigError, match="at least one worker, got 0"):
        processes(0)


# -- Dask ----------------------------------------------------------------------------


@pytest.fixture
def cluster(scan):
    """Two worker processes on this machine; they inherit the path of the tasks."""
    distributed = pytest.importorskip(
        "distributed", reason="distributed is not installed"
    )
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        host="127.0.0.1",
    ) as cluster:
        yield cluster


@pytest.mark.filterwarnings(
    "ignore"
)  # distributed leaves sockets to the garbage collector
def test_a_cluster_of_two_workers_shares_the_work_and_survives_a_kill(
    scan, cluster, tmp_path
):
    names = ["slow:1", "slow:2", f"kill-once:{tmp_path / 'died'}", "bad", *"abcd"]
    with dask(cluster.scheduler_address) as (pool, workers):
        assert workers == 2
        outcomes = run(
            scan, names, tmp_path / "results.jsonl", pool=pool, workers=workers
        )
    assert [o.state for o in outcomes] == ["done"] * 3 + ["failed"] + ["done"] * 4
    assert outcomes[0].result["pid"] != outcomes[1].result["pid"]


@pytest.mark.filterwarnings("ignore")
def test_no_scheduler_is_one_line():
    pytest.importorskip("distributed", reason="distributed is not installed")
    with (
        pytest.raises(DeviceError, match="no Dask scheduler answers at tcp"),
        dask("tcp://127.0.0.1:1"),
    ):
        pass


def test_one_job_needs_no_process_and_none_is_refused():
    with workers(1) as executor:
        assert executor is None
    with pytest.raises(ConfigError, match="at least one worker, got 0"), workers(0):
        pass


def test_jobs_run_in_other_processes_and_a_dead_one_is_one_line(scan):
    with workers(2) as executor:
        assert executor.submit(scan, "abc").result()["pid"] != os.getpid()
    with (
        pytest.raises(DeviceError, match="a worker process died"),
        workers(2) as executor,
    ):
        executor.submit(scan, "kill").result()
