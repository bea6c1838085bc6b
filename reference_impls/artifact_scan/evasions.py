"""All stand-ins: pickles, files that hold one, and files that run or lead elsewhere without one."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import zipfile
import zlib
from collections.abc import Iterator

from reference_impls.artifact_scan.containers import (
    Files,
    gguf,
    legacy,
    message,
    npy,
    onnx,
    outside,
    patched,
    safetensors,
    tarred,
    torch_zip,
    zipped,
)
from reference_impls.artifact_scan.standins import (
    CODE,
    COMMAND,
    HONEST,
    PAYLOAD,
    RUN,
    calls_of,
    joblib_array,
    pickled_shapes,
    whole,
)


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
    for kind, packed in (("zlib", zlib.compress(PAYLOAD)), ("gzip", gzip.compress(PAYLOAD, mtime=0)), ("bz2", bz2.compress(PAYLOAD)),
                         ("xz", lzma.compress(PAYLOAD)), ("lzma", lzma.compress(PAYLOAD, lzma.FORMAT_ALONE))):  # fmt: skip
        yield f"joblib, {kind}", "model.joblib", packed
    yield (
        "compressed twice",
        "model.pkl",
        gzip.compress(zlib.compress(PAYLOAD), mtime=0),
    )
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
