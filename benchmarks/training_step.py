"""Measures a training step of a compiled program against eager PyTorch doing the same step, and prints a table.

    python training_step.py --model out/smollm2 [--compiler build/bin/qfa-compile] [--tokens 512 2048] [--threads 1 2] [--rounds 10]
    python training_step.py --shape 15m            a generated model: hidden 288, 6 layers, 6 heads, vocabulary 32000

Run it with the python of an environment that holds requirements-benchmark.txt; without PyTorch it says so and measures nothing. Both sides
read the weights of MODEL/model.onnx, hold the linears at 4 bits with adapters of rank 16, and train on the same windows of 256 tokens: the
text is cut so that one step reads all of it. Their first losses must agree to 1e-3, or the comparison is of different things and fails.
Each turn is a new process whose first step is not counted; turns alternate A B B A, so that a slow minute of the machine meets both.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SEQUENCE, RANK, BITS = 256, 16, 4
LOSS_TOLERANCE = 1e-3  # of the first step, where adapters add nothing yet: only the order of sums differs
MIB = 1 << 20
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of numpy in this process, read when it is imported: calibrate() is about one core


def calibrate():
    """GFLOP/s of a float32 matrix product on one core for 50 ms: what the machine gives in this very minute."""
    import numpy as np
    a = np.ones((768, 768), np.float32)
    a @ a
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < 0.05:
        a @ a
        count += 1
    return 2 * 768**3 * count / (time.perf_counter() - start) / 1e9


def run_turn(command, threads, folder):
    """Runs a process to its end; returns its stdout and peak memory in bytes as the kernel saw it."""
    environment = os.environ | {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(threads)}
    with open(folder / "stdout", "w+") as out, open(folder / "stderr", "w+") as err:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=err, env=environment, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            err.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))}\nended with {process.returncode}: {err.read()[-2000:]}")
        out.seek(0)
        return out.read(), usage.ru_maxrss * 1024


class Torch:
    name = "PyTorch eager"

    def __init__(self, model, group):
        self.model, self.group = model, group

    def turn(self, tokens, threads, steps, folder):
        command = [sys.executable, HERE / "torch_step.py", self.model, "--tokens-file", folder / f"ids-{tokens}.npy", "--group-size", self.group, "--rank", RANK,
                   "--batch", tokens // SEQUENCE, "--sequence", SEQUENCE, "--threads", threads, "--steps", steps + 1]
        out, peak = run_turn(command, threads, folder)
        return [json.loads(line) for line in out.splitlines()], peak


class Compiled:
    name = "QFA"

    def __init__(self, model, group, compiler):
        self.model, self.group, self.compiler = model, group, compiler

    def program(self, tokens, folder):
        """The program for steps of this size, compiled at its first use."""
        program = folder / f"program-{tokens}"
        if not program.exists():
            run_turn([self.compiler, self.model / "model.onnx", "--bits", BITS, "--group-size", self.group, "--rank", RANK,
                      "--batch", tokens // SEQUENCE, "--sequence", SEQUENCE, "-o", program], 1, folder)
        return program

    def turn(self, tokens, threads, steps, folder):
        run = Path(tempfile.mkdtemp(dir=folder)) / "run"
        command = [self.program(tokens, folder), "train", "--data", folder / f"text-{tokens}.txt", "--validation-fraction", 0,
                   "--tokenizer", self.model / "tokenizer.json", "--out", run, "--threads", threads, "--max-steps", steps + 1]
        _, peak = run_turn(command, threads, folder)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        shutil.rmtree(run.parent)
        return [line for line in lines if "cpu_seconds" in line], peak


def generate_15m(folder):
    """The shape of llama2.c's 15M model with random weights, and a tokenizer that fits its vocabulary."""
    import numpy as np
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    sys.path.insert(0, str(ROOT / "examples"))
    from llama_onnx import LlamaShape, write_llama

    shape = LlamaShape(vocab=32000, hidden=288, layers=6, heads=6, kv_heads=6, intermediate=768, tied=True)
    generator, dims = np.random.default_rng(0), dict(shape.weights())
    write_llama(folder, shape, lambda name: generator.normal(len(dims[name]) == 1, 0.02, dims[name]))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(letters + [f"unused{i}" for i in range(shape.vocab - len(letters))])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))


def cut_text(model, text, tokens, folder):
    """Writes the beginning of a document that makes the windows of one step, `tokens` ids and one more, as text and as ids."""
    import numpy as np
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    for document in text.read_text(encoding="utf-8").split("<|endoftext|>"):
        document = document.strip()[:tokens * 20]
        for _, end in tokenizer.encode(document).offsets[tokens:]:
            # Programs add the mark of the end, which comes after the last window.
            ids = tokenizer.encode(document[:end]).ids
            if len(ids) == tokens + 1:
                (folder / f"text-{tokens}.txt").write_text(document[:end], encoding="utf-8")
                np.save(folder / f"ids-{tokens}.npy", np.array(ids, np.int64))
                return
    sys.exit(f"{text} has no document that begins with {tokens + 1} tokens")


