"""Compile time and memory of qfa-compile, without quantization and without writing weights: wall seconds, CPU seconds, peak RSS.

    .venv/bin/python benchmarks/compile_time.py --build build [--model MODEL.onnx] [--rounds 5]

Without --model a LLaMA-2-7B-shaped ONNX is made, its weights a hole in a sparse file. The figures are medians over the rounds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from llama_onnx import LlamaShape, write_llama

LLAMA_7B = LlamaShape(vocab=32000, hidden=4096, layers=32, heads=32, kv_heads=32, intermediate=11008, tied=False)


def measure(command):
    """Wall seconds, CPU seconds and peak RSS in MiB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("options", nargs="*", help="further options of qfa-compile, after --")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = args.model
        if not model:
            write_llama(folder, LLAMA_7B, None)
            model = Path(folder, "model.onnx")
        command = [args.build / "bin/qfa-compile", model, "--program-only", "-o", Path(folder, "program"), *args.options]
        runs = [measure(command) for _ in range(args.rounds)]
    wall, cpu, rss = (statistics.median(column) for column in zip(*runs))
    print(f"{args.model or '7B shape'}: {wall:.1f} s wall (fastest {min(run[0] for run in runs):.1f}), {cpu:.1f} s CPU, {rss:.0f} MiB peak")


if __name__ == "__main__":
    main()
