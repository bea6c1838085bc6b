"""Files as people publish them: objects of libraries under their names, programs, pointers. None is made by those libraries."""

import io
import pickle
import sys
import textwrap
import types
import warnings

import numpy
import pytest
import torch

from reference_impls.artifact_scan.answer import ScanConfig, verdict
from reference_impls.artifact_scan.innocents import restored
from reference_impls.artifact_scan.method import Scan
from reference_impls.artifact_scan.policy import allowed, renamed
from reference_impls.artifact_scan.standins import call, name, text, whole

ESTIMATOR = "sklearn.linear_model._logistic", "LogisticRegression"
STATE = {"coef_": numpy.ones((3, 4)), "dtype": numpy.float64, "names": numpy.array(["a", "b"], object)}  # fmt: skip


def found(content, file="model.pkl"):
    return Scan(ScanConfig()).of(memoryview(content), file)


def judged(content, file="model.pkl"):
    return verdict(found(content, file))


@pytest.mark.parametrize(
    "place",
    [
        ESTIMATOR,
        ("sklearn.linear_model.base", "LinearRegression"),
        ("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
        ("keras.src.preprocessing.text", "Tokenizer"),
        ("pandas.core.frame", "DataFrame"),
        ("torchvision.models.resnet", "ResNet"),
    ],
    ids=" ".join,
)
def test_an_object_of_a_library_is_restored_and_never_made(place):
    assert judged(restored(*place, STATE)) == "innocent"
    (made,) = found(whole(call(name(*place), text("x"))))
    assert (made.level, made.reason, made.about) == ("dangerous", "constructed", " ".join(place))  # fmt: skip


@pytest.mark.parametrize(
    "place",
    [
        ("sklearn.externals.loky.backend", "Popen"),
        ("sklearn.utils._testing", "TempMemmap"),
        ("sklearn.svm.tests.test_svm", "Kernel"),
        ("sklearn.datasets", "load_iris"),
        ("sklearn.datasets._covtype", "GzipFile"),
        ("sklearn.datasets._covtype", "TemporaryDirectory"),
        ("sklearn.callback._transport", "Connection"),
        ("sklearn.callback._progressbar", "Thread"),
        ("torchvision.models.feature_extraction", "GraphModule"),
        ("scipy.stats._continuous_distns", "uniform_gen"),
        ("scipy.stats._distn_infrastructure", "rv_continuous_frozen"),
        ("sklearn.pipeline", "Pipeline.fit"),
        ("pandas", "ExcelWriter"),
        ("torchvision.models.resnet", "resnet18"),
        ("keras.src.preprocessing.text", "tokenizer_from_json"),
    ],
    ids=" ".join,
)
def test_what_no_model_of_a_library_needs_is_refused(place):
    assert judged(restored(*place, {})) == "dangerous"


def test_a_state_that_scipy_would_execute_is_refused():
    """`rv_generic.__setstate__` hands `_parse_arg_template` of its state to `exec`: no function is named, and code runs."""
    state = {"_parse_arg_template": "raise SystemExit('ran')", "shapes": None}
    content = restored("scipy.stats._continuous_distns", "uniform_gen", state)
    assert judged(content) == "dangerous"
    pytest.importorskip("scipy.stats")
    with pytest.raises(SystemExit, match="ran"):
        pickle.loads(content)


def test_a_function_that_a_model_holds_is_named_and_not_called():
    function = name("numpy", "log1p")
    assert judged(whole(function)) == "innocent"
    assert judged(whole(call(function, text("x")))) == "dangerous"
    assert allowed("numpy log1p", "pickle") == "values"
    assert judged(whole(name("numpy", "load"))) == "dangerous"


def test_the_copy_of_joblib_in_old_scikit_learn_is_joblib():
    assert renamed("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper") == "joblib.numpy_pickle NumpyArrayWrapper"  # fmt: skip
    assert renamed("sklearn.externals.six", "Iterator") == "sklearn.externals.six Iterator"  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_values_of_joblibs_arrays_are_no_calls_by_chance(seed, monkeypatch):
    """Read as opcodes, which any other loader would do, they leave the stack in disorder; what that calls is a plain value."""
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    module = types.ModuleType("sklearn.fake")
    fitted = type("Fitted", (), {"__module__": "sklearn.fake"})
    module.Fitted = fitted
    monkeypatch.setitem(sys.modules, "sklearn", types.ModuleType("sklearn"))
    monkeypatch.setitem(sys.modules, "sklearn.fake", module)
    draw = numpy.random.default_rng(seed)
    model = fitted()
    model.edges = draw.normal(size=int(draw.integers(1, 40)))
    model.feature_names_in_ = numpy.array(["fuel", "owner", "dtype"], object)
    model.classes = numpy.arange(int(draw.integers(1, 9)))
    model.more = [numpy.array(["O8", "order"], object), draw.normal(size=3)]
    out = io.BytesIO()
    joblib.dump(model, out)
    assert judged(out.getvalue(), "model.joblib") == "innocent"
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever the bytes happen to be
        pickle.loads(out.getvalue())


@pytest.mark.parametrize(
    ("body", "level"),
    [
        (b"K\x05)R", "cannot decide"),  # a number is called
        (b"X\x01\x00\x00\x00a)R", "cannot decide"),  # a text
        (
            b"K\x05X\x01\x00\x00\x00a\x93",
            "cannot decide",
        ),  # a module's name is a number
        (b"ccollections\nOrderedDict\n)R)R", "dangerous"),  # what a call gave
    ],
    ids=["number", "text", "name", "result"],
)
def test_loaders_stop_where_a_plain_value_is_called(body, level):
    content = b"\x80\x04" + body + b"."
    assert judged(content) == level
    with pytest.raises((TypeError, pickle.UnpicklingError)):
        pickle.loads(content)


def test_a_torchscript_program_is_left_to_people():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and its files are out there
        script = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU()))  # fmt: skip
        out = io.BytesIO()
        torch.jit.save(script, out)
    told = found(out.getvalue(), "model.pt")
    assert verdict(told) == "cannot decide"
    assert "torchscript" in {one.reason for one in told}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_pointer_of_git_lfs_is_not_the_file(ending):
    oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    lines = ["version https://git-lfs.github.com/spec/v1", f"oid sha256:{oid}", "size 12345", ""]  # fmt: skip
    (told,) = found(ending.join(lines).encode(), "pytorch_model.bin")
    assert (told.level, told.reason, told.about) == ("cannot decide", "pointer", oid)


PROGRAMS = {
    'getattr(config, "hidden", None)': "cannot decide",
    'getattr(self, f"layer{n}")()': "cannot decide",
    'getattr(torch.nn.functional, "gelu")(x)': "cannot decide",
    "getattr(torch, config.dtype)": "cannot decide",
    'getattr(os, "path")': "cannot decide",
    'getattr(os, "system")("id")': "dangerous",
    'getattr(o, "system")("id")': "dangerous",
    'getattr(o, "sys" + "tem")("id")': "dangerous",
    "getattr(subprocess, how)(x)": "dangerous",
    'getattr(builtins, "ev" "al")(x)': "dangerous",
    "getattr(__builtins__, name)(x)": "dangerous",
}


@pytest.mark.parametrize("line", PROGRAMS)
def test_getattr_is_what_it_looks_up(line):
    program = textwrap.dedent(f"""
        import builtins, os, subprocess, torch
        import os as o
        class Net(torch.nn.Module):
            def forward(self, x):
                return {line}
        """)
    assert judged(program.encode(), "modeling.py") == PROGRAMS[line]
