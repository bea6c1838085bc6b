"""The verdict: every stand-in is refused or left open, honest files pass, bombs end soon, and nothing ever runs."""

import contextlib
import gzip
import io
import json
import os
import pickle
import pickletools
import random
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections import Counter, OrderedDict
from pathlib import Path

import numpy
import pytest

from reference_impls.artifact_scan import containers, standins
from reference_impls.artifact_scan.__main__ import PROGRAM
from reference_impls.artifact_scan.answer import ScanConfig, verdict
from reference_impls.artifact_scan.evasions import evasions
from reference_impls.artifact_scan.method import Scan, scan
from reference_impls.artifact_scan.pickles import RULES
from reference_impls.artifact_scan.policy import allowed, known, renamed
from reference_impls.artifact_scan.scanners import SCANNERS
from reference_impls.artifact_scan.study import asked
from reference_impls.lab.errors import ConfigError
from tests.reference_impls.conftest import one_error

UNDECIDED = {
    "empty module", "mlflow.projects.backend.local _run_entry_point", "extension registry", "extension registry, four bytes", "persistent identifier", "letters beyond ASCII",
    "second pickle behind zeros", "torch zip, unknown method", "pickle behind safetensors", "ONNX, operator of nobody's",
    "ONNX, operator in a function", "safetensors that overlap",
}  # fmt: skip


def findings(files, limit=64):
    config = ScanConfig(limit=limit)
    return [one for name, raw in files.items() for one in Scan(config).of(memoryview(raw), name)]  # fmt: skip


def judged(content, name="model.pkl", limit=64):
    return verdict(findings({name: content}, limit))


