"""Trains a supernet of a model with the compiled program and prints its perplexities: float, and each width rounded and after some steps.

    python compiled_quality.py MODEL.onnx TOKENIZER TEXT [--reports 50 100 200] [--group-size auto] [--compiler build/bin/qfa-compile]

TEXT holds stories with a line <|endoftext|> between them. The last fifth of the stories is held out. A sample begins where a story does, so
that the begin-of-story token stands where the tokenizer puts it. Needs no package beyond Python itself.
"""

import argparse
import json
import math
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEPARATOR = "<|endoftext|>"
BITS = (4, 3, 2)


def run(*command):
    """What a command prints."""
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout


def split(text, folder):
    """Paths of the stories to train on and of those held out."""
    stories = [story.strip() for story in text.read_text(encoding="utf-8").split(SEPARATOR) if story.strip()]
    cut = len(stories) * 4 // 5
    for name, part in ("train.txt", stories[:cut]), ("held-out.txt", stories[cut:]):
        (folder / name).write_text(f"\n{SEPARATOR}\n".join(part) + "\n", encoding="utf-8")
    return folder / "train.txt", folder / "held-out.txt"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--reports", type=int, nargs="+", default=[50, 100, 200], help="steps after which widths are judged")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--group-size", default="auto")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--clip", type=float, default=0.3)
    parser.add_argument("--period", type=int, default=20, help="steps of one sweep from 4 bits to 2 and back")
    parser.add_argument("--tokens", type=int, default=20000, help="held-out tokens that are judged")
    parser.add_argument("--compiler", type=Path, default=ROOT / "build/bin/qfa-compile")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train, held_out = split(args.text, folder)
        shape = ["--batch", args.batch, "--sequence", args.sequence]
        run(args.compiler, args.model, "--method", "full", *shape, "-o", folder / "dense")
        run(args.compiler, args.model, "--bits", "auto", "--group-size", args.group_size, "--rank", args.rank, *shape, "-o", folder / "supernet")

        def perplexity(program, *options):
            found = run(folder / program, "eval", "--data", held_out, "--tokenizer", args.tokenizer, "--packing", "documents",
                        "--max-tokens", args.tokens, *options, "--json")
            return f"{math.exp(json.loads(found)['loss']):,.2f}"

        reports = sorted(args.reports)
        columns = {"float": {bits: perplexity("dense") for bits in BITS}, "rounded": {bits: perplexity("supernet", "--bits", bits) for bits in BITS}}
        for step in reports:
            begin = ["--resume"] if (folder / "run").exists() else [
                "--data", train, "--tokenizer", args.tokenizer, "--packing", "documents", "--planned-steps", reports[-1], "--period", args.period,
                "--learning-rate", args.rate, "--schedule", "constant", "--clip", args.clip]
            run(folder / "supernet", "train", "--out", folder / "run", *begin, "--max-steps", step)
            columns[f"{step} steps"] = {bits: perplexity("supernet", "--run", folder / "run", "--bits", bits) for bits in BITS}
        print("| bits | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
        for bits in BITS:
            print(f"| {bits} | " + " | ".join(column[bits] for column in columns.values()) + " |")


if __name__ == "__main__":
    main()
