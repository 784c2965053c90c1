#!/usr/bin/env python3
"""What is known of the GPU kernels of a program without a card: docs/gpu-static.md, and a check that it has not got worse.

    scripts/gpu-static.py --build build                 prints the tables of a training step of the 7B shape
    scripts/gpu-static.py --build build --write         writes them to docs/gpu-static.md
    scripts/gpu-static.py --build build --check         fails when a function got worse by more than 10 %, spills, or is refused by ptxas
    scripts/gpu-static.py --build build --model FILE.mlir    of another module, as qfa-compile --compile-to=kernels prints it

Registers, spills and static shared memory are ptxas's, dynamic shared memory is the launch's, occupancy follows from them. Functions are looked
at in every group of architectures that has tiles of its own; beyond the first group, those that differ from it in threads or shared memory. The main loop is the innermost one with tensor-core
instructions, else the longest; its instructions are those of the PTX, and with --nvdisasm PROGRAM those of the machine code as well.
Times are predictions from a card's limits and from a kernel's FLOPs and bytes: operands and results once, workspace written and read once
(that blocks read a panel several times is left to the L2).
"""

import argparse
import collections
import concurrent.futures
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "scripts")]
from gpu_cards import CARDS, roofline  # noqa: E402

TABLE = ROOT / "docs/gpu-static.md"

GROUPS = {"80": ("80", "86"), "90": ("90", "100"), "90a": ("90a",)}  # whose tiles: which must take the kernels; the tables are of the first
# Per SM: registers, warps, blocks, bytes of shared memory (CUDA C++ Programming Guide, compute capabilities).
REGISTERS, WARPS, BLOCKS, SHARED = 65536, 64, 32, {"80": 164 * 1024, "90": 228 * 1024, "90a": 228 * 1024}
# What good kernels have been seen to reach of a card's tensor FLOP/s, f32 FLOP/s and bytes/s: mma.sync on Hopper, copies on an H200.
REACHED = (0.75, 0.75, 0.9)
CLASSES = [
    ("tensor", r"mma\.sync|wgmma\.mma_async"),
    ("ldmatrix", r"ldmatrix"),
    ("cp.async", r"cp\.async"),
    ("global", r"(ld|st)\.global"),
    ("shared", r"(ld|st)\.shared"),
    ("barrier", r"bar|barrier"),
    ("shuffle", r"shfl"),
    ("f32", r"(add|sub|mul|fma|div|sqrt|max|min|neg|abs|setp|selp)\.[a-z.]*f(32|16)"),
    ("integer", r"(add|sub|mul|mad|and|or|xor|shl|shr|setp|selp|max|min|cvt|rem|div|lop3|prmt|bfe)\."),
]
BATCH, SEQUENCE = 8, 2048
TOLERATED = 1.1


def occupancy(threads, registers, shared, arch):
    """Blocks per SM, share of its warps in percent, and what limits them."""
    warps = threads // 32
    per_warp = math.ceil(registers * 32 / 256) * 256
    limits = {
        "warps": WARPS // warps,
        "blocks": BLOCKS,
        "registers": REGISTERS // 4 // per_warp * 4 // warps,
        "shared": SHARED[arch] // (math.ceil((shared + 1024) / 128) * 128),
    }
    fit = min(limits.values())
    return fit, 100 * fit * warps / WARPS, min(limits, key=limits.get)


def classify(instruction):
    return next((name for name, pattern in CLASSES if re.match(pattern, instruction)), "other")


def main_loop(lines, label_of, jump_of, tensor_of):
    """The lines of a function's main loop, none without a loop."""
    labels, loops = {}, []
    for number, line in enumerate(lines):
        if label := re.match(label_of, line):
            labels[label[1]] = number
        elif (jump := re.search(jump_of, line)) and jump[1] in labels:
            loops.append((labels[jump[1]], number))
    tensor = [loop for loop in loops if any(re.search(tensor_of, line) for line in lines[loop[0] : loop[1]])]
    start, end = min(tensor, key=lambda loop: loop[1] - loop[0]) if tensor else max(loops, key=lambda loop: loop[1] - loop[0], default=(0, -1))
    return lines[start : end + 1]


def count_ptx(body):
    """Instructions by class of the main loop."""
    loop = main_loop(body.split("\n"), r"(\$L\w+):", r"\bbra(?:\.uni)?\s+(\$L\w+)", r"mma\.sync|wgmma\.mma")
    instructions = (re.match(r"\s*(?:@!?%p\d+\s+)?([a-z][\w.:]*)", line) for line in loop)
    return collections.Counter(classify(found[1]) for found in instructions if found)


