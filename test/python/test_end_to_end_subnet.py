"""Tests that a subnet is what was trained: its bytes, its losses and its text against the supernet's and a textbook's."""

import json
import re
import sys

import numpy as np
import pytest
from conftest import Program, load_script
from llama_reference import dequantized, llama, mean_loss, with_adapter
from safetensors.numpy import load_file
from tokenizers import Tokenizer

load_script("examples/tiny/make_tiny.py")
SHAPE = sys.modules["make_tiny"].SHAPE
EVAL = ["--max-tokens", 2000]


def sites(program):
    return program.json("info")["sites"]


def is_free(site):
    return len(site["bits"]) > 1


def random_configuration(program, seed):
    generator = np.random.default_rng(seed)
    return {site["name"]: int(generator.choice(site["bits"])) for site in sites(program)}


def write_configuration(path, configuration):
    path.write_text(json.dumps({"configuration": configuration}))
    return path


@pytest.fixture(scope="module")
def configurations(supernet, tmp_path_factory):
    """Files of random configurations."""
    folder = tmp_path_factory.mktemp("configurations")
    return [write_configuration(folder / f"{seed}.json", random_configuration(supernet, seed)) for seed in range(3)]


@pytest.fixture(scope="module")
def subnets(supernet, configurations, compiler, world):
    """The subnet program of each configuration, with scales in float32, and of the first in float16 as well."""
    programs = {}
    for number, file in enumerate(configurations):
        for scales in ("f32", "f16") if number == 0 else ("f32",):
            path = file.with_name(f"subnet-{number}-{scales}")
            printed = compiler(world / "model.onnx", "--subnet", file, "--weights", supernet.trained, "--scale-type", scales,
                               "--batch", 4, "--sequence", 64, "--isa", "portable,avx2", "-o", path)
            programs[number, scales] = Program(path)
            programs[number, scales].printed = printed
    return programs


@pytest.fixture(scope="module")
def effective(supernet, configurations):
    """Weights of the first configuration with adapters added, in NumPy."""
    copies = load_file(supernet.trained / "supernet.safetensors")
    adapters = load_file(supernet.trained / "checkpoints/000030/adapters.safetensors")
    bits = json.loads(configurations[0].read_text())["configuration"]
    weights = {name: values for name, values in copies.items() if name.endswith(".weight")}
    rows = dict(SHAPE.weights())
    for site in sites(supernet):
        for linear in site["linears"]:
            name = linear["name"]
            matrix = dequantized(copies, name, bits[site["name"]])[: rows[name + ".weight"][0]]
            weights[name + ".weight"] = with_adapter(matrix, adapters, name, bits[site["name"]], strength=16 / 16)  # alpha / rank
    assert set(weights) == set(rows)
    return weights


def short_text(world, words):
    return " ".join((world / "validation.txt").read_text().replace("<|endoftext|>", "").split()[:words])


def test_training_moved_the_adapters(supernet):
    trained, initial = ([supernet.json("eval", "--run", supernet.trained, "--bits", b, *EVAL, *more)["loss"] for b in (2, 3, 4)]
                        for more in ([], ["--initial"]))
    assert all(abs(a - b) > 0.02 for a, b in zip(trained, initial))


def test_supernet_computes_what_a_textbook_does(supernet, configurations, effective, world, tmp_path):
    (tmp_path / "text.txt").write_text(short_text(world, 30))
    tokenizer = Tokenizer.from_file(str(world / "tokenizer.json"))
    ids = tokenizer.encode(short_text(world, 30)).ids + [tokenizer.token_to_id("<|endoftext|>")]
    assert 30 < len(ids) <= 65
    found = supernet.json("eval", "--run", supernet.trained, "--configuration", configurations[0], "--data", tmp_path / "text.txt",
                          "--tokenizer", world / "tokenizer.json", "--packing", "documents")
    assert found["tokens"] == len(ids) - 1
    assert found["loss"] == pytest.approx(mean_loss(llama(SHAPE, effective, ids), ids), abs=1e-4)


@pytest.mark.parametrize("number", range(3))
def test_merged_adapters_change_nothing(supernet, subnets, configurations, world, number):
    of_supernet = supernet.json("eval", "--run", supernet.trained, "--configuration", configurations[number], *EVAL)
    of_subnet = subnets[number, "f32"].json("eval", "--data", world / "validation.txt", "--tokenizer", world / "tokenizer.json", *EVAL)
    assert of_subnet["tokens"] == of_supernet["tokens"] >= 2000
    assert of_subnet["loss"] == pytest.approx(of_supernet["loss"], abs=1e-5)
    assert of_subnet["mean_bits"] == of_supernet["mean_bits"]


