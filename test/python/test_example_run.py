"""Tests the front door: the tiny example from nothing to its table."""

import json
import subprocess

MODELS = ["float", "rounded-4", "rounded-3", "rounded-2", "subnet-4bpw", "subnet-3bpw", "subnet-2.5bpw"]


def test_tiny_example(build, root, tmp_path):
    done = subprocess.run([root / "examples/run.sh", "--tiny", "--build-dir", build, "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found = {name: json.loads((tmp_path / f"eval/{name}.json").read_text()) for name in MODELS}
    size = {name: result["bytes"] for name, result in found.items()}
    perplexity = {name: result["perplexity"] for name, result in found.items()}
    assert perplexity["float"] < 2.5  # of 512 tokens; random weights have about 512
    assert perplexity["float"] < perplexity["rounded-2"]
    assert perplexity["subnet-2.5bpw"] < perplexity["rounded-2"]
    assert size["subnet-2.5bpw"] < size["subnet-3bpw"] < size["subnet-4bpw"] < size["float"]
    for budget in ("4bpw", "3bpw", "2.5bpw"):
        assert found[f"subnet-{budget}"]["mean_bits"] <= float(budget.removesuffix("bpw"))
        assert size[f"subnet-{budget}"] == (tmp_path / f"story-{budget}.safetensors").stat().st_size
