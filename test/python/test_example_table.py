"""Tests the table at the end of the example."""

import json
import subprocess
import sys

import pytest
from conftest import load_script

table = load_script("examples/table.py")


def test_table_has_a_row_for_every_file(tmp_path, root):
    results = {"a": dict(bytes=538060032, mean_bits=32, perplexity=13.7), "b": dict(bytes=90123, mean_bits=2.5, perplexity=370000.4)}
    for name, result in results.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    arguments = [f"float={tmp_path}/a.json", f"k=2, rounded={tmp_path}/b.json"]
    done = subprocess.run([sys.executable, root / "examples/table.py", *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "model               bytes  mean bits  perplexity",
        "------------  -----------  ---------  ----------",
        "float         538,060,032      32.00       13.70",
        "k=2, rounded       90,123       2.50  370,000.40"]


def test_missing_key_is_named():
    with pytest.raises(ValueError, match="float: no mean_bits, perplexity in the result of eval"):
        table.row("float", {"bytes": 1})
