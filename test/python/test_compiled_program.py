"""Compiled programs of a real model: training, resuming, searching, extracting, and what they say to bad input."""

import json
import random
import shutil
import struct
import subprocess

import pytest


def call(*command, code=0):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert result.returncode == code, result.stdout + result.stderr
    return result


@pytest.fixture
def model(shared):
    return shared / "models/llama-stories260k/torch-dynamo-18/model.onnx"


@pytest.fixture
def text(shared, tmp_path):
    """--data and --tokenizer: the beginning of TinyStories, small enough for steps of 20 ms."""
    stories = (shared / "data/tinystories/stories_head.txt").read_text(encoding="utf-8")
    (tmp_path / "text.txt").write_text(stories[:40000], encoding="utf-8")
    return ["--data", tmp_path / "text.txt", "--tokenizer", shared / "data/llama-stories260k/tok512.bin"]


COMPILED = {}  # compiled once, copied to every test


@pytest.fixture
def story(build, model, tmp_path, tmp_path_factory):
    if build not in COMPILED:
        program = tmp_path_factory.mktemp("compiled") / "story"
        call(build / "bin/qfa-compile", model, "--bits", "auto", "--group-size", 4, "-o", program)
        COMPILED[build] = program
    for suffix in ("", ".safetensors"):
        shutil.copy(f"{COMPILED[build]}{suffix}", tmp_path / f"story{suffix}")
    return tmp_path / "story"


def evaluate(program, *options):
    return json.loads(call(program, "eval", "--json", *options).stdout)


def test_a_resumed_run_is_identical(story, text, tmp_path):
    options = ["--planned-steps", 6, "--schedule", "cosine", "--threads", 2]
    call(story, "train", *text, "--out", tmp_path / "whole", "--max-steps", 6, *options)
    call(story, "train", *text, "--out", tmp_path / "parts", "--max-steps", 3, *options)
    call(story, "train", "--resume", "--out", tmp_path / "parts", "--max-steps", 6)
    for name in ("adapters.safetensors", "optimizer.safetensors"):
        whole, parts = ((tmp_path / run / "checkpoints/000006" / name).read_bytes() for run in ("whole", "parts"))
        assert whole == parts


def test_training_search_and_subnets_agree(build, model, story, text, tmp_path):
    run = tmp_path / "run"
    before = {bits: evaluate(story, *text, "--bits", bits)["loss"] for bits in (2, 4)}
    call(story, "train", *text, "--out", run, "--max-steps", 60, "--learning-rate", 2e-3)
    assert evaluate(story, *text, "--run", run, "--bits", 2)["loss"] < before[2] - 0.3
    assert evaluate(story, *text, "--run", run, "--bits", 4)["loss"] < before[4]

    call(story, "search", "--run", run, "--budget", "3bpw", "--budget", "400KiB", "--samples", 12, "--refine", 6, "--max-tokens", 512)
    subnet = json.loads((run / "subnets/400KiB.json").read_text())
    assert subnet["bytes"]["total"] <= 400 * 1024
    assert json.loads((run / "subnets/3bpw.json").read_text())["mean_bits"] <= 3

    compile_subnet = [build / "bin/qfa-compile", model, "--isa", "portable,avx2", "--subnet", run / "subnets/400KiB.json", "--weights", run]
    call(*compile_subnet, "-o", tmp_path / "half")
    call(*compile_subnet, "-o", tmp_path / "float", "--scale-type", "f32")
    assert (tmp_path / "half.safetensors").stat().st_size == subnet["bytes"]["total"]
    supernet = evaluate(story, *text, "--run", run, "--configuration", run / "subnets/400KiB.json")
    assert supernet["bytes"] == subnet["bytes"]["total"]
    assert supernet["mean_bits"] == pytest.approx(subnet["mean_bits"])
    exact, rounded = evaluate(tmp_path / "float", *text), evaluate(tmp_path / "half", *text)
    assert exact["loss"] == pytest.approx(supernet["loss"], abs=1e-5)
    assert rounded["loss"] == pytest.approx(supernet["loss"], abs=5e-3)
    assert rounded["bytes"] == subnet["bytes"]["total"]

    words = ["generate", "--tokenizer", text[3], "--prompt", "Once upon a time", "--tokens", 40]
    said = call(tmp_path / "float", *words).stdout
    assert said.startswith("Once upon a time") and len(said) > 60
    assert call(story, *words, "--run", run, "--configuration", run / "subnets/400KiB.json").stdout == said


def test_instruction_sets_agree(story, text):
    best = evaluate(story, *text, "--bits", 3, "--max-tokens", 1024)["loss"]
    assert evaluate(story, *text, "--bits", 3, "--max-tokens", 1024, "--isa", "portable")["loss"] == pytest.approx(best, abs=1e-4)


def replace_weight(path, name, value):
    """Overwrites the first number of a tensor of a safetensors file."""
    content = bytearray(path.read_bytes())
    (size,) = struct.unpack_from("<Q", content)
    begin = 8 + size + json.loads(content[8 : 8 + size])[name]["data_offsets"][0]
    struct.pack_into("<f", content, begin, value)
    path.write_bytes(content)


def test_bad_input_is_named(story, text, shared, tmp_path):
    def refusal(*command):
        return call(story, *command, code=1).stderr

    (tmp_path / "empty.txt").write_text("")
    assert "empty.txt" in refusal("eval", "--data", tmp_path / "empty.txt", *text[2:])
    assert "none.txt' does not exist" in refusal("eval", "--data", tmp_path / "none.txt", *text[2:])
    other = shared / "data/llama-tinystories-656k/tokenizer.json"
    assert "tokenizer" in refusal("eval", *text[:2], "--tokenizer", other)
    call(story, "train", *text, "--out", tmp_path / "run", "--max-steps", 1)
    assert "at step 1 already" in refusal("train", *text, "--out", tmp_path / "run", "--max-steps", 2)

    weights = tmp_path / "story.safetensors"
    good = weights.read_bytes()
    name = "model.layers.2.mlp.down_proj.weight"
    replace_weight(weights, name, float("nan"))
    assert f"weight '{name}' holds a NaN or an infinity" in refusal("eval", *text, "--bits", 2)
    for _ in range(5):
        weights.write_bytes(good[: random.Random(len(good)).randrange(len(good))])
        assert "story.safetensors" in refusal("eval", *text, "--bits", 2)
    weights.unlink()
    assert "no weights beside the program" in refusal("eval", *text, "--bits", 2)


def test_dense_weights_become_a_supernet(build, model, text, tmp_path):
    dense = tmp_path / "dense"
    call(build / "bin/qfa-compile", model, "--method", "full", "--isa", "portable,avx2", "-o", dense)
    before = evaluate(dense, *text)["loss"]
    call(dense, "train", *text, "--out", tmp_path / "float", "--max-steps", 20, "--learning-rate", 1e-3, "--clip", 1)
    after = evaluate(dense, *text, "--run", tmp_path / "float")["loss"]
    assert after < before
    assert evaluate(dense, *text, "--weights", tmp_path / "float")["loss"] == after
    compiled = tmp_path / "story"
    options = ["--bits", 8, "--group-size", 4, "--isa", "portable,avx2"]
    call(build / "bin/qfa-compile", model, "--weights", tmp_path / "float", *options, "-o", compiled)
    assert evaluate(compiled, *text)["loss"] == pytest.approx(after, abs=0.01)
