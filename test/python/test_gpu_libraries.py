"""Tests of what a program says about a CUDA driver or an emulator that it cannot use: stand-ins of both are put before the real ones."""

import re
import shutil
import subprocess

import pytest
from conftest import Program

EMULATOR = """
#include <stdint.h>
#include <stdlib.h>
static char object;
void *qfa_emulator_create(const void *options) { return CREATED; }
void qfa_emulator_destroy(void *emulator) {}
void *qfa_emulator_allocate(void *emulator, const char *name, uint64_t bytes) { return ALLOCATED; }
void qfa_emulator_free(void *emulator, void *memory) {}
void qfa_emulator_mark_written(void *emulator, const void *memory, uint64_t bytes) {}
void *qfa_emulator_load(void *emulator, const void *bytes, uint64_t count) { return LOADED; }
int qfa_emulator_launch(void) { return 1; }
const char *qfa_emulator_error(const void *emulator) { return "the moon is full"; }
"""
WORKING = {"CREATED": "&object", "ALLOCATED": "malloc(bytes)", "LOADED": "&object"}


@pytest.fixture(scope="module")
def program(compiler, world, tmp_path_factory):
    path = tmp_path_factory.mktemp("libraries") / "story"
    compiler(world / "model.onnx", "--program-only", "--group-size", 32, "--batch", 1, "--sequence", 8, "--target", "cpu,cuda", "--isa", "portable",
             "--gpu-arch", "80", "-o", path)
    return Program(path)


@pytest.fixture
def bench(program, tmp_path):
    """Runs a step on a device with a library of this source."""
    def run(device, library, source, **macros):
        (tmp_path / "source.c").write_text(source)
        command = [shutil.which("c++") or "clang++-22", "-x", "c", "-shared", "-fPIC", "-w", *(f"-D{name}={value}" for name, value in macros.items())]
        subprocess.run([*command, tmp_path / "source.c", "-o", tmp_path / library], check=True)
        return program.run("bench", "--device", device, "--repeats", 1, LD_LIBRARY_PATH=str(tmp_path))
    return run


@pytest.mark.parametrize("source,lacking", [("", "cuInit"), ("int cuInit(unsigned flags) { return 0; }", "cuGetErrorName")])
def test_a_driver_that_lacks_a_function(bench, source, lacking):
    text = f"the NVIDIA driver lacks {lacking}: wanted one for CUDA 12 or later"
    done = bench("cuda", "libcuda.so.1", source)
    assert done.returncode == 1 and done.stderr == f"story: {text}\n"
    done = bench("auto", "libcuda.so.1", source)
    assert done.returncode == 0 and done.stderr == f"running on the CPU: {text}\n" and "on cpu (" in done.stdout


@pytest.fixture
def without_cublas(program, root, tmp_path):
    """Runs a step with a driver that has every function, and the file that is given for every name of cuBLASLt."""
    def run(gemm, library):
        header = (root / "runtime/src/device/CudaDriver.h").read_text()
        functions = re.findall(r"^  F\(\w+, (cu\w+),", header, re.M)
        assert "cuInit" in functions and len(functions) > 30
        (tmp_path / "driver.c").write_text("".join(f"int {name}() {{ return 3; }}\n" for name in functions))
        compile = [shutil.which("c++") or "clang++-22", "-x", "c", "-shared", "-fPIC", "-w"]
        subprocess.run([*compile, tmp_path / "driver.c", "-o", tmp_path / "libcuda.so.1"], check=True)
        for name in "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so":
            if library:
                (tmp_path / "library.c").write_text(library)
                subprocess.run([*compile, tmp_path / "library.c", "-o", tmp_path / name], check=True)
            else:
                (tmp_path / name).write_text("no library")
        return program.run("bench", "--device", "cuda", "--gemm", gemm, "--repeats", 1, LD_LIBRARY_PATH=str(tmp_path))
    return run


@pytest.mark.parametrize("library,text", [
    ("", "no cuBLASLt: none of libcublasLt.so.13, libcublasLt.so.12, libcublasLt.so is found"),
    ("int cublasLtCreate() { return 0; }", "cuBLASLt lacks cublasLtDestroy: wanted the one of CUDA 12 or later"),
])
def test_a_cublas_that_cannot_be_used(without_cublas, library, text):
    done = without_cublas("cublaslt", library)
    assert done.returncode == 1 and done.stderr == f"story: {text}\n"
    done = without_cublas("auto", library)  # goes on without it, to the next trouble
    assert done.returncode == 1 and "cuInit failed" in done.stderr and "cuBLASLt" not in done.stderr


@pytest.mark.parametrize("text,macros", [
    ("the emulator of GPUs is of another version than 1", {"CREATED": "0"}),
    ("the emulator cannot run this program: the moon is full", {"LOADED": "0"}),
    (r"no memory for \d+ bytes of workspace on the emulated device", {"ALLOCATED": "0"}),
    ("kernel 'embedding_1x8_w512x32b8__elements' on the emulated device: the moon is full", {}),
])
def test_an_emulator_that_fails(bench, text, macros):
    done = bench("emulated", "libqfa_gpu_emulator.so", EMULATOR, **(WORKING | macros))
    assert done.returncode == 1 and re.fullmatch(f"story: {text}\n", done.stderr), done.stderr


def test_an_emulator_that_lacks_a_function(bench):
    for source, lacking in ("", "create"), ("void qfa_emulator_create(void) {}", "destroy"):
        done = bench("emulated", "libqfa_gpu_emulator.so", source)
        assert done.returncode == 1 and done.stderr == f"story: libqfa_gpu_emulator.so lacks qfa_emulator_{lacking}: it belongs to another version\n"
