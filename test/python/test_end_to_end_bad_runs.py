"""Tests that programs refuse bad text, tokenizers, runs, subnets and options with exit code 1 and one plain sentence."""

import json
import re
import shutil

import pytest
from conftest import Program


def test_text_and_tokenizer(supernet, world, tmp_path):
    tokenizer, run = ["--tokenizer", world / "tokenizer.json"], tmp_path / "run"

    def file(name, content):
        (tmp_path / name).write_bytes(content)
        return supernet.refuses("train", "--data", tmp_path / name, *tokenizer, "--out", run, "--max-steps", 1)

    assert "empty.txt' holds no text" in file("empty.txt", b"")
    assert "blank.txt' holds no text" in file("blank.txt", b" \n\n")
    assert "binary.txt': invalid UTF-8 at byte 2" in file("binary.txt", b"ab\xff")
    assert "wanted at least 65 for one window of sequence length 64" in file("short.txt", b"Hello.")
    assert "found the keys a; wanted prompt and completion" in file("keys.jsonl", b'{"a": "b"}\n')
    assert "broken.jsonl:2: " in file("broken.jsonl", b'{"text": "b"}\n{"text": \n')
    assert "prose.json' holds neither a list of objects nor an object a line" in file("prose.json", b"Once upon a time")

    def wrong(path):
        return supernet.refuses("train", "--data", world / "train.txt", "--tokenizer", path, "--out", run, "--max-steps", 1)

    content = json.loads((world / "tokenizer.json").read_text())
    content["model"]["vocab"] |= {f"<{number}>": number for number in range(512, 600)}
    (tmp_path / "larger.json").write_text(json.dumps(content))
    assert "has 600 pieces, but the model's vocabulary holds 512: it belongs to another model" in wrong(tmp_path / "larger.json")
    assert "none.json' cannot be opened" in wrong(tmp_path / "none.json")
    (tmp_path / "other.json").write_text("{}")
    assert 'no "model" in the JSON file' in wrong(tmp_path / "other.json")
    assert "neither a tokenizer.json, nor a llama2.c tokenizer, nor a sentencepiece model" in wrong(world / "train.txt")
    assert not run.exists()


def test_runs_and_configurations(supernet, tmp_path):
    assert "'nowhere' is not a run: it holds no config.yaml" in supernet.refuses("eval", "--run", "nowhere")
    assert "made for a supernet with options" in supernet.refuses("eval", "--run", other_run(supernet, tmp_path))
    good = {site["name"]: site["bits"][0] for site in supernet.json("info")["sites"]}
    free = next(site["name"] for site in supernet.json("info")["sites"] if len(site["bits"]) > 1)

    def configuration(content):
        (tmp_path / "c.json").write_text(content if isinstance(content, str) else json.dumps({"configuration": content}))
        return supernet.refuses("eval", "--run", supernet.trained, "--configuration", tmp_path / "c.json")

    assert "wanted JSON with a 'configuration' of bits by site" in configuration("{")
    assert f"site '{free}' has a choice of" in configuration(good | {free: 8})
    assert f"no bits for site '{free}'" in configuration({k: v for k, v in good.items() if k != free})
    assert "this program has" in configuration(good | {"model.layers.99.mlp.down": 2})
    assert f"site '{free}'" in supernet.refuses("eval", "--run", supernet.trained, "--bits", 7)


def other_run(supernet, tmp_path):
    """A copy of a run that says it belongs to a supernet of other options."""
    run = tmp_path / "other"
    shutil.copytree(supernet.trained, run)
    content = (run / "supernet.safetensors").read_bytes()
    assert content.count(b"granularity=group") == 1
    (run / "supernet.safetensors").write_bytes(content.replace(b"granularity=group", b"granularity=block"))
    return run


def test_subnets(compiler, supernet, world, out, tmp_path):
    site = next(site["name"] for site in supernet.json("info")["sites"] if len(site["bits"]) > 1)
    good = {site["name"]: site["bits"][0] for site in supernet.json("info")["sites"]}

    def compile(content, run=supernet.trained):
        (tmp_path / "s.json").write_text(content if isinstance(content, str) else json.dumps({"configuration": content}))
        return compiler.refuses(world / "model.onnx", "--subnet", tmp_path / "s.json", "--weights", run, "--isa", "portable", "-o", out / "program")

    assert 'has no object "configuration"' in compile("{}")
    assert "s.json" in compile("{")
    assert f"configuration gives site {site} 8 bits, it offers 2, 3, 4" in compile(good | {site: 8})
    assert f"configuration gives site {site} no bits" in compile({k: v for k, v in good.items() if k != site})
    assert "model.layers.99.mlp.down" in compile(good | {"model.layers.99.mlp.down": 2})  # of another model
    assert "is not a run" in compile(good, run=tmp_path / "nowhere")


