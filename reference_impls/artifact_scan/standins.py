"""Harmless stand-ins for malicious files, one for each shape of evasion that its author knew of.

Each stand-in would run `echo` into a file `executed` (`MARKER`) where a loader believed it; nothing here loads one. The shapes follow
from what the formats allow, and from what others reported of scanners: github.com/mmaitre314/picklescan/issues/14,
github.com/protectai/modelscan/issues/263 and 338, github.com/trailofbits/fickling/pull/221. Each is written anew as a few bytes.
"""

from __future__ import annotations

import ast
import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import random
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

MARKER = "executed"
COMMAND = f"echo stand-in > {MARKER}"
Files = dict[str, bytes]
"""Content by file name: a file, or several of a folder."""


# -- Opcodes ---------------------------------------------------------------------------


def text(said: str) -> bytes:
    """BINUNICODE."""
    raw = said.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def data(raw: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(raw)) + raw


def name(module: str, attribute: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def named(module: str, attribute: str) -> bytes:
    """STACK_GLOBAL."""
    return text(module) + text(attribute) + b"\x93"


def call(function: bytes, *arguments: bytes) -> bytes:
    """REDUCE."""
    return function + b"(" + b"".join(arguments) + b"tR"


def whole(*body: bytes, protocol: int = 4) -> bytes:
    """A pickle."""
    return bytes([0x80, protocol]) + b"".join(body) + b"."


SYSTEM = name("posix", "system")
RUN = call(SYSTEM, text(COMMAND))
PAYLOAD = whole(RUN)
HONEST = pickle.dumps({"epoch": 3, "lr": 0.1})
CODE = f"import os\nos.system({COMMAND!r})\n"


class _Reduced:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (COMMAND,)


def calls_of(module: str, attribute: str, argument: str = COMMAND) -> bytes:
    """A pickle that calls a function with a text."""
    return whole(call(name(module, attribute), text(argument)))


FUNCTIONS = """builtins exec|builtins eval|builtins compile|builtins __import__|builtins getattr|builtins open|__builtin__ eval|
__builtin__ execfile|commands getoutput|subprocess Popen|subprocess getoutput|subprocess check_output|os popen|nt system|pty spawn|
runpy run_path|runpy _run_code|importlib import_module|pydoc locate|pydoc pipepager|operator attrgetter|operator methodcaller|
functools partial|functools reduce|timeit timeit|cProfile run|profile Profile.runctx|pdb run|bdb Bdb.run|trace Trace.run|
code InteractiveInterpreter.runcode|codeop compile_command|doctest debug_script|idlelib.pyshell ModifiedInterpreter.runcode|
lib2to3.pgen2.grammar Grammar.loads|test.support.script_helper assert_python_ok|ensurepip _run_pip|pip main|
pip._internal.cli.main main|distutils.file_util write_file|logging.config dictConfig|marshal loads|types FunctionType|types CodeType|
ctypes CDLL|_posixsubprocess fork_exec|multiprocessing.util spawnv_passfds|asyncio.unix_events _UnixSubprocessTransport._start|
webbrowser open|urllib.request urlopen|socket create_connection|http.client HTTPSConnection|smtplib SMTP|shutil rmtree|
os remove|pathlib Path.unlink|linecache getline|sys setrecursionlimit|pickle loads|_pickle loads|shelve open|dill loads|
cloudpickle loads|joblib load|joblib.numpy_pickle load|numpy load|numpy.f2py.crackfortran getlincoef|
numpy.testing._private.utils runstring|torch load|torch.serialization load|torch.hub load|torch.jit.unsupported_tensor_ops execWrapper|
torch.utils.cpp_extension load_inline|torch.utils.collect_env run|torch.utils.bottleneck.__main__ run_cprofile|
torch._dynamo.guards GuardBuilder.get|torch._inductor.codecache compile_file|torch os.system|pandas.io.parsers.readers read_csv|mlflow.projects.backend.local _run_entry_point|
torch.utils.data.datapipes.utils.decoder basichandlers"""
"""Functions of Python and of libraries by which code has been run, files changed, or secrets sent."""


def pickled_shapes() -> list[tuple[str, bytes]]:
    """Evasions inside one pickle."""
    return [
        *((f"reduce, protocol {one}", pickle.dumps(_Reduced(), one)) for one in range(6)),
        *((one, calls_of(*one.split(" "))) for one in FUNCTIONS.replace("\n", "").split("|")),
        *_calls(),
        *_streams(),
        *_nested(),
    ]  # fmt: skip


def _calls() -> list[tuple[str, bytes]]:
    """Ways to name a function and to call it."""
    os_module = call(name("importlib", "import_module"), text("os"))
    system = call(name("builtins", "getattr"), os_module, text("system"))
    getter = call(call(name("operator", "attrgetter"), text("system")), os_module)
    mapped = call(name("builtins", "map"), SYSTEM, b"](" + text(COMMAND) + b"e")
    popen, ordered = name("subprocess", "Popen"), name("collections", "OrderedDict")
    return [
        ("getattr chain", whole(call(system, text(COMMAND)))),
        ("attrgetter chain", whole(call(getter, text(COMMAND)))),
        ("map consumed by a set", whole(call(name("builtins", "set"), mapped))),
        ("INST", b"(" + text(COMMAND) + b"iposix\nsystem\n."),
        ("INST, protocol 0 text", f"(S{COMMAND!r}\niposix\nsystem\n.".encode()),
        ("OBJ", whole(b"(", SYSTEM, text(COMMAND), b"o")),
        ("NEWOBJ", whole(popen, text(COMMAND), b"\x85\x81")),
        ("NEWOBJ_EX", whole(popen, text(COMMAND), b"\x85}", text("shell"), b"\x88s\x92")),
        ("BUILD sets __setstate__", whole(name("argparse", "Namespace"), b")\x81}", text("__setstate__"), SYSTEM, b"sb", text(COMMAND), b"b")),
        ("BUILD on a class", whole(ordered, b"N}", text("update"), SYSTEM, b"s\x86b")),
        ("BUILD on a class, allowed value", whole(ordered, b"N}", text("__init__"), name("builtins", "set"), b"s\x86b")),
        ("STACK_GLOBAL", whole(call(named("posix", "system"), text(COMMAND)))),
        ("STACK_GLOBAL from memo", whole(text("posix"), b"\x940", text("system"), b"\x940h\x00h\x01\x93", text(COMMAND), b"\x85R")),
        ("memo overwritten", whole(text("collections"), b"q\x000", text("posix"), b"q\x000", text("system"), b"q\x010h\x00h\x01\x93", text(COMMAND), b"\x85R")),
        ("memo, PUT and MEMOIZE mixed", whole(text("posix"), b"q\x000", text("system"), b"q\x010", text("torch._utils"), b"\x940", text("_rebuild_tensor_v2"), b"\x940h\x00h\x01\x93", text(COMMAND), b"\x85R")),
        ("memo, index of four bytes", whole(text("posix"), b"r\xff\xff\xff\x7f0j\xff\xff\xff\x7f", text("system"), b"\x93", text(COMMAND), b"\x85R")),
        ("function from memo", whole(SYSTEM, b"q\x070N0h\x07", text(COMMAND), b"\x85R")),
        ("names in bytes of Python 2", whole(b"U\x05posixU\x06system\x93", text(COMMAND), b"\x85R")),
        ("name that is computed", whole(text("posix"), call(name("builtins", "str"), text("system")), b"\x93", text(COMMAND), b"\x85R")),
        ("dotted name", whole(call(named("os", "path.os.system"), text(COMMAND)))),
        ("dotted name behind an allowed module", whole(call(named("collections", "abc.sys.modules.get"), text("os")))),
        ("private alias in an allowed module", whole(call(named("collections", "_sys.exit"), text("0")))),
        ("empty module", whole(call(name("", "system"), text(COMMAND)))),
        ("extension registry", whole(b"\x82\x01", text(COMMAND), b"\x85R")),
        ("extension registry, four bytes", whole(b"\x84\x01\x00\x00\x00", text(COMMAND), b"\x85R")),
        ("call of a class that may only be restored", whole(call(name("joblib.numpy_pickle", "NumpyArrayWrapper"), text("x")))),
        ("persistent identifier", whole(text("system"), b"Q")),
    ]  # fmt: skip


def _streams() -> list[tuple[str, bytes]]:
    """Streams that readers of other programs stumble over."""
    return [
        ("pops and duplicates", whole(b"N20(NN1", SYSTEM, b"2(", text(COMMAND), b"tR0")),
        ("no end", bytes([0x80, 4]) + RUN),
        ("breaks off behind the payload", whole(RUN)[:-1] + b"\xff\xff"),
        ("underflow behind the payload", bytes([0x80, 4]) + RUN + b"0000."),
        ("frame that is too long", b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + RUN + b"."),
        ("protocol header twice", whole(b"\x80\x02", RUN)),
        ("no protocol header", RUN + b"."),
        ("letters beyond ASCII", whole(call("cposix\nsyst\u00e9m\n".encode(), text(COMMAND)), RUN)),
        ("second pickle", HONEST + PAYLOAD),
        ("second pickle behind zeros", HONEST + bytes(100) + PAYLOAD),
    ]  # fmt: skip


def _nested() -> list[tuple[str, bytes]]:
    """Pickles that are an argument of a pickle."""
    load, encode = name("torch.storage", "_load_from_bytes"), name("_codecs", "encode")
    rebuild = name("torch._tensor", "_rebuild_from_type_v2")
    latin = call(encode, text(PAYLOAD.decode("latin1")), text("latin1"))
    return [
        ("pickle in bytes", whole(call(load, data(PAYLOAD)))),
        ("pickle in bytes, handed on", whole(call(rebuild, load, name("torch", "Tensor"), b"(" + data(PAYLOAD) + b"t", b"N"))),
        ("pickle in encoded text", whole(call(load, latin), protocol=2)),
        ("pickle in a computed text", whole(call(load, call(encode, text("\0"), text("rot13"))), protocol=2)),
        ("zip in bytes", whole(call(load, data(torch_zip(PAYLOAD))))),
    ]  # fmt: skip


# -- Files -----------------------------------------------------------------------------


def zipped(entries: Files, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for entry, content in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), content, method)
    return out.getvalue()


