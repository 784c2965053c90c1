"""Lowers one gpu.module of MLIR text to the bitcode from which gpu-module-to-binary makes its PTX.

lower.py INPUT.mlir OUTPUT.bc [OLD=>NEW ...]: each OLD in the text is replaced first, and must be there: a deliberate fault.
"""
import os
import re
import subprocess
import sys

PIPELINE = (
    "builtin.module(convert-nvgpu-to-nvvm,convert-scf-to-cf,convert-vector-to-llvm,"
    "gpu.module(expand-strided-metadata,lower-affine,convert-gpu-to-nvvm,convert-nvvm-to-llvm,canonicalize,cse,"
    "reconcile-unrealized-casts),ensure-debug-info-scope-on-llvm-func{emission-kind=DebugDirectivesOnly},"
    "nvvm-attach-target{chip=sm_80 features=+ptx80 O=2},gpu-module-to-binary{format=llvm toolkit=%s})"
)


def unescape(text):
    """The bytes of an MLIR string: two hexadecimal digits or one character after a backslash."""
    return re.sub(
        rb"\\([0-9A-Fa-f]{2}|.)",
        lambda found: bytes([int(found[1], 16)]) if len(found[1]) == 2 else found[1],
        text,
    )


def main():
    source, output, *edits = sys.argv[1:]
    with open(source) as file:
        text = file.read()
    for edit in edits:
        old, new = edit.split("=>")
        if old not in text:
            sys.exit(f"lower.py: '{old}' is not in {source}")
        text = text.replace(old, new)
    edited = output + ".mlir"
    with open(edited, "w") as file:
        file.write(text)
    toolkit = os.environ.get("CUDA_PATH", "/usr/local/cuda")
    run = subprocess.run(["mlir-opt", edited, "--pass-pipeline=" + PIPELINE % toolkit], capture_output=True)
    if run.returncode:
        sys.exit(run.stderr.decode())
    bitcode = re.search(rb'offload = "((?:[^"\\]|\\.)*)"', run.stdout)
    if not bitcode:
        bitcode = re.search(rb', "((?:[^"\\]|\\.)*)">', run.stdout)
    with open(output, "wb") as file:
        file.write(unescape(bitcode[1]))


main()