def test_damaged_runs(compiler, supernet, world, out, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(supernet.trained, run)
    (run / "subnet.json").write_text(json.dumps({"configuration": {s["name"]: s["bits"][0] for s in supernet.json("info")["sites"]}}))

    def extract():
        return compiler.fails(world / "model.onnx", "--subnet", run / "subnet.json", "--weights", run, "--isa", "portable", "-o", out / "program")

    (checkpoint,) = (run / "checkpoints").iterdir()
    adapters = checkpoint / "adapters.safetensors"
    content = bytearray(adapters.read_bytes())
    content[-100] ^= 4
    adapters.write_bytes(content)
    for text in supernet.fails("eval", "--run", run), extract():
        assert re.search(rf"checkpoint '{checkpoint}' is damaged, trying an older one: .*checksum \w{{16}}, wanted \w{{16}}", text)
        assert "no whole checkpoint in" in text
    shutil.rmtree(run / "checkpoints")
    assert "has no checkpoint yet" in supernet.refuses("eval", "--run", run)
    assert "holds no whole checkpoint" in extract()
    copies = run / "supernet.safetensors"
    copies.write_bytes(copies.read_bytes()[:-1000])
    assert re.search(r"supernet.safetensors: tensor '\S+' lies at bytes \d+ to \d+, the file has \d+", supernet.refuses("eval", "--run", run))
    assert "the file has" in extract()


@pytest.mark.parametrize("arguments,text", [
    ([], "required"),
    (["dance"], "dance"),
    (["eval", "--bits", 3, "--configuration", "x"], "excludes"),
    (["train", "--max-steps", 1], "--data is required"),
    (["search", "--run", "nowhere"], "--budget is required"),
    (["generate", "--tokens", 0], "--tokens: Value 0 not in range 1 to"),
    (["generate", "--temperature", -1], "--temperature is -1, wanted no negative number"),
    (["generate", "--top-p", 0], "--top-p is 0, wanted a number in (0, 1]"),
    (["bench", "--position", 5000], "--position is 5000, wanted less than the context of 2048"),
    (["bench", "--bits", 7], "has a choice of bits 2, 3, 4, not 7"),
    (["bench", "--bits", "all"], "--bits is 'all', wanted a width or mixed"),
    (["bench", "--entry", "update"], "--entry is 'update', wanted train_step, eval_step, prefill, decode"),
    (["bench", "--device", "tpu"], "--device is 'tpu', wanted cpu, cuda, cuda:N, emulated or auto"),
    (["eval", "--threads", -1], "--threads: Value -1 not in range 0 to 1024"),
    (["eval", "--isa", "mmx", "--run", "RUN"], "instruction set 'mmx' is unknown, wanted portable, avx2 or avx512"),
])
def test_options_of_programs(supernet, arguments, text):
    assert text in supernet.refuses(*(supernet.trained if word == "RUN" else word for word in arguments))


@pytest.mark.parametrize("option,value,text", [
    ("--max-steps", -3, "--max-steps is -3, wanted a positive number"),
    ("--learning-rate", 0, "--learning-rate is 0, wanted a positive number"),
    ("--schedule", "linear", "--schedule is linear, wanted constant or cosine"),
    ("--sampler", "best", "sampler 'best' is unknown, wanted uniform or resource-balanced"),
    ("--checkpoint-every", "3h", "--checkpoint-every is '3h', wanted steps (100) or minutes (10m)"),
    ("--packing", "tight", "packing 'tight', wanted auto, documents or packed"),
    ("--out", "/proc/run", "cannot make folder '/proc/run': No such file or directory"),
    ("--config", "nowhere.yaml", "nowhere.yaml"),
])
def test_options_of_training(supernet, texts, tmp_path, option, value, text):
    usual = {"--max-steps": 1, "--out": tmp_path / "run"} | {option: value}
    assert text in supernet.refuses("train", *texts, *(word for pair in usual.items() for word in pair))
    assert not (tmp_path / "run").exists()


def test_programs_without_their_weights(supernet, world, tmp_path):
    program = Program(tmp_path / "alone")
    shutil.copy(supernet.path, program.path)
    text = ["--data", world / "test.txt", "--tokenizer", world / "tokenizer.json"]
    assert f"no weights beside the program: '{program.path}.safetensors' does not exist; name them with --weights" in program.refuses("eval", *text)
    assert "cannot open nowhere" in program.refuses("eval", *text, "--weights", "nowhere")
    weights = program.path.with_name("alone.safetensors")
    weights.write_bytes((supernet.path.parent / "supernet.safetensors").read_bytes()[:-8])
    assert "the file has" in program.refuses("eval", *text)