def count_machine_code(cubin, nvdisasm):
    """Of every function with tensor-core instructions in its main loop: how many products of 16 x 8 x 16 a warp makes, in how many instructions."""
    counts = {}
    text = subprocess.run([nvdisasm, "-c", cubin], capture_output=True, text=True, check=True).stdout
    for part in re.split(r"\n\s*//-+ \.text\.", text)[1:]:
        loop = main_loop(part.split("\n"), r"\s*(\.L_x_\d+):", r"\bBRA\b.*?(\.L_x_\d+)", "HG?MMA")
        instructions = [found[1] for line in loop if (found := re.search(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?\w+\s+)?([A-Z][\w.]*)", line))]
        warpgroups = (re.match(r"HGMMA\.64x(\d+)x16", instruction) for instruction in instructions)
        tensor = sum(instruction.startswith("HMMA") for instruction in instructions) + sum(int(found[1]) // 8 for found in warpgroups if found)
        if tensor:
            counts[part.split()[0]] = (tensor, len(instructions))
    return counts


def read_ptx(text):
    """Of every entry: its main loop, its threads."""
    functions = {}
    for entry in re.split(r"\.entry ", text)[1:]:
        name, threads = re.match(r"\w+", entry)[0], int(re.search(r"\.reqntid (\d+)", entry)[1])
        functions[name] = {"threads": threads, "loop": count_ptx(entry)}
    return functions


def find_ptxas():
    return shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")


def assemble(ptx, arch, folder):
    """The machine code's file, and of every entry its registers, spilled bytes and shared memory."""
    source, cubin = Path(folder, "kernels.ptx"), Path(folder, f"kernels-{arch}.cubin")
    source.write_text(ptx)
    run = subprocess.run([find_ptxas(), "-v", "-O3", f"-arch=sm_{arch}", source, "-o", cubin], capture_output=True, text=True)
    if run.returncode or "serialized" in run.stderr:  # products of warpgroups that ptxas lets nothing overlap
        sys.exit(f"gpu-static: ptxas {'refuses' if run.returncode else 'warns of'} the kernels for sm_{arch}: {run.stderr}")
    entries = {}
    for part in re.split(r"Compiling entry function", run.stderr)[1:]:
        spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        shared = re.search(r"(\d+) bytes smem", part)
        entries[re.match(r" '(\w+)'", part)[1]] = {
            "registers": int(re.search(r"Used (\d+) registers", part)[1]),
            "spills": int(spilled[1]) + int(spilled[2]),
            "shared": int(shared[1]) if shared else 0,
        }
    return cubin, entries


def make_7b(build, folder):
    """The kernels of the program that trains the LLaMA-2-7B shape."""
    from llama_onnx import LlamaShape, write_llama

    shape = LlamaShape(vocab=32000, hidden=4096, layers=32, heads=32, kv_heads=32, intermediate=11008, tied=False)
    write_llama(folder, shape, None)
    command = [build / "bin/qfa-compile", Path(folder, "model.onnx"), f"--batch={BATCH}", f"--sequence={SEQUENCE}"]
    return subprocess.run([*command, "--group-size=64", "--rank=64", "--alpha=64", "--compile-to=kernels"], capture_output=True, text=True, check=True).stdout


def read_program(text):
    """Launches of every kernel in one training step with its optimizer step."""
    counts = collections.Counter()
    for name in ("train_step", "gradient_norm", "update"):
        if function := re.search(rf"func\.func @{name}\(.*?\n  \}}", text, re.S):
            counts.update(re.findall(r"qfa\.launch @(\w+)\(", function[0]))
    return counts


def lower(build, module, arch):
    """(PTX, kernels: functions of each with their dynamic shared memory, flops and bytes)."""
    command = [build / "bin/qfa-opt", f"--qfa-lower-to-gpu=emit=ptx gpu-arch={arch}", "-"]
    run = subprocess.run(command, input=module, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"gpu-static: {run.stderr}")
    escaped = re.search(r'assembly = "((?:[^"\\]|\\.)*)"', run.stdout)[1]
    ptx = re.sub(r"\\([0-9A-F]{2}|.)", lambda found: chr(int(found[1], 16)) if len(found[1]) == 2 else found[1], escaped).rstrip("\0")
    kernels = {}
    for kernel in re.finditer(r"qfa\.gpu_kernel @(\w+) .*?flops (\d+) bytes (\d+) \{(.*?)\n  \}", run.stdout, re.S):
        launches = re.findall(r"@kernels::@(\w+) grid \[[^]]*\] block \d+ argument \d+(?: shared (\d+))?", kernel[4])
        kernels[kernel[1]] = {"flops": int(kernel[2]), "bytes": int(kernel[3]), "functions": {name: int(shared or 0) for name, shared in launches}}
    return ptx, kernels


def read_functions(ptx, kernels, arch, folder):
    """(Facts of every function of the kernels, file of machine code)."""
    cubin, assembled = assemble(ptx, arch, folder)
    found = read_ptx(ptx)
    functions = {}
    for kernel in kernels.values():
        for name, dynamic in kernel["functions"].items():
            functions[name] = found[name] | assembled[name]
            functions[name]["shared"] += dynamic
    return functions, cubin


def predict(kernel, functions, limits):
    """Seconds of one run: (arithmetic, memory)."""
    uses_tensor = any(functions[name]["loop"]["tensor"] for name in kernel["functions"])
    return roofline(kernel["flops"], kernel["bytes"], uses_tensor, limits)


def render_functions(functions, arch):
    yield from ["", f"## Functions of sm_{arch}", "", "Loop and mix: PTX instructions of the main loop.", ""]
    yield "| function | threads | registers | spilled | shared | blocks/SM | occupancy (limit) | loop | tensor | mix |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, facts in sorted(functions.items()):
        fit, share, limit = occupancy(facts["threads"], facts["registers"], facts["shared"], arch)
        loop = facts["loop"]
        length = sum(loop.values())
        mix = ", ".join(f"{count} {kind}" for kind, count in loop.most_common() if kind != "tensor")
        tensor = f"{100 * loop['tensor'] / length:.0f} %" if loop["tensor"] else ""
        yield f"| {name} | {facts['threads']} | {facts['registers']} | {facts['spills']} | {facts['shared']} | {fit} | {share:.0f} % ({limit}) | {length} | {tensor} | {mix} |"


def render_machine_code(counts, arch):
    yield from ["", f"## Machine code of sm_{arch}", "", "Tensor-core products of the main loop, of 16 x 8 x 16 and by one warp, beside all its instructions, as nvdisasm shows them.",
                "HMMA makes one of them, HGMMA of 64 x n makes n / 8.", ""]
    yield from ["| function | products | instructions | share |", "|---|---|---|---|"]
    for name, (tensor, length) in sorted(counts.items()):
        yield f"| {name} | {tensor} | {length} | {100 * tensor / length:.0f} % |"


def render_times(kernels, functions, counts):
    def times(kernel, card, scale=(1, 1, 1)):
        return predict(kernel, functions, [limit * part for limit, part in zip(CARDS[card], scale)])

    def milliseconds(name, card):
        return 1e3 * counts[name] * max(times(kernels[name], card))

    yield from ["", "## Predicted times", "", "Per kernel of one step: launches, GFLOP and MB of one, milliseconds of all. A prediction by roofline, not a measurement: the larger of",
                "what arithmetic and memory take at the limits of the card's data sheet (TFLOP/s of tensor cores, of f32, TB/s: "
                + "; ".join(f"{card} {tensor / 1e12:.0f}, {plain / 1e12:.1f}, {bandwidth / 1e12:.2f}" for card, (tensor, plain, bandwidth) in CARDS.items()) + ").", ""]
    yield "| kernel | launches | GFLOP | MB | " + " | ".join(CARDS) + " |"
    yield "|---|---|---|---|" + "---|" * len(CARDS)
    for name in sorted(kernels, key=lambda name: -milliseconds(name, "H200")):
        cells = " | ".join(f"{milliseconds(name, card):.2f}" for card in CARDS)
        yield f"| {name} | {counts[name]} | {kernels[name]['flops'] / 1e9:.2f} | {kernels[name]['bytes'] / 1e6:.1f} | {cells} |"
    ways = {
        "roofline: the larger of both": lambda kernel, card: max(times(kernel, card)),
        "nothing overlaps: their sum": lambda kernel, card: sum(times(kernel, card)),
        f"the larger at {100 * REACHED[0]:.0f} % of arithmetic, {100 * REACHED[2]:.0f} % of bandwidth": lambda kernel, card: max(times(kernel, card, REACHED)),
        "their sum at these": lambda kernel, card: sum(times(kernel, card, REACHED)),
    }
    yield from ["", f"Predicted step of {BATCH * SEQUENCE:,} tokens: milliseconds, and tokens per second.", "", "| | " + " | ".join(CARDS) + " |", "|---|" + "---|" * len(CARDS)]
    for way, seconds in ways.items():
        steps = [sum(counts[name] * seconds(kernel, card) for name, kernel in kernels.items()) for card in CARDS]
        yield f"| {way} | " + " | ".join(f"{1e3 * step:.0f} ms, {BATCH * SEQUENCE / step:,.0f}" for step in steps) + " |"


def find_worse(groups, kernels):
    """What grew by more than is tolerated since the document was written. groups: functions by architecture."""
    text = TABLE.read_text()
    known, now = {}, {}
    for arch, section in re.findall(r"^## Functions of sm_(\d+a?)$(.*?)(?=^## |\Z)", text, re.M | re.S):
        rows = re.findall(r"^\| (\w+__\w+) \| \d+ \| (\d+) \| \d+ \| .*? \| .*? \| .*? \| (\d+) \|", section, re.M)
        known |= {f"{name} of sm_{arch}": list(map(float, facts)) for name, *facts in rows}
    known |= {name: list(map(float, facts)) for name, *facts in re.findall(r"^\| (\w+) \| \d+ \| ([\d.]+) \| ([\d.]+) \|(?: [\d.]+ \|){3}$", text, re.M)}
    for arch, functions in groups.items():
        for name, facts in functions.items():
            now[f"{name} of sm_{arch}"] = {"registers": facts["registers"], "instructions in the main loop": sum(facts["loop"].values())}
    now |= {name: {"GFLOP": round(kernel["flops"] / 1e9, 2), "MB": round(kernel["bytes"] / 1e6, 1)} for name, kernel in kernels.items()}
    if differ := set(known) ^ set(now):
        yield f"other functions or kernels than in {TABLE.name}, --write brings it up to date: {', '.join(sorted(differ))}"
    for name in sorted(set(known) & set(now)):
        for before, (what, value) in zip(known[name], now[name].items()):
            if value > TOLERATED * before:
                yield f"{name}: {value} {what}, {before:g} before"


def find_spills(ptx, folder):
    """Of all architectures; ptx: by the group's."""
    jobs = [(group, arch) for group, archs in GROUPS.items() for arch in archs]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        assembled = pool.map(lambda job: assemble(ptx[job[0]], job[1], tempfile.mkdtemp(dir=folder)), jobs)
        for (_, arch), (_, entries) in zip(jobs, assembled):
            yield from (f"{name} spills {facts['spills']} bytes on sm_{arch}" for name, facts in entries.items() if facts["spills"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--nvdisasm")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if not find_ptxas():
        sys.exit("gpu-static: no ptxas in PATH nor in /usr/local/cuda/bin")
    with tempfile.TemporaryDirectory() as folder:
        module = args.model.read_text() if args.model else make_7b(args.build, folder)
        counts = read_program(module)
        start = time.monotonic()
        ptx, groups, machine_code, kernels = {}, {}, {}, {}
        for arch in reversed(GROUPS):  # bytes are those of the first: others' panels may have more padding
            ptx[arch], lowered = lower(args.build, module, arch)
            kernels = {name: kernel for name, kernel in lowered.items() if counts[name]}
            groups[arch], cubin = read_functions(ptx[arch], kernels, arch, folder)
            if args.nvdisasm:
                machine_code[arch] = count_machine_code(cubin, args.nvdisasm)
        print(f"{len(module):,} bytes of kernels became {sum(map(len, ptx.values())):,} bytes of PTX and machine code in {time.monotonic() - start:.1f} s", file=sys.stderr)
        functions, *others = (groups[arch] for arch in GROUPS)
        for other in others:  # only what has tiles of its own
            for name in [name for name, facts in other.items() if all(facts[key] == functions[name][key] for key in ("threads", "shared"))]:
                del other[name]
        if args.check:
            worse = [*find_worse(groups, kernels), *find_spills(ptx, folder)]
            archs = [arch for archs in GROUPS.values() for arch in archs]
            print("\n".join(worse) or f"{len(functions)} functions, none worse than {TABLE.name} says; sm_{', sm_'.join(archs)} take all without a spill")
            sys.exit(bool(worse))
        model = args.model or f"one training step of the LLaMA-2-7B shape: {BATCH} sequences of {SEQUENCE} tokens, group 64, rank 64"
        lines = ["# GPU kernels, static facts", "", "Made by `scripts/gpu-static.py --write --nvdisasm nvdisasm`. Nothing here was seen on a card.", "",
                 f"{len(kernels)} kernels, {len(functions)} functions of {model}.", "Architectures after the first are listed with the functions that have other tiles there."]
        for arch in GROUPS:
            lines += render_functions(groups[arch], arch)
        for arch in machine_code and GROUPS:
            found = machine_code[arch]
            lines += render_machine_code({name: count for name, count in found.items() if name in functions}, arch)
        text = "\n".join([*lines, *render_times(kernels, functions, counts)]) + "\n"
    if args.write:
        TABLE.write_text(text)
    print(f"{TABLE}: {len(functions)} functions" if args.write else text)


if __name__ == "__main__":
    main()
