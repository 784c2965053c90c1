"""Tests the table at the end of the example."""

import json
import subprocess
import sys

import pytest
from conftest import load_script

table = load_script("examples/table.py")
SMALL = dict(bytes=90123, mean_bits=2.5, perplexity=370000.4)


def test_table_has_a_row_for_every_model(tmp_path, root):
    results = {"a": dict(bytes=538060032, mean_bits=32, perplexity=13.7), "b": SMALL, "c": SMALL | dict(perplexity=39.996)}
    for name, result in results.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    arguments = [f"float={tmp_path}/a.json", f"k=2={tmp_path}/b.json,{tmp_path}/c.json"]
    done = subprocess.run([sys.executable, root / "examples/table.py", *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "model        bytes  mean bits  perplexity  trained",
        "-----  -----------  ---------  ----------  -------",
        "float  538,060,032      32.00       13.70",
        "k=2         90,123       2.50  370,000.40    40.00"]


def test_missing_key_is_named():
    with pytest.raises(ValueError, match="float: no mean_bits, perplexity in the result of eval"):
        table.row("float", {"bytes": 1})
    with pytest.raises(ValueError, match="b: no perplexity in the result of eval"):
        table.row("b", SMALL, {"bytes": 90123, "mean_bits": 2.5})


def test_files_of_one_row_are_of_one_size():
    with pytest.raises(ValueError, match="b: 90123 bytes before training, 90124 after it"):
        table.row("b", SMALL, SMALL | dict(bytes=90124))
