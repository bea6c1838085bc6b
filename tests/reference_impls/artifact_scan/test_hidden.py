"""What an earlier version cleared although a loader ran it: two readings of the same bytes, of which only one was looked at.

They are not among the stand-ins of the study, for the scanner was changed after them.
"""

import gzip
import io
import json
import pickle
import random
import struct
import subprocess
import sys
import tarfile
import zlib

import numpy
import pytest

from reference_impls.artifact_scan import method, pickles
from reference_impls.artifact_scan.answer import ScanConfig, verdict
from reference_impls.artifact_scan.containers import torch_zip, zipped
from reference_impls.artifact_scan.method import Scan
from reference_impls.artifact_scan.standins import (
    COMMAND,
    HONEST,
    MARKER,
    PAYLOAD,
    RUN,
    call,
    data,
    name,
    text,
    whole,
)

WRAPPER = name("joblib.numpy_pickle", "NumpyArrayWrapper")
LOAD = name("torch.storage", "_load_from_bytes")
LINES = f"cposix\nsystem\n(V{COMMAND}\ntR.".encode()
HIDDEN = b"0" + RUN + b"."
LOADERS = {
    "pickle": "import pickle; pickle.load(open(path, 'rb'))",
    "joblib": "import joblib; joblib.load(path)",
    "torch": "import torch; torch.load(path, weights_only=False)",
    "yaml": "import yaml; yaml.unsafe_load(open(path))",
    "python": "exec(open(path).read())",
    "tar": "import tarfile, joblib; tarfile.open(path).extractall('.', filter='data'); joblib.load('model.joblib')",
}


def judged(content, file="model.pkl"):
    return verdict(Scan(ScanConfig(limit=64)).of(memoryview(content), file))


def dtype(kind):
    return call(name("numpy", "dtype"), text(kind))


def array(count, kind, *more, made=WRAPPER + b")\x81"):
    """A wrapper of joblib, up to where its values stand."""
    state = (
        text("shape") + b"J" + struct.pack("<i", count) + b"\x85" + text("dtype") + kind
    )
    state += text("order") + text("C") + text("subclass") + name("numpy", "ndarray")
    return made + b"}(" + state + text("allow_mmap") + b"\x89" + b"".join(more) + b"ub"


def joblib(*parts):
    return b"\x80\x04" + b"".join(parts) + b"."


def framed():
    body = array(len(HIDDEN), dtype("u1")) + HIDDEN
    frame = b"\x95" + struct.pack("<Q", len(body)) + body
    return b"\x80\x04" + frame + b"." + b"N." * len(HIDDEN)


def rebuilt():
    """Where the array is an object, joblib leaves that on the stack."""
    own = name("argparse", "Namespace") + b")\x81}" + text("dtype") + dtype("u1") + b"sb"  # fmt: skip
    again = array(len(HIDDEN), dtype("u1"), made=b"")
    return joblib(array(1, dtype("O")), whole(own), again, HIDDEN)


def by_copyreg():
    """The rest is the argument of an opcode, which stands where joblib reads values."""
    made = call(name("copyreg", "_reconstructor"), WRAPPER, name("builtins", "object"), b"N")  # fmt: skip
    swallowed = b"B" + struct.pack("<I", len(HIDDEN) + 1)
    return joblib(array(5, dtype("u1"), made=made), swallowed, HIDDEN, b".0N")


def in_two_alphabets():
    """As UTF-8, as PyTorch reads texts of Python 2, é is one byte, and the count behind it is none."""
    room = ord("]") - len(RUN) - 1  # the count is an opcode itself, for an empty list
    tail = b"N0" * (room // 2) + b"]" * (room % 2) + RUN + b"."
    inner = b"C\x02\xc3\xa9C]" + tail + b"."
    said = b"T" + struct.pack("<I", len(inner)) + inner
    return torch_zip(whole(call(LOAD, call(name("_codecs", "encode"), said, text("latin1"))), protocol=2))  # fmt: skip


def tarred(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for key, content in files.items():
            told = tarfile.TarInfo(key.replace("_dot_", "."))
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
    return out.getvalue()


def torch_tar(**changed):
    empty = pickle.dumps(0, 2)
    usual = {"sys_info": pickle.dumps({}), "storages": empty + pickle.dumps([], 2), "tensors": empty, "pickle": HONEST}  # fmt: skip
    return tarred(
        **{key: one for key, one in changed.items() if key not in usual},
        **(usual | {key: one for key, one in changed.items() if key in usual}),
    )


def entries(files, start):
    """The local part of a zip that begins at a place, and its directory."""
    local, directory = b"", b""
    for file, content in files.items():
        told = zlib.crc32(content), len(content), len(content), len(file)
        at = start + len(local)
        directory += struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, *told, 0, 0, 0, 0, 0, at) + file.encode()  # fmt: skip
        local += struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, *told, 0) + file.encode() + content  # fmt: skip
    return local, directory


