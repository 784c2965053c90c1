"""Tests that extraction and --weights refuse tensors that are missing, of another shape or not finite, and leave nothing."""

import json
import re
import shutil

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file


@pytest.fixture
def run(supernet, tmp_path):
    """A copy of a trained run, with a subnet of its lowest widths."""
    folder = tmp_path / "run"
    shutil.copytree(supernet.trained, folder)
    bits = {site["name"]: site["bits"][0] for site in supernet.json("info")["sites"]}
    (folder / "subnet.json").write_text(json.dumps({"configuration": bits}))
    return folder


@pytest.fixture
def extract(compiler, world, run, out):
    """What the extraction of the run's subnet is refused with."""
    return lambda: compiler.fails(world / "model.onnx", "--subnet", run / "subnet.json", "--weights", run, "--isa", "portable",
                                  "-o", out / "program")


def rewrite(path, change):
    """Changes a file's tensors; change(tensors, metadata) may return other metadata."""
    tensors = load_file(path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    metadata = change(tensors, metadata) or metadata
    save_file(tensors, path, metadata)


def remove(tensors, name):
    del tensors[name]


@pytest.mark.parametrize("name,text", [
    ("model.layers.0.self_attn.q_proj.b2.codes", "copy cannot be read"),
    ("model.layers.0.self_attn.q_proj.b2.zeros", "copy cannot be read"),
    ("model.norm.weight", "weight cannot be copied"),
])
def test_a_missing_tensor(run, extract, name, text):
    rewrite(run / "supernet.safetensors", lambda tensors, _: remove(tensors, name))
    message = extract()
    assert text in message and name in message


def test_a_run_of_unknown_options(run, extract):
    rewrite(run / "supernet.safetensors", lambda tensors, metadata: {"made": "elsewhere"})
    assert "does not say how its supernet was built (key qfa.supernet_options)" in extract()


def accept_checksum(run, extract):
    """Makes the changed adapters of a run's only checkpoint count as whole: the refusal names the checksum that was found."""
    found, wanted = re.search(r"has checksum (\w{16}), wanted (\w{16})", extract()).groups()
    (state,) = run.glob("checkpoints/*/state.json")
    state.write_text(state.read_text().replace(wanted, found))


def sampled(run):
    """The run's adapters, and the name before adapter_b of one that a subnet of 2 bits merges."""
    (adapters,) = run.glob("checkpoints/*/adapters.safetensors")
    name = next(name for name in sorted(load_file(adapters)) if name.endswith(".b2.adapter_b"))
    return adapters, name.removesuffix("b")


def test_a_diverged_adapter(run, extract):
    adapters, prefix = sampled(run)
    rewrite(adapters, lambda tensors, _: tensors[prefix + "b"].fill(np.nan))
    accept_checksum(run, extract)
    assert re.search(r"merged zeros of '\S+' are not finite; the adapter diverged", extract())


def test_an_adapter_without_its_other_half(run, extract):
    adapters, prefix = sampled(run)
    rewrite(adapters, lambda tensors, _: remove(tensors, prefix + "b"))
    accept_checksum(run, extract)
    assert "adapter cannot be read" in extract()


def test_an_adapter_of_one_dimension(run, extract):
    adapters, prefix = sampled(run)
    rewrite(adapters, lambda tensors, _: tensors.update({prefix + "a": tensors[prefix + "a"].ravel()}))
    accept_checksum(run, extract)
    assert f"adapter '{prefix}a' has 1 dimensions, wanted 2" in extract()


def test_weights_in_place_of_the_model_s(compiler, dense, world, out, tmp_path):
    weights = tmp_path / "weights.safetensors"

    def compile(change):
        shutil.copy(dense.trained / "model.safetensors", weights)
        rewrite(weights, change)
        return compiler.refuses(world / "model.onnx", "--weights", weights, "--isa", "portable", "-o", out / "program")

    assert "weight 'model.norm.weight' is not in" in compile(lambda tensors, _: remove(tensors, "model.norm.weight"))
    assert "is not a float tensor of shape" in compile(lambda tensors, _: tensors.update({"model.norm.weight": np.ones(3, np.float32)}))
    assert "is not a float tensor of shape" in compile(
        lambda tensors, _: tensors.update({"model.norm.weight": np.ones(tensors["model.norm.weight"].shape, np.int32)}))
    weights.unlink()
    assert "weights cannot be read" in compiler.refuses(world / "model.onnx", "--weights", weights, "-o", out / "program")


def test_a_linker_that_fails(compiler, world, out):
    message = compiler.fails(world / "model.onnx", "--group-size", 16, "--isa", "portable", "--linker", "false", "-o", out / "program")
    assert re.search(r"linking failed with '\S*/false' \(exit code 1\)", message)
