"""Tests that every option of qfa-compile does what it says, in programs that train and evaluate."""

import json
import re

import numpy as np
import pytest
from conftest import Program
from safetensors.numpy import load_file, save_file

COMMON = ["--isa", "portable", "--batch", 4, "--sequence", 64]
GROUP = ["--group-size", 32]


@pytest.fixture(scope="module")
def make(compiler, world, dense, texts, tmp_path_factory):
    """A function of options: a program (.report: info's JSON) with a run of two steps (.trained), made once."""
    made = {}

    def make(*options, steps=2):
        if options not in made:
            folder = tmp_path_factory.mktemp("options")
            compiler(world / "model.onnx", "--weights", dense.trained, *COMMON, *options, "-o", folder / "program")
            program = made[options] = Program(folder / "program")
            program.report = program.json("info")
            program.trained = folder / "run"
            program("train", *texts, "--out", program.trained, "--max-steps", steps, "--learning-rate", 1e-3)
        return made[options]

    return make


def losses_of(program):
    return [json.loads(line)["loss"] for line in (program.trained / "metrics.jsonl").read_text().splitlines()]


def evaluate(program, *options):
    return program.json("eval", "--run", program.trained, "--max-tokens", 1000, *options)


def free(program):
    return [site for site in program.report["sites"] if len(site["linears"]) and ".layers." in site["name"]]


@pytest.mark.parametrize("text,bits", [("4", [4]), ("2,3,4,8", [2, 3, 4, 8]), ("8", [8])])
def test_bits(make, text, bits):
    program = make("--bits", text, *GROUP)
    assert all(site["bits"] == bits for site in free(program))
    found = [evaluate(program, "--initial", "--bits", b) for b in bits]
    assert [f["mean_bits"] for f in found] == bits
    assert [f["bytes"] for f in found] == sorted({f["bytes"] for f in found})
    assert found[0]["loss"] >= found[-1]["loss"] - 0.01
    assert f"has {'only' if len(bits) == 1 else 'a choice of'} {', '.join(text.split(','))}, not 5" in \
        program.fails("eval", "--run", program.trained, "--bits", 5).replace("only bits", "only").replace("choice of bits", "choice of")


def test_eight_bits_are_nearly_float(make, dense):
    exact = dense.json("eval", "--run", dense.trained, "--max-tokens", 1000)["loss"]
    eight = evaluate(make("--bits", "8", *GROUP), "--initial")["loss"]
    assert eight == pytest.approx(exact, abs=5e-3) and eight != exact