def ended(directory, at, count):
    """The larger end of a zip."""
    return struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 20, 20, 0, 0, count, count, len(directory), at)  # fmt: skip


def two_directories():
    """Python takes the end that stands right before; PyTorch the one that is pointed to, among the values of a tensor."""
    before, _ = entries({"archive/data.pkl": HONEST, "archive/data/0": b""}, 0)
    evil, directory = entries({"archive/data.pkl": PAYLOAD, "archive/version": b"3\n"}, len(before) + 8)  # fmt: skip
    place = len(before) + 8 + len(evil)
    values = b"\xff" * 8 + evil + directory + ended(directory, place, 2)
    local, honest = entries({"archive/data.pkl": HONEST, "archive/data/0": values, "archive/version": b"3\n"}, 0)  # fmt: skip
    end = ended(honest, len(local), 3) + struct.pack("<4sIQI", b"PK\x06\x07", 0, place + len(directory), 1)  # fmt: skip
    return local + honest + end + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 3, 3, len(honest), len(local), 0)  # fmt: skip


def grown():
    numbers = b"".join(b"K" + bytes([one]) for one in PAYLOAD)
    empty = call(name("builtins", "bytearray"), data(b""))
    return whole(LOAD, empty, b"(", numbers, b"e\x85R")


def cut_short():
    inner = LINES.decode().replace("\n", "\\u000a").encode()
    return b"ctorch.storage\n_load_from_bytes\n(c_codecs\nencode\n(V" + inner + b"\nVutf8\ntRtR!"  # fmt: skip


def own_type():
    known = name("argparse", "Namespace") + text(f"V{len(PAYLOAD)}") + b"\x85\x81}" + text("hasobject") + b"\x88sb"  # fmt: skip
    return joblib(array(1, known), PAYLOAD)


def computed_key():
    key = call(name("builtins", "str"), text("shape"))
    return joblib(array(len(HIDDEN) + 1, dtype("u1"), key, b"K\x01\x85"), b"\0", HIDDEN)


SHAPES = {
    "bytes that grow after they were made": ("m.pkl", "pickle", grown()),
    "values of joblib that are opcodes to pickle": ("m.pkl", "pickle", joblib(array(len(HIDDEN), dtype("u1")), HIDDEN)),
    "key that is computed": ("m.joblib", "joblib", computed_key()),
    "type of one's own": ("m.joblib", "joblib", own_type()),
    "type of objects, written otherwise": ("m.joblib", "joblib", joblib(array(len(PAYLOAD), dtype("|O")), PAYLOAD.ljust(8 * len(PAYLOAD), b"N"))),
    "type of fields with objects": ("m.joblib", "joblib", joblib(array(1, dtype(f"V{len(PAYLOAD)},O")), PAYLOAD.ljust(len(PAYLOAD) + 8))),
    "array within a frame": ("m.joblib", "joblib", framed()),
    "array that is an object": ("m.joblib", "joblib", rebuilt()),
    "wrapper made by another function": ("m.joblib", "joblib", by_copyreg()),
    "second pickle behind a number of protocol 0": ("m.pth", "torch", b"L119547037146038801333356L\n." + PAYLOAD),
    "number in base 16": ("m.txt", "pickle", b"I0x10\n0" + LINES),
    "large number in base 16": ("m.txt", "pickle", b"L0x10L\n0" + LINES),
    "text beyond ASCII": ("m.txt", "torch", "S'é'\n0".encode() + LINES),
    "text in two alphabets": ("m.pt", "torch", in_two_alphabets()),
    "second pickle in a tar": ("m.pth", "torch", torch_tar(storages=pickle.dumps(1, 2) + PAYLOAD)),
    "tar that begins like a picture": ("m.pth", "torch", torch_tar(GIF89a=b"", pickle=PAYLOAD)),
    "compressed file in a tar": ("m.tar", "tar", tarred(model_dot_joblib=zlib.compress(PAYLOAD))),
    "zip with two directories": ("m.pt", "torch", two_directories()),
    "computed bytes in a stream that breaks off": ("m.txt", "pickle", cut_short()),
    "program that begins with a pickle": ("m.py", "python", f"().__class__\nimport os\nos.system({COMMAND!r})\n".encode()),
    "YAML that begins with a pickle": ("m.yaml", "yaml", f"N.: 1\na: !!python/object/apply:os.system [{COMMAND!r}]\n".encode()),
    "YAML tag with an escape": ("m.yaml", "yaml", f"a: !!%70ython/object/apply:os.system [{COMMAND!r}]\n".encode()),
}  # fmt: skip
OPEN = {"key that is computed", "zip with two directories"}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_second_reading_is_cleared(shape):
    file, _, content = SHAPES[shape]
    expected = "cannot decide" if shape in OPEN else "dangerous"
    assert judged(content, file) == expected


