"""Harmless stand-ins for malicious files, one for each shape of evasion that its author knew of.

Each stand-in would run `echo` into a file `executed` (`MARKER`) where a loader believed it; nothing here loads one. The shapes follow
from what the formats allow, and from what others reported of scanners: github.com/mmaitre314/picklescan/issues/14,
github.com/protectai/modelscan/issues/263 and 338, github.com/trailofbits/fickling/pull/221. Each is written anew as a few bytes.
"""

from __future__ import annotations

import ast
import os
import pickle
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from reference_impls.artifact_scan.containers import torch_zip

MARKER = "executed"
COMMAND = f"echo stand-in > {MARKER}"


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
