"""Files that are what they seem: what PyTorch, NumPy, joblib, Python and hubs write, with values drawn from a seed."""

from __future__ import annotations

import argparse
import collections
import io
import json
import pickle
import types
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

import numpy
import torch
from safetensors.torch import save as save_safetensors
from torch import nn

from reference_impls.artifact_scan.containers import (
    Files,
    gguf,
    message,
    onnx,
    outside,
    zipped,
)
from reference_impls.artifact_scan.evasions import Shape
from reference_impls.artifact_scan.standins import PAYLOAD, call, name, text, whole
from reference_impls.lab.errors import DeviceError

CHAT = (
    "{%- for message in messages if message['role'] != 'system' %}{{ '<|' + message['role'] + '|>' + message.content | trim }}"
    "{%- endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}{%- set ns = namespace(found=false) %}"
)
"""A template as chat models carry it."""


def library(package: str) -> Any:
    """A package of the extra `scan`.

    Raises:
        DeviceError: it is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise DeviceError(f"{error}; pip install -e '.[impls,scan]'") from error


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    """What a function writes into a file."""
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def saved(value: Any, *, zipped: bool = True) -> bytes:
    """By PyTorch."""
    return written(lambda out: torch.save(value, out, _use_new_zipfile_serialization=zipped))  # fmt: skip


def of_torch(draw: torch.Generator) -> Iterator[tuple[str, bytes]]:
    """Networks, optimizers, tensors."""
    nets: dict[str, nn.Module] = {
        "linear": nn.Linear(64, 64), "conv": nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()),
        "lstm": nn.LSTM(8, 8), "embedding": nn.Embedding(100, 16), "attention": nn.MultiheadAttention(16, 2),
        "transformer": nn.TransformerEncoderLayer(16, 2, 32), "large": nn.Linear(1024, 2048),
    }  # fmt: skip
    for kind, net in nets.items():
        for part in net.parameters():
            nn.init.normal_(part, generator=draw)
        yield f"state_dict of {kind}", saved(net.state_dict())
        yield (
            f"state_dict of {kind}, older format",
            saved(net.state_dict(), zipped=False),
        )
        yield f"whole {kind}", saved(net)
    net, state = nets["linear"], {}
    for maker in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop):  # fmt: skip
        optimizer = maker(net.parameters(), lr=0.1)
        net(torch.ones(1, 64)).sum().backward()
        optimizer.step()
        state = optimizer.state_dict()
        yield f"state_dict of {maker.__name__}", saved(state)
    about = {"epoch": 3, "args": argparse.Namespace(lr=0.1), "model": net.state_dict(), "optimizer": state,
             "rng": torch.get_rng_state(), "best": numpy.float64(0.5)}  # fmt: skip
    yield "checkpoint", saved(about)
    yield "checkpoint, older format", saved(about, zipped=False)
    for dtype in (
        torch.float16,
        torch.bfloat16,
        torch.int8,
        torch.bool,
        torch.complex64,
    ):
        yield f"tensor of {dtype}", saved(torch.zeros(8).to(dtype))
    yield "parameter", saved(nn.Parameter(torch.ones(3)))
    yield "views of one storage", saved([torch.ones(8)[::2], torch.ones(4, 4).T])
    yield "sparse tensor", saved(torch.eye(3).to_sparse())
    yield "size, device, type", saved([torch.Size([1, 2]), torch.device("cpu"), torch.float32])  # fmt: skip
    yield "tensor in a plain pickle", pickle.dumps({"w": torch.ones(4)})


def of_numpy(draw: numpy.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Arrays, alone and in zips."""
    arrays: dict[str, Any] = {
        "floats": draw.normal(size=(64, 64)), "integers": draw.integers(9, size=9), "big-endian": numpy.ones(3, ">f4"),
        "records": numpy.zeros(3, [("a", "f4"), ("b", "U3")]), "texts": numpy.array(["a", "bc"]), "dates": numpy.array(["2026-01-01"], "M8[D]"),
        "objects": numpy.array([{"a": 1}, "os.system", None], object), "one number": numpy.array(1.5),
    }  # fmt: skip
    for kind, array in arrays.items():
        yield f"numpy, {kind}.npy", written(partial(numpy.save, arr=array))
    yield "numpy, all.npz", written(lambda out: numpy.savez(out, **arrays))
    yield "numpy, all, compressed.npz", written(lambda out: numpy.savez_compressed(out, **arrays))  # fmt: skip
    joblib, model = library("joblib"), {"coef": draw.normal(size=(32, 32)), "names": arrays["objects"], "steps": [1, "a"]}  # fmt: skip
    for how in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        yield (
            f"joblib, {how}.joblib",
            written(partial(joblib.dump, model, compress=how)),
        )
    for protocol in (2, 4, 5):
        yield f"arrays, protocol {protocol}", pickle.dumps([*arrays.values(), numpy.float32(1)], protocol)  # fmt: skip
    yield "random state", pickle.dumps([numpy.random.RandomState(0), draw])
    yield "masked array", pickle.dumps(numpy.ma.masked_array([1, 2], [False, True]))