def test_each_of_them_runs_where_it_is_loaded(tmp_path):
    """The control: without it, a stand-in that no loader takes would prove nothing."""
    pytest.importorskip("joblib", reason="joblib is not installed")
    cases = []
    for number, (file, loader, content) in enumerate(SHAPES.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / file).write_bytes(content)
        cases.append((str(folder), file, LOADERS[loader]))
    program = (
        "import contextlib, json, os, sys\n"
        "for folder, path, code in json.load(sys.stdin):\n"
        "    os.chdir(folder)\n"
        "    with contextlib.suppress(Exception):\n"
        "        exec(code)\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], input=json.dumps(cases), text=True, check=True)  # fmt: skip
    ran = {
        shape
        for number, shape in enumerate(SHAPES)
        if (tmp_path / str(number) / MARKER).exists()
    }
    assert ran == set(SHAPES)


def forged(kind, size, flags, names=b"N", fields=b"N"):
    """A type of NumPy with a state of one's own."""
    numbers = b"".join(b"J" + struct.pack("<i", one) for one in (size, 1, flags))
    return dtype(kind) + b"(K\x03" + text("|") + b"N" + names + fields + numbers + b"tb"


def record(at, inner):
    part = text("a") + inner + b"K" + bytes([at]) + b"\x86"
    return text("a") + b"\x85", b"}" + part + b"s"


@pytest.mark.parametrize(
    "made",
    [
        forged("O8", -1, 0),
        forged("O8", -1, 1),
        forged("f8", -1, 3),
        forged("f8", 4, 0),
        forged("V8", 4, 0),
        forged("V8", 8, 0, *record(0, dtype("O8"))),
        forged("V8", 8, 0, *record(4, dtype("f8"))),
        forged("f8", -1, 0, *record(0, dtype("O8"))),
        forged("V8", 8, 0, text("a") + b"\x85", b"}q\x07" + record(0, dtype("f8"))[1][1:]) + b"h\x07" + text("a") + dtype("O8") + b"K\x00\x86s0",
    ],
)  # fmt: skip
def test_a_type_that_hides_its_addresses_is_left_open(made):
    """NumPy would take the file's bytes for objects."""
    assert judged(whole(made)) == "cannot decide"


def test_arrays_that_libraries_write_are_innocent(tmp_path):
    library = pytest.importorskip("joblib", reason="joblib is not installed")
    draw = numpy.random.default_rng(6)
    held = [
        draw.integers(256, size=4096).astype("u1"),
        numpy.zeros(3, [("a", "O"), ("b", "f4", (2, 2)), ("c", "U3")]),
        numpy.zeros(3, numpy.dtype({"names": ["a"], "formats": ["f4"], "offsets": [4], "itemsize": 16})),
        numpy.array(["2026-01-01"], "M8[D]"), numpy.asfortranarray(draw.normal(size=(3, 4))), numpy.void(b"abcd"),
    ]  # fmt: skip
    for protocol in range(2, 6):
        path = tmp_path / "m.joblib"
        library.dump({"all": held}, path, protocol=protocol)
        assert judged(path.read_bytes(), path.name) == "innocent"
        assert judged(pickle.dumps(held, protocol)) == "innocent"


def test_values_that_are_not_aligned_give_no_alarm():
    """As older versions of joblib wrote them."""
    draw = random.Random(7)
    for _ in range(300):
        assert judged(joblib(array(512, dtype("u1")), draw.randbytes(512))) == "innocent"  # fmt: skip


def test_whatever_a_later_part_holds_after_the_last_step_it_is_left_open(monkeypatch):
    """Steps are counted for the whole file, so that a long part must not hide the next one."""
    for module in (method, pickles):
        monkeypatch.setattr(module, "MOST_STEPS", 1000)
    long = zipped({"a.txt": b"N0" * 600 + b"!", "b.txt": LINES})
    assert judged(long, "m.zip") == "cannot decide"


def test_what_yaml_and_keras_name_is_asked_about():
    assert judged(b"model:\n  _target_: os.system\n", "c.yaml") == "dangerous"
    assert judged(b"model: {'_target_': torch.device}\n", "c.yaml") == "innocent"
    assert judged(b"a: [\n", "c.yaml") == "cannot decide"
    layer = {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}}
    model = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}  # fmt: skip
    assert judged(zipped({"config.json": json.dumps(model).encode()}), "m.keras") == "dangerous"  # fmt: skip


def test_a_tar_with_gaps_is_left_open():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        told = tarfile.TarInfo("pickle")
        told.pax_headers = {"GNU.sparse.map": "0,4", "GNU.sparse.size": "8"}
        told.size = 4
        archive.addfile(told, io.BytesIO(b"abcd"))
    assert judged(out.getvalue(), "m.tar") == "cannot decide"
    assert judged(gzip.compress(out.getvalue()), "m.tar.gz") == "cannot decide"
