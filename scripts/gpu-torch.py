#!/usr/bin/env python3
"""Puts the times that a program's `check --repeats` printed beside the card's limits and beside PyTorch's times for the same work.

    gpu-torch.py CHECK.txt [--head-dim 128]

`of limit` is the share of what the card's data sheet allows for the kernel's FLOPs, operands and results; it is left out for cards that
gpu_cards.py does not know. PyTorch does linear layers and their input gradients, causal attention and its gradient, and head with
cross-entropy, all with bf16 tensors and weights that are not quantized, on random numbers; QFA's kernels take float32 tensors, dequantize
their weights first and add their adapters. QFA's times are the mean of runs queued at once, PyTorch's the least of
runs timed by CUDA events. Without PyTorch or without a card that column is left out.
"""

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gpu_cards import ALL_CARDS, find_card, roofline  # noqa: E402

TENSOR_KERNELS = re.compile(r"(linear|attention|cross_entropy|accumulate_outer|adapter_down)")
WARMUPS, REPEATS = 5, 20


def parse_check(text):
    """The device's name, and a row of every kernel that was timed: (name, bits, seconds, FLOPs, bytes)."""
    device = text.split(" against ")[0].strip().splitlines()[-1] if " against " in text else ""
    rows = []
    for line in re.findall(r"^ *(?:[\d.]+e[-+]\d+|nan|inf) +(\d+)? +([\d.]+) +([\d.]+) +([\d.]+)  (\w+)", text, re.M):
        seconds = float(line[1]) * 1e-6
        rows.append((line[4], line[0], seconds, float(line[2]) * 1e9 * seconds, float(line[3]) * 1e9 * seconds))
    return device, rows


def work_of(name, head_dim):
    """What a kernel does as PyTorch knows it, with its sizes; None for kernels that it has no single function for."""
    if found := re.match(r"(linear|linear_grad|cross_entropy)_(\d+)x(\d+)x\d+_w(\d+)x(\d+)b", name):
        batch, sequence, outputs, inputs = map(int, found.groups()[1:])
        return found[1], batch * sequence, outputs, inputs
    if found := re.match(r"(attention|attention_grad)_(\d+)x(\d+)x(\d+)_\d+x\d+x(\d+)", name):
        batch, sequence, queries, keys = map(int, found.groups()[1:])
        if queries % head_dim == keys % head_dim == 0:
            return found[1], batch, sequence, queries // head_dim, keys // head_dim, head_dim
    return None


def prepare_work(torch, work, device="cuda"):
    """A function that does the work once."""
    kind, *sizes = work

    def random(*shape, scale=1.0, trained=False):
        return torch.randn(*shape, device=device, dtype=torch.bfloat16).mul_(scale).requires_grad_(trained)

    if kind.startswith("attention"):
        batch, sequence, heads, kv_heads, width = sizes
        trained = kind == "attention_grad"
        query = random(batch, heads, sequence, width, trained=trained)
        key, value = (random(batch, kv_heads, sequence, width, trained=trained) for _ in range(2))

        def attend():
            return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=heads != kv_heads)

        if not trained:
            return attend
        result, gradient = attend(), random(batch, heads, sequence, width)
        return lambda: torch.autograd.grad(result, (query, key, value), gradient, retain_graph=True)
    tokens, outputs, inputs = sizes
    weight = random(outputs, inputs, scale=inputs**-0.5)
    if kind == "linear":
        x = random(tokens, inputs)
        return lambda: torch.nn.functional.linear(x, weight)
    if kind == "linear_grad":
        gradient = random(tokens, outputs)
        return lambda: gradient @ weight
    x, labels = random(tokens, inputs, trained=True), torch.randint(outputs, (tokens,), device=device)

    def head():
        loss = torch.nn.functional.cross_entropy(torch.nn.functional.linear(x, weight), labels, reduction="sum")
        return torch.autograd.grad(loss, x)

    return head


def time_in_torch(torch, work):
    """Seconds of the fastest of several runs."""
    run = prepare_work(torch, work)
    for _ in range(WARMUPS):
        run()
    least = float("inf")
    for _ in range(REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        least = min(least, start.elapsed_time(end) * 1e-3)
    del run
    torch.cuda.empty_cache()
    return least


def open_torch(device):
    """PyTorch on the device of this name, and an empty text; or None, and what is missing."""
    try:
        import torch
    except ImportError as reason:
        return None, str(reason)
    # Grouped heads came to scaled_dot_product_attention with 2.5.
    if tuple(map(int, re.findall(r"\d+", torch.__version__)[:2])) < (2, 5):
        return None, f"torch {torch.__version__}, wanted 2.5"
    if not torch.cuda.is_available():
        return None, f"torch {torch.__version__} finds no CUDA device"
    if ordinal := re.match(r"cuda:(\d+) ", device):
        torch.cuda.set_device(int(ordinal[1]))
    return torch, ""


def render(rows, card, head_dim, time_work):
    """The table, a line at a time. time_work: work -> seconds; None leaves its columns out."""
    limits = ALL_CARDS.get(card)
    yield (f"{'us':>11} {'GFLOP/s':>9} {'GB/s':>9}" + (f" {'limit us':>11} {'of limit':>9}" if limits else "") + (f" {'torch us':>11} {'QFA/torch':>9}" if time_work else "")
           + "  bits  kernel")
    known = {}
    for name, bits, seconds, flops, moved in rows:
        line = f"{seconds * 1e6:>11.1f} {flops / seconds * 1e-9:>9.1f} {moved / seconds * 1e-9:>9.1f}"
        if limits:
            least = max(roofline(flops, moved, bool(TENSOR_KERNELS.match(name)), limits))
            line += f" {least * 1e6:>11.1f} {100 * least / seconds:>7.1f} %"
        if time_work:
            work = work_of(name, head_dim)
            if work and work not in known:
                known[work] = time_work(work)
            line += f" {known[work] * 1e6:>11.1f} {seconds / known[work]:>9.2f}" if work else " " * 22
        yield f"{line} {bits:>5}  {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", type=Path)
    parser.add_argument("--head-dim", type=int, default=128)
    args = parser.parse_args()
    device, rows = parse_check(args.check.read_text())
    if not rows:
        sys.exit(f"gpu-torch: {args.check} holds no times: wanted what check --repeats prints")
    card = find_card(device)
    print(f"{device}: " + (f"limits of the {card}'s data sheet" if card else f"no limits are known, only those of {', '.join(ALL_CARDS)}"))
    torch, missing = open_torch(device)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}" if torch else f"no comparison with torch: {missing}")
    for line in render(rows, card, args.head_dim, (lambda work: time_in_torch(torch, work)) if torch else None):
        print(line, flush=True)


if __name__ == "__main__":
    main()