@pytest.mark.parametrize(
    ("name", "pickled", "files"),
    evasions(),
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_no_stand_in_is_cleared(name, pickled, files):
    expected = "cannot decide" if name in UNDECIDED else "dangerous"
    assert verdict(findings(files)) == expected


def test_innocent_files_pass():
    pytest.importorskip("joblib", reason="joblib is not installed")
    from reference_impls.artifact_scan.innocents import innocents

    open_ones = {name for name, _, files in innocents(3) if verdict(findings(files)) != "innocent"}  # fmt: skip
    assert open_ones == {"object of a program of one's own", "auto_map with a harmless program", "TorchScript"}  # fmt: skip


def test_nothing_runs_while_a_loader_would_have_run_it(tmp_path, monkeypatch):
    """The control: one stand-in, loaded in a process of its own, leaves the marker."""
    path = tmp_path / "model.pkl"
    path.write_bytes(standins.PAYLOAD)
    subprocess.run([sys.executable, "-c", "import pickle,sys; pickle.load(open(sys.argv[1],'rb'))", path], cwd=tmp_path, check=True)  # fmt: skip
    marker = tmp_path / standins.MARKER
    assert marker.exists()
    marker.unlink()
    monkeypatch.chdir(tmp_path)
    seen = []
    watched = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class", "exec")  # fmt: skip
    listening = [True]
    sys.addaudithook(lambda event, _: seen.append(event) if listening and event in watched else None)  # fmt: skip
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    try:
        for _, _, files in evasions():
            findings(files)
    finally:
        listening.clear()
    assert seen == []
    assert not marker.exists()


@pytest.mark.parametrize("scanner", ["picklescan", "fickling"])
def test_published_scanners_answer_and_run_nothing(scanner, tmp_path, monkeypatch):
    pytest.importorskip(scanner, reason=f"{scanner} is not installed")
    monkeypatch.chdir(tmp_path)
    plain = {"model.pkl": standins.PAYLOAD}
    assert asked(SCANNERS[scanner], plain) == "dangerous"
    assert not (tmp_path / standins.MARKER).exists()


def test_an_unlisted_function_of_any_package_is_refused_or_left_open():
    for name, content in standins.library_functions(40, 5):
        assert judged(content) == "dangerous", name
    assert judged(standins.calls_of("somebody.models", "run")) == "cannot decide"
    assert allowed("collections OrderedDict", "numpy") == "calls"
    assert allowed("torch.nn.modules.linear Linear", "torch") == "classes"
    assert not allowed("torch.nn.modules.linear Linear", "numpy")
    assert not allowed("torch.nn.modules.linear Linear.forward", "torch")
    assert known("posix system")
    assert not known("mynet Net")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # numpy.matrix
@pytest.mark.parametrize("protocol", range(6))
def test_matrices_of_numpy_and_scipy_are_innocent(protocol):
    """Files that SciPy and joblib ship with their tests hold them."""
    sparse = pytest.importorskip("scipy.sparse")
    dense = numpy.eye(3)
    kinds = ("bsr", "coo", "csc", "csr", "dia", "lil")
    held = [numpy.asmatrix(dense), *(getattr(sparse, f"{one}_matrix")(dense) for one in kinds)]  # fmt: skip
    for value in held:
        content = pickle.dumps(value, protocol)
        assert judged(content) == "innocent", type(value)
        assert pickle.loads(content).shape == (3, 3)


def test_files_that_numpy_ships_are_innocent():
    folder = Path(numpy.__file__).parent / "lib/tests/data"
    files = list(folder.glob("*.np[yz]"))
    assert len(files) >= 5
    for path in files:
        trailing = path.name == "py2-np0-objarr.npy"  # a byte stands behind its end
        assert scan(path).verdict == ("cannot decide" if trailing else "innocent"), path


class Inert:
    """Stands for everything that a pickle imports, and does nothing."""

    def __new__(cls, *_, **__):
        cls.calls.append(cls.__name__)
        return object.__new__(cls)

    def __setstate__(self, _):
        pass

    append = extend = __setitem__ = add = lambda *_: None


class Witness(pickle.Unpickler):
    """Python's own reader, for which every global is inert; it says which ones were called."""

    def find_class(self, module, name):
        return type(renamed(module, name), (Inert,), {"calls": self.calls})


def test_what_pythons_own_reader_would_call_in_a_changed_pickle_is_allowed_where_it_is_cleared():
    draw = random.Random(4)
    pool = [files["model.pkl"] for _, _, files in evasions() if "model.pkl" in files]  # fmt: skip
    pool += [pickle.dumps([OrderedDict(a=1), Counter("ab"), {1}], one) for one in range(6)] * 10  # fmt: skip
    cleared = 0
    for _ in range(6000):
        raw = bytearray(draw.choice(pool))
        for _ in range(draw.randint(1, 3)):
            place = draw.randrange(len(raw))
            raw[place : place + draw.randint(0, 2)] = draw.choice([b"", bytes([draw.randrange(256)]), b"0", b"."])  # fmt: skip
        if judged(bytes(raw)) == "innocent":
            witness = Witness(io.BytesIO(raw))
            witness.calls, cleared = [], cleared + 1
            with contextlib.suppress(Exception):
                witness.load()
            assert all(allowed(name, "pickle") for name in witness.calls), bytes(raw)
    assert cleared > 100


def test_every_opcode_that_takes_something_has_a_rule():
    assert {one.name for one in pickletools.opcodes if one.stack_before} <= set(RULES)


def test_joblibs_arrays_are_stepped_over_to_the_byte():
    honest = standins.joblib_array()
    assert judged(honest) == "innocent"
    assert judged(honest[:-20]) == "cannot decide"
    assert judged(honest[:-1] + b"0" + standins.RUN + b".") == "dangerous"


def bombs():
    nested = b"N"
    for _ in range(20):
        nested = gzip.compress(nested)
    many = containers.zipped({f"{one}": bytes(1 << 24) for one in range(8)}, method=zipfile.ZIP_DEFLATED)  # fmt: skip
    return {
        "gzip": gzip.compress(bytes(1 << 27)),
        "zip": many,
        "files in files": nested,
        "length that is not there": b"\x80\x04\x8e"
        + struct.pack("<Q", 1 << 60)
        + b"ab",
        "tensors without end": struct.pack("<Q", 1 << 62) + b"{}",
        "texts without end": b"GGUF" + struct.pack("<IQQQ", 3, 0, 1 << 60, 1 << 60),
        "numpy header without end": b"\x93NUMPY\x01\x00\x08\x00{'a': ((",
        "escapes that are none": b"\x80\x04cmynet\n\\p\n)R",
        "brackets": b"[" * 200_000,
        "numpy header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 31) + b"{",
    }


@pytest.mark.parametrize(("name", "content"), bombs().items(), ids=lambda one: one if isinstance(one, str) else "")  # fmt: skip
def test_a_bomb_ends_soon_and_is_left_open(name, content):
    started = time.process_time()
    assert judged(content, "model.bin" if name != "brackets" else "a.json", limit=16) == "cannot decide"  # fmt: skip
    assert time.process_time() - started < 5


def test_every_cut_of_a_file_is_answered():
    whole = containers.torch_zip(standins.PAYLOAD)
    for raw in (whole, zlib.compress(standins.PAYLOAD), containers.npy(standins.PAYLOAD), containers.gguf("a")):  # fmt: skip
        for end in range(5, len(raw), 7):
            assert judged(raw[:end]) in ("cannot decide", "dangerous")


@pytest.mark.parametrize(
    ("content", "code"),
    [(standins.HONEST, 0), (standins.PAYLOAD, 1), (standins.PAYLOAD[:9], 4)],
)
def test_the_exit_code_is_the_answer(content, code, tmp_path, capsys):
    path = tmp_path / "a\x1bb.pkl"
    path.write_bytes(content)
    assert PROGRAM.main(["run", str(path), "--out", str(tmp_path / "out")]) == code
    shown = capsys.readouterr().out
    assert shown.startswith("verdict")
    assert "\x1b" not in shown.partition("report ")[0]
    (report,) = (tmp_path / "out").glob("*.json")
    assert {0: "innocent", 1: "dangerous", 4: "cannot decide"}[code] == json.loads(report.read_text())["verdict"]  # fmt: skip


def test_a_folder_is_as_bad_as_its_worst_file(tmp_path, capsys):
    (tmp_path / "deep").mkdir()
    (tmp_path / "README.md").write_text("# a model")
    os.mkfifo(tmp_path / "pipe")
    words = ["run", str(tmp_path), "--out", str(tmp_path.parent / "out")]
    assert PROGRAM.main(words) == 0
    (tmp_path / "deep" / "x.txt").write_bytes(standins.PAYLOAD)
    assert PROGRAM.main(words) == 1
    assert "deep/x.txt: imports posix system" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere.pt"], "nowhere.pt is not there"),
        (["{images}", "--scanner", "picklescan"], "is no file"),
        (["{encoder}", "--hidden.window", "0"], "window must be above 0"),
        (["/dev/null"], "/dev/null is no file"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    words = [option.format(**small_files) for option in options]
    assert PROGRAM.main(["run", *words, "--out", str(tmp_path)]) == 2
    assert message in one_error(capsys)
    with pytest.raises(ConfigError):
        ScanConfig(limit=0)


def test_a_scanner_that_is_not_installed_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fickling", None)
    path = Path(tmp_path, "m.pkl")
    path.write_bytes(standins.HONEST)
    words = ["run", str(path), "--scanner", "fickling", "--out", str(tmp_path)]
    assert PROGRAM.main(words) == 3
    assert "pip install" in one_error(capsys)
