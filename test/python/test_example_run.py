"""Tests the front door: the tiny example from nothing to its table, and a second start that finds everything done."""

import json
import subprocess

BUDGETS = ["4bpw", "3bpw", "2.5bpw"]
MODELS = ["float", *(f"{kind}-{bits}" for kind in ("rounded", "trained") for bits in (4, 3, 2)),
          *(f"{kind}-{budget}" for kind in ("rounded", "subnet") for budget in BUDGETS)]


def test_tiny_example(build, root, tmp_path):
    command = [root / "examples/run.sh", "--tiny", "--build-dir", build, "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found = {name: json.loads((tmp_path / f"eval/{name}.json").read_text()) for name in MODELS}
    size = {name: result["bytes"] for name, result in found.items()}
    perplexity = {name: result["perplexity"] for name, result in found.items()}
    assert perplexity["float"] < 2  # of 512 tokens; random weights have about 512
    assert perplexity["rounded-4"] < perplexity["rounded-3"] < perplexity["rounded-2"]
    lost = {name: result["loss"] - found["float"]["loss"] for name, result in found.items()}
    assert lost["trained-2"] < 0.5 * lost["rounded-2"]
    assert lost["subnet-2.5bpw"] < 0.5 * lost["rounded-2.5bpw"]
    assert perplexity["subnet-2.5bpw"] < perplexity["trained-2"]
    assert size["subnet-2.5bpw"] < size["subnet-3bpw"] < size["subnet-4bpw"] < size["float"]
    for budget in BUDGETS:
        assert found[f"subnet-{budget}"]["mean_bits"] <= float(budget.removesuffix("bpw"))
        assert size[f"subnet-{budget}"] == size[f"rounded-{budget}"] == (tmp_path / f"story-{budget}.safetensors").stat().st_size

    metrics = (tmp_path / "run/metrics.jsonl").read_text()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stdout[-4000:] + again.stderr[-4000:]
    table = done.stdout[done.stdout.index("\nmodel "):]
    assert again.stdout.endswith(table)
    assert (tmp_path / "run/metrics.jsonl").read_text() == metrics  # not a step more
