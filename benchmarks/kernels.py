#!/usr/bin/env python3
"""Compare the matrix kernels with numpy's sgemm (OpenBLAS) at the same shapes, one thread each, in alternating turns.

usage: OPENBLAS_NUM_THREADS=1 benchmarks/kernels.py [build]
"""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import numpy

TOKENS = 512
TURNS = 3


def kernel_rates(build: Path) -> dict[str, float]:
    """GFLOP/s of every kernel of kernels.mlir."""
    file = Path(__file__).with_name("kernels.mlir")
    out = subprocess.run([build / "bin" / "qfa-kernel-bench", file, "--seconds=0.3"], check=True, text=True,
                         capture_output=True).stdout
    return {name: float(rate) for name, rate in re.findall(r"^(\S+) .* (\S+) GFLOP/s", out, re.MULTILINE)}


def product_rate(rows: int, depth: int, columns: int) -> float:
    """GFLOP/s of numpy's product [rows, depth] x [depth, columns]."""
    left = numpy.random.rand(rows, depth).astype(numpy.float32)
    right = numpy.random.rand(depth, columns).astype(numpy.float32)
    best = float("inf")
    for _ in range(30):
        start = time.thread_time()
        left @ right
        best = min(best, time.thread_time() - start)
    return 2e-9 * rows * depth * columns / best


def main() -> None:
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for _ in range(TURNS):
        for name, rate in kernel_rates(build).items():
            ours[name] = max(rate, ours.get(name, 0))
        for name in ours:
            shape = re.fullmatch(r"(linear|linear_grad|accumulate_outer)(?:_dense)?_(\d+)x(\d+)", name)
            if not shape:
                continue
            out, width = int(shape[2]), int(shape[3])
            sizes = {"linear": (TOKENS, width, out), "linear_grad": (TOKENS, out, width),
                     "accumulate_outer": (out, TOKENS, width)}[shape[1]]
            theirs[name] = max(product_rate(*sizes), theirs.get(name, 0))
    print(f"{'kernel':36} {'GFLOP/s':>8} {'sgemm':>8} {'ratio':>6}")
    for name, rate in ours.items():
        known = theirs.get(name)
        print(f"{name:36} {rate:8.1f} " + (f"{known:8.1f} {rate / known:6.2f}" if known else ""))


if __name__ == "__main__":
    main()
