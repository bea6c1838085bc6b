"""One encoder, run in other ways: rewritten, exported, compiled, converted, or with rounded numbers.

Shape letters: B batch, H and W pixels, D embedding width.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.compression import compress, torchs_int8
from reference_impls.lab.models.encoders import Encoder, told
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.torchvision import import_library

Way = Literal[
    "eager",
    "folded",
    "export",
    "compile",
    "onnx",
    "onnx-int8",
    "dynamic",
    "static",
    "float16",
    "bfloat16",
    "int4",
]


class InType(nn.Module):
    """A module that computes in another floating-point type, and takes and returns float32."""

    def __init__(self, module: nn.Module, kind: torch.dtype) -> None:
        """The module is changed in place."""
        super().__init__()
        self.module, self.kind = module.to(kind), kind

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D)."""
        embeddings_BD: Tensor = self.module(images_B3HW.to(self.kind))
        return embeddings_BD.float()


class OnnxModule(nn.Module):
    """An ONNX file in ONNX Runtime, as a module without weights of its own."""

    def __init__(self, model: bytes) -> None:
        """On the CPU, with as many threads as PyTorch has."""
        super().__init__()
        runtime = import_library("onnxruntime", "onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])  # fmt: skip
        self.input = self.session.get_inputs()[0].name

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D)."""
        found = self.session.run(None, {self.input: images_B3HW.contiguous().numpy()})
        return torch.from_numpy(found[0])


def onnx_of(module: nn.Module, some_B3HW: Tensor) -> Any:
    """The module as an ONNX model of any batch size."""
    import_library("onnxscript", "onnxscript")
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(module, (some_B3HW,), dynamo=True, verbose=False, dynamic_shapes=({0: batch},))  # fmt: skip
    assert program is not None
    return program.model_proto


def onnx_int8(model: Any) -> bytes:
    """ONNX Runtime's dynamic quantization: 8-bit weights, one scale per layer, and 8-bit activations."""
    library = import_library("onnxruntime.quantization", "onnx onnxruntime")
    before = import_library("onnxruntime.quantization.shape_inference", "onnxruntime")
    with tempfile.TemporaryDirectory() as folder:
        given, path = (Path(folder) / f"{one}.onnx" for one in ("float", "int8"))
        given.write_bytes(model.SerializeToString())
        before.quant_pre_process(given, given, skip_symbolic_shape=True)
        kind = library.QuantType.QUInt8  # the one that its convolutions know
        library.quantize_dynamic(given, path, weight_type=kind)
        return path.read_bytes()


def exported(module: nn.Module, some_B3HW: Tensor) -> nn.Module:
    """The graph that `torch.export` sees, for any batch size."""
    batch = torch.export.Dim("batch")
    return torch.export.export(module, (some_B3HW,), dynamic_shapes=({0: batch},)).module()  # fmt: skip


def _dynamic(module: nn.Module) -> nn.Module:
    quantized: nn.Module = torch.ao.quantization.quantize_dynamic(module, {nn.Linear})
    return quantized


def _ways(encoder: Encoder, some_B3HW: Tensor) -> Mapping[Way, Callable[[], Any]]:
    module, given = encoder.module, encoder.normalise(some_B3HW)
    return {
        "eager": lambda: module,
        "folded": lambda: accelerated(encoder).module,
        "export": lambda: exported(module, given),
        "compile": lambda: torch.compile(module, dynamic=True),
        "onnx": lambda: OnnxModule(onnx_of(module, given).SerializeToString()),
        "onnx-int8": lambda: OnnxModule(onnx_int8(onnx_of(module, given))),
        "dynamic": lambda: _dynamic(module),
        "static": lambda: getattr(torchs_int8(encoder, some_B3HW), "module", None),
        "float16": lambda: InType(module, torch.float16),
        "bfloat16": lambda: InType(module, torch.bfloat16),
        "int4": lambda: compress(encoder, "int4").module,
    }


@torch.no_grad()
def converted(encoder: Encoder, way: Way, some_B3HW: Tensor) -> Encoder:
    """A copy of the encoder that runs in a way, on the CPU; some images show it what it will see.

    Raises:
        EncoderError: the tool does not take this module, or has no compiler here.
        DeviceError: the tool is not installed.
    """
    copy = encoder.copy().to(torch.device("cpu"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tools announce what they will drop one day
        try:
            module = _ways(copy, some_B3HW.cpu())[way]()
            new = replace(copy, module=module, name=f"{encoder.name}, {way}")
            new.encode(some_B3HW.cpu())
        except ImportError as error:
            raise EncoderError(f"{way} needs a library: {told(error)}") from error
        except Exception as error:  # whatever a tool says of a stranger's module
            raise EncoderError(f"{encoder.name} cannot be run by {way}: {told(error)}") from error  # fmt: skip
    return new