def torch_zip(content: bytes, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """PyTorch's format of today."""
    return zipped(
        {"archive/data.pkl": content, "archive/version": b"3\n"}, method=method
    )


def npy(content: bytes, descr: str = "'|O'", shape: str = "(1,)") -> bytes:
    """NumPy's format."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"  # fmt: skip
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + content
    )


def tarred(entries: Files) -> bytes:
    """A tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for entry, content in entries.items():
            told = tarfile.TarInfo(entry)
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
    return out.getvalue()


def legacy(*pickles: bytes) -> bytes:
    """PyTorch's older format: magic number, protocol, system, objects, keys, then values."""
    before: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
    start = [pickle.dumps(one, 2) for one in before]
    return b"".join([*start, *pickles, pickle.dumps([], 2), b"\x80\x04\xff" * 9])


def message(**parts: bytes | int) -> bytes:
    """A message of protocol buffers; a part `n7` is of number 7, `n7_2` another of it."""
    out = b""
    for key, value in parts.items():
        number = int(key[1:].partition("_")[0])
        if isinstance(value, int):
            out += bytes([number << 3, value])
            continue
        size, count = b"", len(value)
        while count > 127:
            size, count = size + bytes([count & 127 | 128]), count >> 7
        head = number << 3 | 2
        out += (bytes([head]) if head < 128 else bytes([head & 127 | 128, head >> 7])) + size + bytes([count]) + value  # fmt: skip
    return out


def onnx(graph: bytes) -> bytes:
    """A model with that graph."""
    return message(n1=8, n2=b"stand-in", n7=graph, n8=message(n2=17))


def outside(place: str) -> bytes:
    """A tensor that lies in another file."""
    return message(
        n1=1, n2=1, n8=b"w", n13=message(n1=b"location", n2=place.encode()), n14=1
    )


def gguf(template: str) -> bytes:
    """A header with a template, and no tensor."""

    def said(one: str) -> bytes:
        return struct.pack("<Q", len(one.encode())) + one.encode()

    pairs = [said("general.architecture") + struct.pack("<I", 8) + said("llama"),
             said("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + said("a") + said("b"),
             said("general.alignment") + struct.pack("<II", 4, 32),
             said("tokenizer.chat_template") + struct.pack("<I", 8) + said(template)]  # fmt: skip
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def safetensors(header: dict[str, object], content: bytes) -> bytes:
    """A header of one's own."""
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + content


def patched(whole_file: bytes, at: bytes, shift: int, new: bytes) -> bytes:
    """A file with some bytes changed behind each sign."""
    out, place = bytearray(whole_file), whole_file.find(at)
    while place >= 0:
        out[place + shift : place + shift + len(new)] = new
        place = whole_file.find(at, place + 1)
    return bytes(out)


def contained_shapes() -> Iterator[tuple[str, str, bytes]]:
    """A pickle in files that scanners take for others: shape, file name, content."""
    inside = torch_zip(PAYLOAD)
    yield "torch zip", "model.pt", inside
    yield "torch zip, another extension", "model.safetensors", inside
    yield (
        "torch zip, deflated",
        "model.pt",
        torch_zip(PAYLOAD, method=zipfile.ZIP_DEFLATED),
    )
    yield "torch zip, entry without extension", "model.pt", zipped({"archive/data.pkl": HONEST, "archive/extra": PAYLOAD})  # fmt: skip
    yield "torch zip, payload among values", "model.pt", zipped({"archive/data.pkl": HONEST, "archive/data/0": PAYLOAD})  # fmt: skip
    yield (
        "torch zip, wrong checksum",
        "model.pt",
        patched(inside, b"PK\x03\x04", 14, b"\0\0\0\0"),
    )
    yield "torch zip, wrong checksums in both", "model.pt", patched(patched(inside, b"PK\x03\x04", 14, b"\1\1\1\1"), b"PK\x01\x02", 16, b"\1\1\1\1")  # fmt: skip
    yield "torch zip, flag says encrypted", "model.pt", patched(patched(inside, b"PK\x03\x04", 6, b"\1\0"), b"PK\x01\x02", 8, b"\1\0")  # fmt: skip
    yield (
        "torch zip, directory says encrypted",
        "model.pt",
        patched(inside, b"PK\x01\x02", 8, b"\1\0"),
    )
    yield (
        "torch zip, two names",
        "model.pt",
        inside.replace(b"archive/data.pkl", b"archive/readme.t", 1),
    )
    yield "torch zip, unknown method", "model.pt", patched(patched(inside, b"PK\x03\x04", 8, b"\x63\0"), b"PK\x01\x02", 10, b"\x63\0")  # fmt: skip
    yield "torch zip behind junk", "model.pt", b"junk" * 64 + inside
    yield "torch zip behind an honest pickle", "model.pt", HONEST + inside
    yield "payload before an honest zip", "model.pt", PAYLOAD + torch_zip(HONEST)
    yield (
        "zip in zip",
        "model.pt",
        zipped({"archive/data.pkl": HONEST, "inner.zip": inside}),
    )
    yield (
        "zip without its directory's count",
        "model.pt",
        patched(inside, b"PK\x05\x06", 8, b"\1\0\1\0"),
    )
    yield "torch legacy", "model.pth", legacy(PAYLOAD)
    yield "torch legacy, wrong magic", "model.pth", pickle.dumps(5, 2) + legacy(PAYLOAD)
    yield "torch legacy, payload as magic", "model.pth", whole(RUN) + legacy(HONEST)
    yield "torch legacy, magic that is called", "model.pth", calls_of("builtins", "eval", "0x1950a86a20f9469cfc6c") + HONEST + PAYLOAD  # fmt: skip
    yield "torch tar", "model.pth", tarred({"storages": HONEST, "pickle": PAYLOAD})
    yield "numpy objects", "x.npy", npy(PAYLOAD)
    yield (
        "numpy record with objects",
        "x.npy",
        npy(PAYLOAD, "[('a', '<f4'), ('b', '|O')]"),
    )
    yield "numpy, another extension", "x.dat", npy(PAYLOAD)
    yield "npz", "x.npz", zipped({"a.npy": npy(PAYLOAD)})
    yield "npz, entry without extension", "x.npz", zipped({"a": npy(PAYLOAD)})
    yield "npz with a bare pickle", "x.npz", zipped({"a.npy": PAYLOAD})
    for kind, packed in (("zlib", zlib.compress(PAYLOAD)), ("gzip", gzip.compress(PAYLOAD)), ("bz2", bz2.compress(PAYLOAD)),
                         ("xz", lzma.compress(PAYLOAD)), ("lzma", lzma.compress(PAYLOAD, lzma.FORMAT_ALONE))):  # fmt: skip
        yield f"joblib, {kind}", "model.joblib", packed
    yield "compressed twice", "model.pkl", gzip.compress(zlib.compress(PAYLOAD))
    yield "joblib, behind an array", "model.joblib", joblib_array() + PAYLOAD
    for ending in ("safetensors", "json", "txt", "onnx", "gguf", "npy", "zip", "h5"):
        yield f"pickle called .{ending}", f"model.{ending}", PAYLOAD
    yield "GGUF that is a pickle", "m.gguf", b"GGUF\x03\0\0\0\0" + RUN + b"."
    yield "picture that is a pickle", "m.gif", b"GIF89abcd" + RUN + b"."
    yield (
        "text that is a pickle",
        "README.md",
        b"cposix\nsystem\n(V" + COMMAND.encode() + b"\ntR.",
    )
    yield (
        "pickle behind safetensors",
        "model.safetensors",
        safetensors({}, b"") + PAYLOAD,
    )


def joblib_array() -> bytes:
    """What joblib writes for three numbers: a wrapper, then the values in the stream."""
    state = (
        b"("
        + text("shape")
        + b"K\x03\x85"
        + text("dtype")
        + call(name("numpy", "dtype"), text("f8"))
    )
    state += text("numpy_array_alignment_bytes") + b"K\x10"
    wrapper = (
        name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81}" + state + b"ub"
    )
    return b"\x80\x04" + wrapper + b"\x02\xff\xff" + struct.pack("<3d", 1, 2, 3) + b"."


def other_shapes() -> Iterator[tuple[str, Files]]:
    """What runs, or leads elsewhere, without a pickle."""
    escape = "{{ cycler.__init__.__globals__.os.popen('echo') }}"
    hidden = "{{ messages|attr('_'+'_class_'+'_') }}"
    node = message(n4=b"Relu")
    lambda_layer = {
        "class_name": "Lambda",
        "config": {
            "function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}
        },
    }
    yield "GGUF template", {"m.gguf": gguf(escape)}
    yield "GGUF template, pieced together", {"m.gguf": gguf(hidden)}
    yield (
        "chat template",
        {"tokenizer_config.json": json.dumps({"chat_template": escape}).encode()},
    )
    yield "chat template, one of several", {"tokenizer_config.json": json.dumps({"chat_template": [{"name": "tool", "template": hidden}]}).encode()}  # fmt: skip
    yield "chat template, a file", {"chat_template.jinja": escape.encode()}
    yield "auto_map to another repository", {"config.json": json.dumps({"auto_map": {"AutoModel": "someone/else--m.Net"}}).encode()}  # fmt: skip
    yield (
        "auto_map with a program",
        {"config.json": b'{"auto_map": {"AutoModel": "m.Net"}}', "m.py": CODE.encode()},
    )
    yield (
        "program, renamed import",
        {"m.py": b"from os import system as s\ns('echo')\n"},
    )
    yield (
        "loading script",
        {"dataset.py": b"import base64\nexec(base64.b64decode('cGFzcw=='))\n"},
    )
    yield (
        "hydra target",
        {"config.json": b'{"model": {"_target_": "os.system", "command": "echo"}}'},
    )
    yield "YAML tag", {"config.yaml": b"a: !!python/object/apply:os.system ['echo']\n"}
    yield (
        "ONNX, absolute path",
        {"m.onnx": onnx(message(n1=node, n5=outside("/etc/hostname")))},
    )
    yield (
        "ONNX, path upwards",
        {"m.onnx": onnx(message(n1=node, n5=outside("a/../../secret")))},
    )
    yield (
        "ONNX, path of Windows",
        {"m.onnx": onnx(message(n1=node, n5=outside("..\\secret")))},
    )
    yield "ONNX, path in a constant", {"m.onnx": onnx(message(n1=message(n4=b"Constant", n5=message(n5=outside("/etc/hostname")))))}  # fmt: skip
    yield "ONNX, path in a branch", {"m.onnx": onnx(message(n1=message(n4=b"If", n5=message(n6=message(n5=outside("../x"))))))}  # fmt: skip
    yield (
        "ONNX, Python operator",
        {"m.onnx": onnx(message(n1=message(n4=b"PyOp", n7=b"com.microsoft")))},
    )
    yield (
        "ONNX, operator of nobody's",
        {"m.onnx": onnx(message(n1=message(n4=b"Run", n7=b"my.domain")))},
    )
    yield "ONNX, operator in a function", {"m.onnx": onnx(message(n1=node)) + message(n25=message(n1=b"f", n7=message(n4=b"Run", n7=b"my.domain")))}  # fmt: skip
    yield "Keras lambda", {"m.keras": zipped({"config.json": json.dumps({"config": {"layers": [lambda_layer]}}).encode(), "metadata.json": b"{}"})}  # fmt: skip
    yield "Keras module", {"m.keras": zipped({"config.json": json.dumps({"module": "builtins", "class_name": "function", "config": "exec"}).encode()})}  # fmt: skip
    yield (
        "Keras lambda, HDF5",
        {"m.h5": b"\x89HDF\r\n\x1a\n" + bytes(64) + json.dumps(lambda_layer).encode()},
    )
    yield "YAML tag with a name of its own", {"config.yaml": b"%TAG !p! tag:yaml.org,2002:py\n---\na: !p!thon/object/apply:os.system ['echo']\n"}  # fmt: skip
    yield "zip that leaves its folder", {"m.zip": zipped({"../../.bashrc": b"echo"})}
    yield "safetensors that overlap", {"m.safetensors": safetensors({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "b": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}, bytes(4))}  # fmt: skip


Shape = tuple[str, bool, Files]
"""Its name, whether it is a pickle, and its files."""


def evasions() -> list[Shape]:
    """Every stand-in."""
    inside = [
        (name, True, {"model.pkl": content}) for name, content in pickled_shapes()
    ]
    within = [
        (name, True, {file: content}) for name, file, content in contained_shapes()
    ]
    return [*inside, *within, *((name, False, files) for name, files in other_shapes())]


def library_functions(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Pickles that call functions of Python's own library, drawn at random; modules are read, not imported."""
    home, draw = Path(os.__file__).parent, random.Random(seed)
    own = sys.stdlib_module_names - {"idlelib", "lib2to3"}
    paths = [one for one in sorted(home.rglob("*.py")) if one.relative_to(home).parts[0].removesuffix(".py") in own]  # fmt: skip
    found: list[str] = []
    for path in draw.sample(paths, 200):
        module = ".".join(path.relative_to(home).with_suffix("").parts)
        tree = ast.parse(path.read_bytes())
        found += [f"{module.removesuffix('.__init__')} {one.name}" for one in tree.body if isinstance(one, ast.FunctionDef) and one.name[0] != "_"]  # fmt: skip
    return [(one, calls_of(*one.split(" "))) for one in draw.sample(found, count)]
