"""Tests that compiled code computes what was recorded of the original models: qfa-compile --verify."""

import re

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

# Exports of the trained models in standard operators; their references are float32.
EXPORTS = """
    llama-char105/optimum-external llama-char105/torch-dynamo-18
    llama-stories260k/optimum llama-stories260k/torch-dynamo-18 llama-stories260k/torch-dynamo-23
    llama-stories260k/torch-dynamo-24-native llama-stories260k/torchscript-17-mask
    llama-tinystories-656k/optimum-with-past llama-tinystories-656k/torch-dynamo-18 llama-tinystories-656k/torch-dynamo-18-mask
    llama-tinystories-656k/torch-dynamo-23-mask llama-tinystories-656k/torchscript-14
    llama-tinystories-656k/torch-dynamo-18-fp16 llama-tinystories-656k/torch-dynamo-18-bf16
""".split()


def largest_difference(text):
    return [float(number) for number in re.findall(r"largest difference (\S+) of", text)]


@pytest.mark.parametrize("export", EXPORTS)
def test_exports_compute_their_references(compiler, shared, export):
    # The weights of the model with 16-bit files are bfloat16 numbers without tiny ones: no file loses anything.
    folder = shared / "models" / export
    output = compiler(folder / "model.onnx", "--verify", folder.parent / "reference.npz", "--isa", "portable")
    (difference,) = largest_difference(output)
    assert 0 < difference <= 1e-4


def test_smollm2_computes_its_reference(compiler, smollm2):
    (difference,) = largest_difference(compiler(smollm2 / "model.onnx", "--verify", smollm2 / "reference.npz"))
    assert 0 < difference <= 1e-4


@pytest.fixture(scope="module")
def recorded(world):
    """Ids and logits of the tiny model, by another implementation of ONNX."""
    ids = np.random.default_rng(0).integers(0, 512, (2, 20))
    return ids, ReferenceEvaluator(str(world / "model.onnx")).run(None, {"input_ids": ids})[0]


def write_set(folder, inputs, outputs):
    """ONNX test data: one TensorProto a file."""
    folder.mkdir(parents=True)
    for kind, tensors in ("input", inputs), ("output", outputs):
        for index, (name, values) in enumerate(tensors):
            onnx.save_tensor(numpy_helper.from_array(values, name), folder / f"{kind}_{index}.pb")


def verify(compiler, world, path, *more):
    return compiler(world / "model.onnx", "--verify", path, "--isa", "portable", *more)


def test_npz(compiler, world, recorded, tmp_path):
    np.savez(tmp_path / "recorded.npz", input_ids=recorded[0], logits=recorded[1])
    (difference,) = largest_difference(verify(compiler, world, tmp_path / "recorded.npz"))
    assert 0 < difference <= 1e-4


def test_folder_of_test_data(compiler, world, recorded, tmp_path):
    ids, logits = recorded
    positions, past = np.tile(np.arange(20), (2, 1)), np.zeros((2, 2, 0, 16), np.float32)
    write_set(tmp_path / "test_data_set_0",
              [("attention_mask", np.ones_like(ids)), ("input_ids", ids), ("position_ids", positions), ("past_key_values.0.key", past)],
              [("present.0.key", past), ("logits", logits)])
    write_set(tmp_path / "test_data_set_1", [("", ids[:1, :7])], [("", logits[:1, :7])])  # shorter, without names
    differences = largest_difference(verify(compiler, world, tmp_path))
    assert len(differences) == 2 and all(0 < difference <= 1e-4 for difference in differences)
    assert len(largest_difference(verify(compiler, world, tmp_path / "test_data_set_1"))) == 1


def test_difference_is_found(compiler, world, recorded, tmp_path):
    ids, logits = recorded
    logits = logits.copy()
    logits[1, 13, 77] += 0.01
    write_set(tmp_path / "test_data_set_0", [("input_ids", ids)], [("logits", logits)])
    write_set(tmp_path / "test_data_set_1", [("input_ids", ids)], [("logits", recorded[1])])  # good, after a bad one
    done = compiler.run(world / "model.onnx", "--verify", tmp_path, "--isa", "portable")
    assert done.returncode == 1
    assert "at sequence 1 position 13" in done.stdout
    assert re.search(r"logits differ by 1\.0\de-02 from the recorded ones, wanted at most 1\.00e-04", done.stderr)
    verify(compiler, world, tmp_path, "--tolerance", 0.02)


@pytest.mark.parametrize("name,values,text", [
    ("attention_mask", np.array([[0, 1, 1, 1]] * 2), "input 'attention_mask' hides positions"),
    ("position_ids", np.array([[1, 2, 3, 4]] * 2), "input 'position_ids' does not count from 0"),
    ("past_key_values.0.key", np.ones((2, 2, 1, 16), np.float32), "input 'past_key_values.0.key' is not empty"),
])
def test_only_whole_sequences_are_compared(compiler, world, recorded, tmp_path, name, values, text):
    ids, logits = recorded
    write_set(tmp_path / "set", [("input_ids", ids[:, :4]), (name, values)], [("logits", logits[:, :4])])
    assert text in compiler.fails(world / "model.onnx", "--verify", tmp_path / "set")


def test_wrong_recordings(compiler, world, recorded, tmp_path):
    ids, logits = recorded

    def fails(**arrays):
        np.savez(tmp_path / "wrong.npz", **arrays)
        return compiler.fails(world / "model.onnx", "--verify", tmp_path / "wrong.npz", "--isa", "portable")

    assert "needs input_ids [batch, sequence] and logits" in fails(logits=logits)
    assert "needs input_ids [batch, sequence] and logits" in fails(input_ids=ids[0], logits=logits)
    assert "recorded logits have shape [2, 20, 511], wanted [2, 20, 512]" in fails(input_ids=ids, logits=logits[..., 1:])
    assert "recorded input_ids hold 512, wanted ids of a vocabulary of 512" in fails(input_ids=ids + (512 - ids[0, 0]), logits=logits)
    (tmp_path / "empty").mkdir()
    text = compiler.fails(world / "model.onnx", "--verify", tmp_path / "empty")
    assert "empty' holds neither input_0.pb nor test_data_set_0" in text
    (tmp_path / "empty/input_0.pb").write_bytes(b"\x0a\xff")
    assert "varint is cut off" in compiler.fails(world / "model.onnx", "--verify", tmp_path / "empty")
    assert "No such file" in compiler.fails(world / "model.onnx", "--verify", tmp_path / "missing.npz")
