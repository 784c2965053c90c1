"""Tests of the static facts of GPU kernels: ptxas takes them, and they are no worse than docs/gpu-static.md says."""

import subprocess
import sys

import pytest
from conftest import load_script


@pytest.fixture(scope="module")
def static():
    script = load_script("scripts/gpu-static.py")
    if not script.find_ptxas():
        pytest.skip("ptxas is not there")
    return script


def test_kernels_of_the_7b_step_are_no_worse(static, root, build):
    done = subprocess.run([sys.executable, root / "scripts/gpu-static.py", "--build", build, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_worse_is_found(static, tmp_path, monkeypatch):
    functions = {name: {"threads": 128, "registers": 100, "spills": 0, "shared": 0, "loop": static.collections.Counter(tensor=50, integer=50)}
                 for name in ("a__product", "b__product")}
    kernels = {"a": {"flops": 2e9, "bytes": 3e6, "functions": {"a__product": 0}}, "b": {"flops": 2e9, "bytes": 3e6, "functions": {"b__product": 0}}}
    table = tmp_path / "table.md"
    table.write_text("\n".join([*static.render_functions(functions, "80"), *static.render_times(kernels, functions, {"a": 1, "b": 1})]))
    monkeypatch.setattr(static, "TABLE", table)
    assert list(static.find_worse({"80": functions}, kernels)) == []
    functions["a__product"]["registers"] = 109  # within the tolerance
    functions["b__product"]["loop"]["integer"] = 61
    kernels["a"]["bytes"] = 4e6
    assert list(static.find_worse({"80": functions}, kernels)) == ["a: 4.0 MB, 3 before", "b__product of sm_80: 111 instructions in the main loop, 100 before"]
    del kernels["b"]
    assert any("other functions or kernels" in line and line.endswith("b") for line in static.find_worse({"80": functions}, kernels))


def test_a_function_that_spills_is_found(static, tmp_path):
    loads = "\n".join(f"    ld.volatile.global.b32 %r{i}, [%p+{4 * i}];" for i in range(300))
    stores = "\n".join(f"    st.volatile.global.b32 [%p+{4 * i}], %r{i};" for i in range(300))
    ptx = f""".version 8.0
.target sm_80
.address_size 64
.visible .entry many(.param .u64 at)
.maxntid 256
{{
    .reg .b32 %r<300>;
    .reg .b64 %p;
    ld.param.u64 %p, [at];
{loads}
{stores}
    ret;
}}
"""
    assert static.assemble(ptx, "80", tmp_path)[1]["many"]["spills"] > 0


def test_products_that_ptxas_serializes_are_found(static, tmp_path, monkeypatch):
    warning = "ptxas info : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to .. in function 'many'"
    monkeypatch.setattr(static.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", warning))
    with pytest.raises(SystemExit, match="ptxas warns of the kernels for sm_90a: .*serialized"):
        static.assemble("", "90a", tmp_path)
