"""Tests that budgets hold: what search promises is what lies on disk."""

import json
import re
import signal
import subprocess
import time

import pytest
from conftest import Program

SMALL = ["--samples", 12, "--refine", 8, "--max-tokens", 600, "--final-tokens", 600]


def search(program, run, *options):
    return program("search", "--run", run, *SMALL, *options)


def smallest_bytes(program):
    return program.json("eval", "--run", program.trained, "--bits", 2, "--max-tokens", 100)["bytes"]


@pytest.fixture(scope="module")
def budgets(supernet):
    """Budgets that this model can meet, between all sites at 2 bits and all at 4."""
    low, high = (supernet.json("eval", "--run", supernet.trained, "--bits", b, "--max-tokens", 100)["bytes"] for b in (2, 4))
    assert low < high
    return ["2bpw", "2.5bpw", "4bpw", f"{(low + high) // 2}", f"{(low + 2 * (high - low) / 3) / 1024:.1f}KiB", f"{low}B"]


@pytest.fixture(scope="module")
def found(supernet, budgets):
    """What search wrote for each budget."""
    printed = search(supernet, supernet.trained, *(f"--budget={budget}" for budget in budgets))
    subnets = {budget: json.loads((supernet.trained / f"subnets/{budget}.json").read_text()) for budget in budgets}
    for budget, subnet in subnets.items():
        assert re.search(rf"{budget}: loss {subnet['validation_loss']:.4f} ", printed)
    return subnets


def limit(budget):
    """(mean bits, bytes), one of them infinite."""
    if budget.endswith("bpw"):
        return float(budget[:-3]), float("inf")
    return float("inf"), float(budget.rstrip("KiB")) * (1024 if "Ki" in budget else 1)


def test_no_budget_is_exceeded(supernet, found):
    for budget, subnet in found.items():
        bits, size = limit(budget)
        assert subnet["mean_bits"] <= bits and subnet["bytes"]["total"] <= size
        assert subnet["budget"] == budget
        assert subnet["bytes"]["total"] == sum(n for part, n in subnet["bytes"].items() if part != "total")
        assert set(subnet["configuration"]) == {site["name"] for site in supernet.json("info")["sites"]}
    counted = {site["name"]: sum(l["out"] * l["in"] for l in site["linears"]) for site in supernet.json("info")["sites"] if len(site["bits"]) > 1}
    for subnet in found.values():
        mean = sum(subnet["configuration"][name] * n for name, n in counted.items()) / sum(counted.values())
        assert subnet["mean_bits"] == pytest.approx(mean)


def test_losses_are_those_of_eval(supernet, found):
    for budget, subnet in found.items():
        result = supernet.json("eval", "--run", supernet.trained, "--configuration", supernet.trained / f"subnets/{budget}.json", "--max-tokens", 600)
        assert result["loss"] == pytest.approx(subnet["validation_loss"], abs=1e-6)
        assert result["bytes"] == subnet["bytes"]["total"]


def test_more_room_never_costs(found):
    assert found["4bpw"]["validation_loss"] <= found["2.5bpw"]["validation_loss"] <= found["2bpw"]["validation_loss"]
    assert set(found["2bpw"]["configuration"].values()) == {2, 8}  # only the embedding is not at 2


@pytest.mark.parametrize("budget", ["2.5bpw", 3])
def test_the_file_is_as_large_as_promised(supernet, found, budgets, compiler, world, tmp_path, budget):
    budget = budgets[budget] if isinstance(budget, int) else budget
    printed = compiler(world / "model.onnx", "--subnet", supernet.trained / f"subnets/{budget}.json", "--weights", supernet.trained,
                       "--isa", "portable", "-o", tmp_path / "subnet")
    size = (tmp_path / "subnet.safetensors").stat().st_size
    assert size == found[budget]["bytes"]["total"] <= limit(budget)[1]
    assert f"subnet.safetensors: {size} bytes" in printed
    result = Program(tmp_path / "subnet").json("eval", "--data", world / "test.txt", "--tokenizer", world / "tokenizer.json", "--max-tokens", 300)
    assert result["bytes"] == size


def test_the_same_search_finds_the_same(supernet, found, tmp_path):
    again = tmp_path / "run"
    subprocess.run(["cp", "-r", supernet.trained, again], check=True)
    (again / "search.jsonl").unlink()
    search(supernet, again, "--budget", "2.5bpw")
    assert json.loads((again / "subnets/2.5bpw.json").read_text()) == found["2.5bpw"]


def test_impossible_budgets(supernet):
    low = smallest_bytes(supernet)

    def fails(*budgets):
        return supernet.fails("search", "--run", supernet.trained, *(f"--budget={budget}" for budget in budgets))

    assert f"budget '{low - 1}' cannot be met: the smallest configuration has {low} bytes" in fails("4bpw", low - 1)
    assert "budget '1.9bpw' cannot be met: the smallest configuration has 2bpw" in fails("1.9bpw")
    for wrong in "many", "-3bpw", "2.5bits", "0":
        assert f"budget '{wrong}', wanted mean bits (2.5bpw) or bytes (400KiB, 1.2MB, 123456)" in fails(wrong)


def test_an_interrupted_search_goes_on(supernet, tmp_path):
    run = tmp_path / "run"
    subprocess.run(["cp", "-r", supernet.trained, run], check=True)
    for left in (run / "search.jsonl", *run.glob("subnets/*")):
        left.unlink(missing_ok=True)
    command = [supernet.path, "search", "--run", run, "--budget", "3bpw", "--samples", "2000", "--max-tokens", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while time.monotonic() < until and not ((run / "search.jsonl").exists() and (run / "search.jsonl").read_text().count("\n") > 20):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    printed, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    evaluations = int(re.search(r"stopped after (\d+) evaluations, all of them kept; the same command goes on", printed)[1])
    assert evaluations >= 20 and not list(run.glob("subnets/*"))
    lines = (run / "search.jsonl").read_text().splitlines()
    assert len(lines) >= evaluations
    search(supernet, run, "--budget", "3bpw")  # the first of the same samples
    assert (run / "subnets/3bpw.json").exists()
    assert (run / "search.jsonl").read_text().splitlines()[:len(lines)] == lines  # nothing is scored twice
