"""compare.py TOLERANCE EXPRESSION NAME=FILE.npy ...: fails unless the expression's largest value is at most the tolerance.

The expression sees the arrays by name, NumPy as np, and bf16(x), which rounds to bfloat16.
"""
import sys

import numpy as np


def bf16(x):
    bits = np.asarray(x, "f4").view("u4")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype("u4").view("f4")


arrays = {name: np.load(path) for name, path in (text.split("=") for text in sys.argv[3:])}
largest = np.max(np.abs(eval(sys.argv[2], {"np": np, "bf16": bf16}, arrays)))
if not largest <= float(sys.argv[1]):
    sys.exit(f"compare.py: {sys.argv[2]} reaches {largest}, wanted at most {sys.argv[1]}")
