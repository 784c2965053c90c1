"""Tests that qfa-compile refuses bad models, options and outputs with one plain sentence, and leaves nothing half-written."""

import re
import shutil
import signal
import subprocess
import time

import numpy as np
import onnx
import pytest

SMALL = ["--isa", "portable", "--group-size", 32, "--batch", 4, "--sequence", 64]


@pytest.fixture
def copy(world, tmp_path):
    """A folder with the tiny model, to be damaged."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.onnx", "model.onnx.data"):
        shutil.copy(world / name, folder)
    return folder


def refuse_model(compiler, model, out, *options):
    return compiler.refuses(model, *SMALL, *options, "-o", out / "program")


def external_file(model, name):
    """Lets the first external tensor of a model name another file."""
    graph = onnx.load(model, load_external_data=False)
    tensor = next(t for t in graph.graph.initializer if t.external_data)
    next(e for e in tensor.external_data if e.key == "location").value = name
    model.write_bytes(graph.SerializeToString())


def test_damaged_models(compiler, copy, out):
    whole = (copy / "model.onnx").read_bytes()
    (copy / "cut.onnx").write_bytes(whole[:30000])
    assert re.search(r"cut.onnx: offset \d+: ModelProto: field 7 claims \d+ bytes, 29980 remain", refuse_model(compiler, copy / "cut.onnx", out))
    (copy / "empty.onnx").write_bytes(b"")
    assert "no graph found; is this an ONNX file?" in refuse_model(compiler, copy / "empty.onnx", out)
    (copy / "text.onnx").write_text("This is not a model.")
    assert "text.onnx: offset 0: ModelProto" in refuse_model(compiler, copy / "text.onnx", out)
    assert "No such file or directory" in refuse_model(compiler, copy / "missing.onnx", out)
    assert "Is a directory" in refuse_model(compiler, copy, out)


def test_external_data(compiler, copy, out):
    (copy / "model.onnx.data").rename(copy / "elsewhere")
    text = refuse_model(compiler, copy / "model.onnx", out)
    assert "external data 'model.onnx.data' cannot be opened: No such file or directory" in text
    (copy / "model.onnx.data").write_bytes((copy / "elsewhere").read_bytes()[:100000])
    text = refuse_model(compiler, copy / "model.onnx", out)
    assert re.search(r"tensor '\S+' ends at byte \d+ \+ \d+ of 'model.onnx.data', which has 100000", text)


@pytest.mark.parametrize("name,text", [("../secret", "leaves the model's folder"), ("/etc/passwd", "is not a relative path"),
                                       ("link", "is a link out of the model's folder")])
def test_external_data_stays_in_its_folder(compiler, copy, out, name, text):
    (copy.parent / "secret").write_bytes((copy / "model.onnx.data").read_bytes())
    (copy / "link").symlink_to(copy.parent / "secret")
    external_file(copy / "model.onnx", name)
    assert f"external data '{name}' {text}" in refuse_model(compiler, copy / "model.onnx", out)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_weights_that_are_no_numbers(compiler, copy, out, value):
    graph = onnx.load(copy / "model.onnx", load_external_data=False)
    tensor = next(t for t in graph.graph.initializer if t.name == "model.layers.2.mlp.up_proj.weight")
    offset = int(next(e for e in tensor.external_data if e.key == "offset").value)
    with open(copy / "model.onnx.data", "r+b") as data:
        data.seek(offset + 1234 * 4)
        data.write(np.float32(value).tobytes())
    text = refuse_model(compiler, copy / "model.onnx", out)
    assert "weight 'model.layers.2.mlp.up_proj.weight' is not finite at element 1234, expected only finite numbers" in text


@pytest.mark.parametrize("options,text", [
    (["--group-size", 48], "group size 48 does not divide input width"),
    (["--group-size", "some"], "group size 'some' is neither a positive number nor auto"),
    (["--granularity", "head"], "granularity 'head' is not one of linear, group, block"),
    (["--bits", "2,5"], "--bits=2,5: '5' is not one of 2, 3, 4, 8"),
    (["--bits", "4,2"], "--bits=4,2: bit widths must ascend"),
    (["--rank", -1], "adapter rank -1 is negative"),
    (["--rank", 0], "nothing to train: no elastic weight has an adapter"),
    (["--alpha", 0], "is not positive"),
    (["--embedding-bits", 3], "--embedding-bits=3 is not one of 16, 8, 4"),
    (["--batch", 0], "--batch, --sequence and --context must be positive"),
    (["--sequence", 1], "a sequence has at least 2 tokens"),
    (["--sampler", "best"], "--sampler=best is not one of resource-balanced, uniform"),
    (["--adapter", "lora"], "--adapter=lora is not known: qa-lora"),
    (["--quantizer", "magic"], "--quantizer=magic is not known: rtn"),
    (["--method", "half"], "--method=half is not one of supernet, full"),
    (["--scale-type", "f64"], "--scale-type=f64 is not one of f16, f32"),
    (["--isa", "mmx"], "--isa=mmx: 'mmx' is not one of portable, avx2, avx512"),
    (["--isa", "avx2"], "--isa=avx2 leaves out portable, which runs where nothing else does"),
    (["--activation-memory", "lots"], "--activation-memory=lots is not a number of bytes (for example 512MiB)"),
    (["--compile-to", "moon"], "--compile-to=moon is not a stage: import, supernet, autodiff, schedule, kernels, lowering, emit"),
    (["--subnet", "x.json"], "--subnet needs --weights RUN, the run it was searched in"),
    (["--weights", "nowhere"], "weights cannot be read: cannot open nowhere: No such file or directory"),
    (["--linker", "no-linker"], "no linker found: tried no-linker; install g++ or name one with --linker"),
    (["--runtime", "no.a"], "runtime library 'no.a' not found"),
    (["--batch", "x"], "'x' value invalid for integer argument"),
    (["--bogus"], "Unknown command line argument '--bogus'"),
])
def test_options_of_the_compiler(compiler, world, out, options, text):
    base = [o for name, o in zip(SMALL[::2], zip(SMALL[::2], SMALL[1::2])) if name not in options]
    assert text in compiler.fails(world / "model.onnx", *(word for pair in base for word in pair), *options, "-o", out / "program")


def test_output_that_cannot_be_written(compiler, world, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()

    def refuse(path):
        return compiler.refuses(world / "model.onnx", *SMALL, "-o", path)

    assert f"cannot write '{folder}': it is a folder" in refuse(folder)
    assert not folder.with_suffix(".safetensors").exists()  # found out before any weight is written
    assert f"there is no folder '{tmp_path}/none'" in refuse(tmp_path / "none/program")
    assert "cannot write" in refuse("/proc/program")
    assert "-o PATH is missing: the program to write" in compiler.fails(world / "model.onnx")


def test_a_failed_compilation_leaves_the_old_program(compiler, world, dense, tmp_path):
    compiler(world / "model.onnx", "--weights", dense.trained, *SMALL, "-o", tmp_path / "program")
    before = {file: file.read_bytes() for file in tmp_path.glob("program*")}
    assert len(before) == 2
    compiler.fails(world / "model.onnx", *SMALL, "--linker", "false", "-o", tmp_path / "program")
    assert {file: file.read_bytes() for file in tmp_path.glob("program*")} == before


def test_an_interrupted_compilation_leaves_nothing(compiler, world, out):
    process = subprocess.Popen([compiler.path, world / "model.onnx", "--group-size", "32", "-o", out / "program"], stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until and not list(out.glob("*.new")):
        time.sleep(0.01)
    time.sleep(0.3)  # objects are on their way
    assert process.poll() is None and list(out.iterdir())
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode != 0
