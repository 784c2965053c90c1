"""An independent statement of the supernet method in eager PyTorch, to hold the compiled program's perplexities against.

    python quality.py MODEL_FOLDER TEXT [--steps 200] [--report 0 50 100 200]

Every linear exists at 2, 3 and 4 bits (rounded to nearest), each copy with an adapter that pools its input per group. A step samples the bits
of the groups {q,k,v}, {o}, {gate,up}, {down} of every block with the mean that the resource-balanced schedule asks for, and trains the sampled
adapters with AdamW at a constant rate. The last fifth of TEXT is held out. Embedding and head hold the numbers of 8
bits throughout, with float linears too. Prints one line of perplexities per report.
"""

import argparse
import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
import torch_step
from tokenizers import Tokenizer

BITS = (2, 3, 4)
SITE = {"q": "qkv", "k": "qkv", "v": "qkv", "o": "o", "gate": "mlp", "up": "mlp", "down": "down"}


class ElasticLinear(torch.nn.Module):
    """Frozen copies and their adapters; `bits` chooses, None is the float weight."""

    def __init__(self, weight, group, rank, alpha):
        super().__init__()
        self.weight, self.group, self.strength, self.bits = weight, group, alpha / rank, None
        self.copies = {b: torch_step.quantize(weight, b, group) for b in BITS}
        self.a = torch.nn.ParameterDict({str(b): torch.nn.init.xavier_uniform_(torch.empty(rank, weight.shape[1] // group)) for b in BITS})
        self.b = torch.nn.ParameterDict({str(b): torch.zeros(weight.shape[0], rank) for b in BITS})

    def forward(self, x):
        if self.bits is None:
            return x @ self.weight.T
        codes, scale, zero = self.copies[self.bits]
        pooled = x.unflatten(-1, (-1, self.group)).sum(-1)
        adapted = (pooled @ self.a[str(self.bits)].T) @ self.b[str(self.bits)].T
        return x @ torch.addcmul(zero, codes.float(), scale).flatten(1).T + self.strength * adapted


def mean_bits(step, period):
    """A triangle from 4 down to 2 and back."""
    return BITS[0] + (BITS[-1] - BITS[0]) * abs(2 * ((step % period) / period) - 1)


def probabilities(mean):
    """Of 2, 3 and 4 bits: proportional to x^bits, the distribution of largest entropy that has this mean."""
    if mean >= 4 or mean <= 2:
        return [float(b == mean) for b in BITS]
    a, b, c = mean - 4, mean - 3, mean - 2
    x = (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
    weights = [x**bits for bits in BITS]
    return [w / sum(weights) for w in weights]


def configure(model, choose):
    """Sets the bits of every site to what `choose` says when asked once per site."""
    chosen = {}
    for name, linear in model.linears.items():
        layer, projection = name.split("_")[:2]
        site = layer, SITE[projection]
        if site not in chosen:
            chosen[site] = choose()
        linear.bits = chosen[site]


@torch.no_grad()
def perplexity(model, rows, bits):
    configure(model, lambda: bits)
    return math.exp(sum(model.loss(row[None, :-1], row[None, 1:]).item() for row in rows) / len(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--report", type=int, nargs="+", default=[0, 50, 100, 200])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--group-size", type=int, default=64)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--clip", type=float, default=0.3)
    parser.add_argument("--period", type=int, default=20, help="steps of one sweep from 4 bits to 2 and back")
    parser.add_argument("--windows", type=int, default=8, help="held-out windows that are judged")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    pick = random.Random(0)
    ids = np.array(Tokenizer.from_file(str(args.model / "tokenizer.json")).encode(args.text.read_text(encoding="utf-8")).ids)
    cut, window = len(ids) * 4 // 5, args.sequence + 1
    train = torch.from_numpy(ids[:cut // window * window]).reshape(-1, window)
    held_out = torch.from_numpy(ids[cut:cut + args.windows * window]).reshape(-1, window)

    torch_step.Linear = ElasticLinear
    model = torch_step.Llama(args.model, args.group_size, args.rank, alpha=args.rank)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=0.0)  # skips what has no gradient this step
    print(f"float {perplexity(model, held_out, None):.2f}", flush=True)
    for step in range(args.steps + 1):
        if step in args.report:
            print(f"{step} steps: " + ", ".join(f"{b} bits {perplexity(model, held_out, b):.2f}" for b in reversed(BITS)), flush=True)
        if step == args.steps:
            break
        weights = probabilities(mean_bits(step, args.period))
        configure(model, lambda: pick.choices(BITS, weights)[0])
        batch = train[[pick.randrange(len(train)) for _ in range(args.batch)]]
        loss = model.loss(batch[:, :-1], batch[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        print(f"  step {step}: loss {loss.item():.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