def test_float16_costs_little_and_says_how_much(subnets, world):
    f32, f16 = (subnets[0, scales].json("eval", "--data", world / "validation.txt", "--tokenizer", world / "tokenizer.json", *EVAL)
                for scales in ("f32", "f16"))
    assert 0 < abs(f16["loss"] - f32["loss"]) < 2e-3
    assert f16["bytes"] < f32["bytes"]
    merged, rounding = re.search(r"(\d+) adapters merged, largest rounding of a zero to f16 (\S+) of its scale", subnets[0, "f16"].printed).groups()
    assert int(merged) > 0 and 0 < float(rounding) < 0.2
    assert "rounding" not in subnets[0, "f32"].printed


def generated(program, world, prompt, tokens, *options):
    return program("generate", "--tokenizer", world / "tokenizer.json", "--prompt", prompt, "--tokens", tokens, *options)


def continued(weights, ids, end, count):
    """ids and the likeliest tokens after them, without caches: the whole sequence again for every token."""
    start = len(ids)
    while len(ids) < start + count:
        token = int(llama(SHAPE, weights, ids)[-1].argmax())
        if token == end:
            break
        ids = [*ids, token]
    return ids


@pytest.mark.parametrize("words", [5, 55, 110])  # below a block of 64 that prefill reads, above one, above two
def test_generated_text_is_the_likeliest(supernet, subnets, configurations, effective, world, words):
    tokenizer = Tokenizer.from_file(str(world / "tokenizer.json"))
    end = tokenizer.token_to_id("<|endoftext|>")
    prompts = (short_text(world, words + more) for more in range(50))  # one that is not ended at once
    prompt, ids = next((p, ids) for p in prompts if len(ids := continued(effective, tokenizer.encode(p).ids, end, 16)) > len(tokenizer.encode(p).ids))
    options = ["--temperature", 0, "--run", supernet.trained, "--configuration", configurations[0]]
    of_supernet = generated(supernet, world, prompt, 16, *options)
    assert of_supernet == tokenizer.decode(ids, skip_special_tokens=False) + "\n"
    assert generated(subnets[0, "f32"], world, prompt, 16, *options[:2]) == of_supernet


def test_context_has_an_end(compiler, supernet, configurations, world, tmp_path):
    compiler(world / "model.onnx", "--subnet", configurations[0], "--weights", supernet.trained, "--context", 70, "--scale-type", "f32",
             "--isa", "portable", "-o", tmp_path / "short")
    short = Program(tmp_path / "short")
    options = ["--tokenizer", world / "tokenizer.json"]
    tokenizer = Tokenizer.from_file(str(world / "tokenizer.json"))
    prompt = tokenizer.decode(tokenizer.encode(short_text(world, 90)).ids[:67])
    count = len(tokenizer.encode(prompt).ids)
    assert 64 < count < 70  # the last tokens fill caches that have no room for another block
    for seed in range(20):  # one of them does not end its text itself
        sampled = [*options, "--temperature", 1, "--seed", seed, "--prompt", prompt]
        done = short.run("generate", *sampled, "--tokens", 30)
        assert done.returncode == 0
        if "the context of 70 tokens is full" in done.stderr:
            break
    else:
        pytest.fail("no text reached the end of the context")
    # The last logits come out of a full context, so one token more than fits.
    assert done.stdout == supernet("generate", *sampled, "--tokens", 71 - count, "--run", supernet.trained, "--configuration", configurations[0])
    too_long = short.fails("generate", *options, "--prompt", short_text(world, 90))
    assert re.search(r"\d+ tokens do not fit after 0 into a context of 70", too_long)


def test_sampling_is_a_function_of_the_seed(subnets, world):
    texts = [generated(subnets[0, "f32"], world, "Anna", 20, "--temperature", 1, "--seed", seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_subnet_measures_its_speed(subnets):
    measured = subnets[0, "f16"].json("bench", "--repeats", 2, "--position", 70)
    assert measured["loss"] == pytest.approx(measured["log_vocabulary"], rel=0.1)
    names = [row["name"] for row in measured["times"]]
    assert names[-2:] == ["prefill", "decode"] and "step" not in names
    assert all(len(row["seconds"]) == 2 and row["median_seconds"] > 0 for row in measured["times"])