@pytest.mark.parametrize("granularity,names", [
    ("linear", ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up", "mlp.down"]),
    ("group", ["self_attn.qkv", "self_attn.o", "mlp.gate_up", "mlp.down"]),
    ("block", [""]),
])
def test_granularity(make, granularity, names):
    program = make("--granularity", granularity, *GROUP)
    wanted = {f"model.layers.{layer}.{name}".rstrip(".") for layer in range(4) for name in names}
    assert {site["name"].removesuffix(".site") for site in free(program)} == wanted
    assert sum(len(site["linears"]) for site in free(program)) == 4 * 7
    same = [evaluate(program, "--initial", "--bits", 3)["loss"], evaluate(make("--granularity", "group", *GROUP), "--initial", "--bits", 3)["loss"]]
    assert same[0] == pytest.approx(same[1], abs=1e-6)  # what shares a choice changes no copy


def test_group_size_and_rank(make):
    groups = {name: make("--group-size", name) for name in ("16", "auto")}
    sizes = {name: {l["group"] for site in free(program) for l in site["linears"]} for name, program in groups.items()}
    assert sizes["16"] == {16}
    assert all(l["in"] % l["group"] == 0 for site in free(groups["auto"]) for l in site["linears"])
    finer, coarser = evaluate(groups["16"], "--initial", "--bits", 3), evaluate(make("--granularity", "group", *GROUP), "--initial", "--bits", 3)
    assert finer["bytes"] > coarser["bytes"]
    small = make("--rank", 4, *GROUP)
    assert {l["rank"] for site in free(small) for l in site["linears"]} == {4}
    adapters = load_file(small.trained / "checkpoints/000002/adapters.safetensors")
    assert {values.shape[0] for name, values in adapters.items() if name.endswith("adapter_a")} == {4}


def test_alpha_scales_the_adapters(make):
    # The adapters' first step has the same length whatever its strength, so what they do differs.
    weak, strong = make("--alpha", 1, *GROUP), make("--alpha", 64, *GROUP)
    assert losses_of(weak)[0] == losses_of(strong)[0]
    changes = [abs(evaluate(p, "--bits", 4)["loss"] - evaluate(p, "--bits", 4, "--initial")["loss"]) for p in (weak, strong)]
    assert 0 < changes[0] < changes[1]


@pytest.mark.parametrize("bits", [16, 4])
def test_embedding_bits(make, bits):
    program, usual = make("--embedding-bits", bits, *GROUP), make("--granularity", "group", *GROUP)
    tables = [site["bits"] for site in program.report["sites"] if ".layers." not in site["name"]]
    assert tables == ([] if bits == 16 else [[bits]])
    found, eight = (evaluate(p, "--initial", "--bits", 4) for p in (program, usual))
    assert found["mean_bits"] == 4  # which counts the layers only
    assert (found["bytes"] > eight["bytes"]) == (bits == 16)
    assert found["loss"] == pytest.approx(eight["loss"], rel=0.2) and found["loss"] != eight["loss"]


@pytest.mark.parametrize("scales", ["f16", "f32"])
def test_sixteen_bits_are_two_bytes(compiler, world, make, scales):
    # Trained, counted and deployed are the same numbers: those that float16 holds.
    program = make("--embedding-bits", 16, *GROUP)
    program("search", "--run", program.trained, "--budget", "3bpw", "--max-tokens", 512)
    subnet = program.trained / "subnets/3bpw.json"
    small = Program(program.path.with_name(f"small-{scales}"))
    compiler(world / "model.onnx", "--subnet", subnet, "--weights", program.trained, "--scale-type", scales, *COMMON, "-o", small.path)
    file = small.path.with_suffix(".safetensors")
    table = load_file(file)["model.embed_tokens.weight"]
    float_table = load_file(program.path.with_suffix(".safetensors"))["model.embed_tokens.weight"]
    assert table.dtype == np.float16 and (table == float_table.astype(np.float16)).all() and (table != float_table).any()
    options = ["--data", world / "validation.txt", "--tokenizer", world / "tokenizer.json", "--max-tokens", 1000]
    trained = program.json("eval", "--run", program.trained, "--configuration", subnet, *options)["loss"]
    deployed = small.json("eval", *options)
    assert deployed["loss"] == pytest.approx(trained, abs=1e-6 if scales == "f32" else 1e-3)
    assert deployed["bytes"] == file.stat().st_size
    if scales == "f16":
        assert json.loads(subnet.read_text())["bytes"]["total"] == file.stat().st_size


def test_an_embedding_beyond_float16_is_refused(compiler, world, texts, tmp_path):
    compiler(world / "model.onnx", "--embedding-bits", 16, *GROUP, *COMMON, "-o", tmp_path / "program")
    weights = load_file(tmp_path / "program.safetensors")
    weights["model.embed_tokens.weight"][3, 1] = 7e4
    save_file(weights, tmp_path / "program.safetensors")
    text = Program(tmp_path / "program").fails("train", *texts, "--out", tmp_path / "run", "--max-steps", 1)
    assert "weight 'model.embed_tokens.weight' holds a number beyond 65504, which float16 cannot hold" in text


def arena(program):
    return next(entry["arena_bytes"] for entry in program.report["entries"] if entry["name"] == "train_step")


def test_less_memory_for_activations_changes_no_loss(compiler, world, make):
    usual = make("--granularity", "group", *GROUP)
    text = compiler.fails(world / "model.onnx", *GROUP, *COMMON, "--activation-memory", "1KiB", "-o", usual.path.with_name("none"))
    smallest = int(re.search(r"activation memory of 1024 bytes is too small for @train_step, the smallest that would do is (\d+)", text)[1])
    tight = make("--activation-memory", smallest, *GROUP)
    assert arena(tight) < 0.6 * arena(usual)
    assert tight.report["entries"][0]["flops"] > usual.report["entries"][0]["flops"]  # computed again
    assert losses_of(tight) == pytest.approx(losses_of(usual), abs=1e-6)
    assert evaluate(tight)["loss"] == pytest.approx(evaluate(usual)["loss"], abs=1e-5)


def test_batch_and_sequence(make, world, tmp_path):
    other = make("--batch", 1, "--sequence", 100, *GROUP)
    inputs = {entry["name"]: entry["inputs"][0]["shape"] for entry in other.report["entries"] if entry["inputs"]}
    assert inputs["train_step"] == inputs["eval_step"] == [1, 100] and inputs["prefill"] == [1, 64]
    assert other.report["context"] == 2048
    # In windows of one document each, which all fit, the shape of a batch changes nothing.
    (tmp_path / "text.txt").write_text("Anna had seven apples.\n<|endoftext|>\nTen and two is twelve.\n<|endoftext|>\n")
    options = ["--data", tmp_path / "text.txt", "--tokenizer", world / "tokenizer.json", "--packing", "documents", "--bits", 3]
    found = [program.json("eval", *options) for program in (other, make("--granularity", "group", *GROUP))]
    assert found[0]["tokens"] == found[1]["tokens"] > 10
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], abs=1e-5)