def of_python() -> Iterator[tuple[str, bytes]]:
    """Plain values in pickles."""
    plain = {"lr": 0.1, "layers": [1, 2, (3, None)], "on": True, "big": 1 << 90, "raw": b"\0\1", "text": "os.system"}  # fmt: skip
    for protocol in range(6):
        yield f"plain values, protocol {protocol}", pickle.dumps(plain, protocol)
    values: list[Any] = [
        collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.Counter("aab"), collections.deque([1], 3), {1, 2},
        frozenset("ab"), 1 + 2j, bytearray(b"ab"), datetime(2026, 1, 2, tzinfo=UTC), Decimal("0.1"), Fraction(1, 3), PurePosixPath("a/b"),
        argparse.Namespace(lr=1), types.SimpleNamespace(a=1), uuid.UUID(int=5), range(5), slice(1, 2),
    ]  # fmt: skip
    for protocol in (0, 2, 4):
        yield f"values of Python's library, protocol {protocol}", pickle.dumps(values, protocol)  # fmt: skip
    yield "vocabulary", pickle.dumps({f"token{one}": one for one in range(50_000)})
    yield "texts that name functions", pickle.dumps(["posix", "system", "cposix\nsystem\n(S'a'\ntR."])  # fmt: skip
    yield "a payload as mere bytes", pickle.dumps({"sample": PAYLOAD})
    yield "several pickles", pickle.dumps(1) + pickle.dumps([2])
    yield "object of a program of one's own", whole(call(name("mynet.models", "Net"), text("a")))  # fmt: skip


def restored(module: str, kind: str, state: Any) -> bytes:
    """A pickle of an object by the name of its class, which need not be installed."""
    return (
        b"\x80\x02"
        + name(module, kind)
        + b")\x81"
        + pickle.dumps(state, 2)[2:-1]
        + b"b."
    )


SCRIPT_CODE = "net/code/__torch__/torch/nn/modules/container.py"
SCRIPT = {
    "net/data.pkl": restored("__torch__.torch.nn.modules.container", "Sequential", {"training": False}),
    "net/constants.pkl": pickle.dumps((), 2),
    SCRIPT_CODE: b'class Sequential(Module):\n  def forward(self, input):\n    _0 = getattr(self, "0")\n    return (_0).forward(input, )\n',
    f"{SCRIPT_CODE}.debug_pkl": whole(call(name("torch.jit._pickle", "build_intlist"), pickle.dumps([1], 2)[2:-1])),
    "net/version": b"3\n",
}  # fmt: skip
"""What `torch.jit.save` leaves of two layers in a row."""