def measure(contenders, tokens, threads, args, folder):
    """Every contender's turns, each a dict of per-step medians; and the calibrations between the rounds."""
    turns, speed = {c.name: [] for c in contenders}, []
    for number in range(args.rounds):
        speed.append(calibrate())
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            steps, peak = contender.turn(tokens, threads, args.steps, folder)
            counted = steps[1:]
            turns[contender.name].append(dict(cpu=statistics.median(s["cpu_seconds"] for s in counted), peak=peak, loss=steps[0]["loss"],
                                              wall=statistics.median(s["seconds"] for s in counted)))
            print(f"  {tokens} tokens, {threads} threads, round {number + 1}: {contender.name} {turns[contender.name][-1]}", file=sys.stderr)
    first = {name: rows[0]["loss"] for name, rows in turns.items()}
    print(f"  {tokens} tokens: first losses " + ", ".join(f"{name} {loss:.5f}" for name, loss in first.items()), file=sys.stderr)
    if max(first.values()) - min(first.values()) > LOSS_TOLERANCE:
        sys.exit(f"first losses differ by more than {LOSS_TOLERANCE}: {first}")
    return turns, speed


def spread(values):
    """Noise floor: the median quotient of two turns of the same contender, one after the other."""
    quotients = [max(a, b) / min(a, b) for a, b in zip(values, values[1:])]
    return statistics.median(quotients) if quotients else float("nan")


def report(label, tokens, threads, turns, speed):
    rows, middle = [], {}
    for name, list_of_turns in turns.items():
        cpu, wall, peak = ([turn[key] for turn in list_of_turns] for key in ("cpu", "wall", "peak"))
        middle[name] = statistics.median(cpu), statistics.median(wall), max(peak)
        rows.append(f"| {label} | {tokens} | {threads} | {name} | {min(cpu):.3f} | {statistics.median(cpu):.3f} | {min(wall):.3f} "
                    f"| {statistics.median(wall):.3f} | {max(peak) / MIB:,.0f} | {spread(cpu):.2f} | {list_of_turns[0]['loss']:.4f} |")
    if len(middle) == 2:
        ours, theirs = middle[Compiled.name], middle[Torch.name]
        quotient = [b / a for a, b in zip(ours, theirs)]
        rows.append(f"| {label} | {tokens} | {threads} | {Torch.name} / {Compiled.name} | | {quotient[0]:.2f} | | {quotient[1]:.2f} | {quotient[2]:.2f} | | |")
    rows.append(f"| {label} | {tokens} | {threads} | sgemm between rounds: {min(speed):.0f} to {max(speed):.0f} GFLOP/s | | | | | | | |")
    return rows


HEADER = ["| model | tokens | threads | | CPU s min | CPU s median | wall s min | wall s median | peak MiB | spread | first loss |",
          "|---|---|---|---|---|---|---|---|---|---|---|"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "out/smollm2", help="folder of model.onnx, config.json, tokenizer.json")
    parser.add_argument("--shape", choices=["15m"], help="a generated model instead")
    parser.add_argument("--text", type=Path, help="what to train on (default: train.txt of MODEL, else the docs of this script's folder)")
    parser.add_argument("--compiler", type=Path, default=ROOT / "build/bin/qfa-compile")
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 2048], help="per step")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=2, help="counted in a turn")
    args = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("skipped: this python has no torch; requirements-benchmark.txt says how to get it")
        return

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model, group = args.model.resolve(), 64
        if args.shape:
            model, group = folder / args.shape, 32  # 288 = 9 * 32
            generate_15m(model)
        if not (model / "model.onnx").exists():
            sys.exit(f"{model} holds no model.onnx; examples/run.sh makes one")
        text = args.text or model / "train.txt"
        if not text.exists():
            text = folder / "text.txt"
            text.write_text("\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("examples/**/*.py"))), encoding="utf-8")
        contenders = [Torch(model, group)]
        if args.compiler.exists():
            contenders.insert(0, Compiled(model, group, args.compiler.resolve()))
        else:
            print(f"{args.compiler} is not built: PyTorch alone is measured", file=sys.stderr)
        rows = []
        for tokens in args.tokens:
            cut_text(model, text, tokens, folder)
            for threads in args.threads:
                turns, speed = measure(contenders, tokens, threads, args, folder)
                rows += report(args.shape or model.name, tokens, threads, turns, speed)
        print("\n".join(HEADER + rows))


if __name__ == "__main__":
    main()