def test_sampler(make, texts, tmp_path):
    program = make("--sampler", "uniform", *GROUP)
    assert program.report["sampler"] == "uniform"
    assert make("--granularity", "group", *GROUP).report["sampler"] == "resource-balanced"
    program("train", *texts, "--out", tmp_path / "run", "--max-steps", 6, "--sampler", "resource-balanced")
    bits = [json.loads(line)["mean_bits"] for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert bits[0] == 4 and bits[3] == 2  # the triangle begins at the top and turns in the middle
    uniform = [json.loads(line)["mean_bits"] for line in (program.trained / "metrics.jsonl").read_text().splitlines()]
    assert all(2 < b < 4 for b in uniform)


def test_compiling_twice_gives_the_same_bytes(compiler, world, tmp_path):
    contents = []
    for _ in range(2):
        compiler(world / "model.onnx", *GROUP, *COMMON, "-o", tmp_path / "program")
        contents.append([(tmp_path / name).read_bytes() for name in ("program", "program.safetensors")])
    assert contents[0] == contents[1]


def test_stages_can_be_seen_and_gone_on_from(compiler, world, texts, tmp_path):
    stages = ["import", "supernet", "autodiff", "schedule", "kernels", "lowering"]
    options = [*COMMON, *GROUP, "--granularity", "group"]
    compiler(world / "model.onnx", *options, "--dump-stages-to", tmp_path / "stages", "-o", tmp_path / "whole")
    dumped = {file.name: file.read_text() for file in (tmp_path / "stages").iterdir()}
    assert sorted(dumped) == [f"{number}-{name}.mlir" for number, name in enumerate(stages, 1)]
    whole = Program(tmp_path / "whole")
    whole("train", *texts, "--out", tmp_path / "run", "--max-steps", 2)
    wanted = whole.json("eval", "--run", tmp_path / "run", "--max-tokens", 500)
    said = whole("generate", "--run", tmp_path / "run", "--prompt", "Anna", "--tokens", 8)
    for number, stage in enumerate(stages, 1):
        printed = compiler(world / "model.onnx", *options, "--compile-to", stage)
        assert printed.strip() == dumped[f"{number}-{stage}.mlir"].split("\n", 1)[1].strip()
        if stage in ("supernet", "kernels"):  # the module says itself what the options were
            compiler(tmp_path / f"stages/{number}-{stage}.mlir", "--compile-from", stage, "--isa", "portable", *COMMON[2:], "-o", tmp_path / stage)
            again = Program(tmp_path / stage)
            assert again.json("eval", "--run", tmp_path / "run", "--max-tokens", 500) == wanted
            assert again("generate", "--run", tmp_path / "run", "--prompt", "Anna", "--tokens", 8) == said


def test_instruction_sets_are_those_asked_for(make):
    assert all(kernel["isa"] == ["portable"] for kernel in make("--granularity", "group", *GROUP).report["kernels"])
    program = make("--granularity", "group", *GROUP)
    assert evaluate(program, "--isa", "avx2") == evaluate(program)  # what is not there is not asked for