def of_libraries(draw: numpy.random.Generator) -> Iterator[tuple[str, bytes]]:
    """What scikit-learn, pandas, Keras and torchvision are saved as, under their names; and a TorchScript program."""
    fitted = {"coef_": draw.normal(size=(3, 9)), "classes_": numpy.arange(3), "C": 1.0, "_sklearn_version": "1.9.1"}  # fmt: skip
    words = {"vocabulary_": {"cat": 0, "dog": 1}, "dtype": numpy.float64, "idf_": draw.normal(size=2)}  # fmt: skip
    yield "scikit-learn, classifier", restored("sklearn.linear_model._logistic", "LogisticRegression", fitted)  # fmt: skip
    yield "scikit-learn 0.20, classifier", restored("sklearn.linear_model.logistic", "LogisticRegression", fitted)  # fmt: skip
    yield "scikit-learn, vectorizer", restored("sklearn.feature_extraction.text", "TfidfVectorizer", words)  # fmt: skip
    yield "scikit-learn, binning", restored("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper", fitted)  # fmt: skip
    tree = call(name("sklearn.tree._tree", "Tree"), pickle.dumps(4, 2)[2:-1], pickle.dumps(numpy.array([3]), 2)[2:-1], pickle.dumps(1, 2)[2:-1])  # fmt: skip
    yield "scikit-learn, tree", whole(tree, pickle.dumps({"nodes": numpy.zeros(3)}, 2)[2:-1], b"b")  # fmt: skip
    yield "pandas, table", restored("pandas.core.frame", "DataFrame", {"_typ": "dataframe", "attrs": {}})  # fmt: skip
    yield "Keras, tokenizer", restored("keras.src.preprocessing.text", "Tokenizer", {"word_index": {"cat": 1}, "lower": True})  # fmt: skip
    yield "whole network of torchvision", restored("torchvision.models.resnet", "ResNet", {"training": False, "_modules": {}})  # fmt: skip
    yield "TorchScript", zipped(SCRIPT)


def of_hubs(draw: torch.Generator) -> Iterator[tuple[str, Files]]:
    """What stands in a model's folder."""
    weights = {"a.weight": torch.randn(64, 64, generator=draw), "b": torch.ones(3, dtype=torch.float16)}  # fmt: skip
    yield "safetensors", {"model.safetensors": save_safetensors(weights)}
    yield "safetensors with metadata", {"m.safetensors": save_safetensors(weights, {"format": "pt"})}  # fmt: skip
    yield "safetensors without tensors", {"m.safetensors": save_safetensors({})}
    configs: dict[str, Any] = {
        "config": {"architectures": ["BertModel"], "hidden_size": 768, "torch_dtype": "float32"}, "generation_config": {"eos_token_id": [2]},
        "tokenizer_config": {"chat_template": CHAT, "model_max_length": 512}, "preprocessor_config": {"image_mean": [0.5], "size": {"height": 224}},
        "model.safetensors.index": {"weight_map": {"a": "model-00001-of-00002.safetensors"}}, "special_tokens_map": {"pad_token": "[PAD]"},
    }  # fmt: skip
    for file, config in configs.items():
        yield f"{file}.json", {f"{file}.json": json.dumps(config).encode()}
    texts = {"README.md": "---\nlicense: mit\n---\n# A model\nimport os; os.system is only named here.", "vocab.txt": "[PAD]\ncat\n", "merges.txt":
             "#version: 0.2\nt h\n", "train.yaml": "lr: 0.1\nmodel: {name: resnet}\n", ".gitattributes": "*.bin filter=lfs\n", "chat.jinja": CHAT}  # fmt: skip
    for file, said in texts.items():
        yield file, {file: said.encode()}
    node = message(n1=b"x", n2=b"y", n4=b"Relu")
    yield "ONNX", {"m.onnx": onnx(message(n1=node, n2=b"g"))}
    yield "ONNX, values beside it", {"m.onnx": onnx(message(n1=node, n5=outside("m.onnx.data")))}  # fmt: skip
    yield "GGUF", {"m.gguf": gguf(CHAT)}
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}
    keras = {"config.json": json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [dense]}}).encode()}  # fmt: skip
    yield "Keras", {"m.keras": zipped(keras)}
    code = b"import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x.relu()\n"  # fmt: skip
    yield "auto_map with a harmless program", {"config.json": b'{"auto_map": {"AutoModel": "m.Net"}}', "m.py": code}  # fmt: skip


def innocents(seed: int) -> list[Shape]:
    """Every innocent file or folder.

    Raises:
        DeviceError: joblib is not installed.
    """
    draw = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = [(one, {"model.pt": content}) for one, content in of_torch(draw)]
    found += [(one, {f"x.{one.rpartition('.')[2]}" if "." in one else "x.pkl": content})
              for one, content in of_numpy(numpy.random.default_rng(seed))]  # fmt: skip
    found += [(one, {"values.pkl": content}) for one, content in of_python()]
    found += [(one, {"model.pkl": content}) for one, content in of_libraries(numpy.random.default_rng(seed))]  # fmt: skip
    pickles = [(one, True, files) for one, files in found]
    return [*pickles, *((one, False, files) for one, files in of_hubs(draw))]
