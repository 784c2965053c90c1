"""Deletes each barrier and each wait of a kernel in turn: every mutant must be noticed, by a check or by its numbers.

mutate.py KERNEL.bc TOLERANCE BUFFER[,BUFFER...] EMULATOR-ARGUMENTS...
A mutant that is as good as the kernel names an instruction that the kernel does not need.
"""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

SYNCHRONISATION = re.compile(r"\s*(tail )?call void @llvm\.nvvm\.(barrier\.|bar\.warp\.sync|cp\.async\.wait\.)")
SCHEDULES = ("forward", "reverse")


def run(ir, schedule, buffers, arguments, folder):
    """The fault's kind, or None and the contents of the buffers."""
    files = [os.path.join(folder, f"{buffer}.npy") for buffer in buffers]
    outs = [text for buffer, file in zip(buffers, files) for text in ("--out", f"{buffer}={file}")]
    emulator = subprocess.run(
        ["qfa-gpu-emulate", ir, "--schedule", schedule, *arguments, *outs], capture_output=True, text=True
    )
    if emulator.returncode > 1:
        sys.exit(emulator.stderr)
    if emulator.returncode:
        return emulator.stderr.splitlines()[0], None
    return None, [np.load(file) for file in files]


def main():
    kernel, tolerance, buffers = sys.argv[1], float(sys.argv[2]), sys.argv[3].split(",")
    arguments = sys.argv[4:]
    with tempfile.TemporaryDirectory() as folder:
        text = subprocess.run(["llvm-dis", kernel, "-o", "-"], capture_output=True, text=True, check=True).stdout
        lines = text.splitlines()
        good = {}
        for schedule in SCHEDULES:
            fault, good[schedule] = run(kernel, schedule, buffers, arguments, folder)
            if fault:
                sys.exit(f"mutate.py: the kernel itself is not right: {fault}")
        # The optimiser copies instructions; copies have one place in the source, and only all of them are one mutant.
        places = {}
        for number, line in enumerate(lines):
            if SYNCHRONISATION.match(line):
                places.setdefault(line.strip() if "!dbg" in line else number, []).append(number)
        noticed = 0
        for place in places.values():
            mutant = os.path.join(folder, "mutant.ll")
            with open(mutant, "w") as file:
                file.write("\n".join(line for number, line in enumerate(lines) if number not in place))
            how = None
            for schedule in SCHEDULES:
                fault, values = run(mutant, schedule, buffers, arguments, folder)
                pairs = zip(values or [], good[schedule])
                if fault or not all(np.allclose(new, old, tolerance, tolerance) for new, old in pairs):
                    how = how or fault or "wrong numbers"
            noticed += how is not None
            print(f"{how or 'NOT NOTICED'}: without {lines[place[0]].strip()}")
        print(f"{noticed} of {len(places)} mutants noticed")
        sys.exit(noticed < len(places) or not places)


main()
