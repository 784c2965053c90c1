"""Tests of what is ready for the day there is a card: the rehearsal of its checks, and its times beside limits and PyTorch's."""

import os
import shutil
import subprocess
import sys
import types

import pytest
from conftest import load_script

CHECK = """\
cuda:0 (NVIDIA H100 80GB HBM3, sm_90, driver for CUDA 13.0), machine code for sm_90a against cpu (avx512, 16 threads); largest difference relative to the largest value, wanted at most 2e-02

difference  bits          us   GFLOP/s      GB/s  kernel
   1.2e-03     4       500.0  750000.0     744.0  linear_2x2048x4096_w11008x4096b234
   1.2e-03     2       400.0  937500.0     930.0  linear_2x2048x4096_w11008x4096b234
       nan     3      1000.0  375000.0     550.0  linear_grad_2x2048x11008_w11008x4096b234_0  WRONG at operand 2
   1.2e-03             200.0  343000.0    1345.0  attention_2x2048x4096_2x2048x1024
   1.2e-03            1000.0  172000.0     538.0  attention_grad_2x2048x4096_2x2048x4096
   1.2e-03     8      4000.0  537000.0     100.0  cross_entropy_2x2048x4096_w32000x4096b8
   0.0e+00             100.0       1.0    1675.0  addf_2x2048x4096_2x2048x4096

7 runs, 1 wrong
"""


@pytest.fixture(scope="module")
def beside():
    return load_script("scripts/gpu-torch.py")


def test_check_is_read(beside):
    device, rows = beside.parse_check(CHECK)
    assert device == "cuda:0 (NVIDIA H100 80GB HBM3, sm_90, driver for CUDA 13.0), machine code for sm_90a"
    name, bits, seconds, flops, moved = rows[0]
    assert (name, bits) == ("linear_2x2048x4096_w11008x4096b234", "4")
    assert (seconds, flops, moved) == pytest.approx((500e-6, 375e9, 372e6))
    assert len(rows) == 7 and rows[2][0] == "linear_grad_2x2048x11008_w11008x4096b234_0" and rows[-1][1] == ""
    assert beside.parse_check("") == ("", [])
    untimed = CHECK.splitlines()[0] + "\n   1.2e-03     4" + " " * 34 + "linear_2x2048x4096_w11008x4096b234\n"
    assert beside.parse_check(untimed)[1] == []


def test_work_is_what_the_name_says(beside):
    works = [beside.work_of(row[0], 128) for row in beside.parse_check(CHECK)[1]]
    assert works == [("linear", 4096, 11008, 4096), ("linear", 4096, 11008, 4096), ("linear_grad", 4096, 11008, 4096), ("attention", 2, 2048, 32, 8, 128),
                     ("attention_grad", 2, 2048, 32, 32, 128), ("cross_entropy", 4096, 32000, 4096), None]
    assert beside.work_of("attention_2x64x32_2x64x16", 128) is None  # no heads of that size


def test_times_stand_beside_the_limit_and_torch(beside):
    asked = []

    def time_work(work):
        asked.append(work)
        return 250e-6

    device, rows = beside.parse_check(CHECK)
    lines = list(beside.render(rows, beside.find_card(device), 128, time_work))
    assert len(asked) == len(set(asked)) == 5  # equal work is timed once
    assert lines[0].split() == ["us", "GFLOP/s", "GB/s", "limit", "us", "of", "limit", "torch", "us", "QFA/torch", "bits", "kernel"]
    # 375 GFLOP at 989 TFLOP/s of tensor cores; 167.5 MB at 3.35 TB/s.
    assert lines[1].split() == ["500.0", "750000.0", "744.0", "379.2", "75.8", "%", "250.0", "2.00", "4", "linear_2x2048x4096_w11008x4096b234"]
    assert lines[7].split() == ["100.0", "1.0", "1675.0", "50.0", "50.0", "%", "addf_2x2048x4096_2x2048x4096"]
    assert len({line.rindex(name) for line, name in zip(lines, ["kernel", *(row[0] for row in rows)])}) == 1  # columns stand below each other
    plain = list(beside.render(rows, None, 128, None))
    assert plain[0].split() == ["us", "GFLOP/s", "GB/s", "bits", "kernel"] and plain[7].split()[-1] == rows[6][0]


@pytest.mark.parametrize("name, card", [
    ("NVIDIA A100-SXM4-80GB", "A100"), ("NVIDIA A100-SXM4-40GB", "A100 40GB"), ("NVIDIA A100-PCIE-40GB", "A100 40GB"),
    ("NVIDIA A100 80GB PCIe", "A100 80GB PCIe"), ("NVIDIA H100 80GB HBM3", "H100"), ("NVIDIA H100 PCIe", "H100 PCIe"), ("NVIDIA H100 NVL", "H100 NVL"),
    ("NVIDIA H200", "H200"), ("NVIDIA H200 NVL", "H200 NVL"), ("NVIDIA GH200 480GB", "GH200"), ("NVIDIA GH200 144G HBM3e", "GH200 144G"),
    ("NVIDIA L40S", None), ("NVIDIA RTX 4090", None),
])
def test_cards_are_told_apart(beside, name, card):
    assert beside.find_card(f"cuda:0 ({name}, sm_90, large products by cuBLASLt 130200)") == card


def test_torch_without_grouped_heads_is_no_comparison(beside, monkeypatch):
    for version, missing in ("2.4.1+cu121", "torch 2.4.1+cu121, wanted 2.5"), ("2.10.0", "torch 2.10.0 finds no CUDA device"):
        torch = types.SimpleNamespace(__version__=version, cuda=types.SimpleNamespace(is_available=lambda: False))
        monkeypatch.setitem(sys.modules, "torch", torch)
        assert beside.open_torch("cuda:0 (NVIDIA H100 80GB HBM3, sm_90)") == (None, missing)


def test_torch_does_the_work(beside):
    torch = pytest.importorskip("torch")

    def shapes(*work):
        result = beside.prepare_work(torch, work, device="cpu")()
        return [tuple(part.shape) for part in (result if isinstance(result, tuple) else (result,))]

    assert shapes("linear", 6, 10, 8) == [(6, 10)]
    assert shapes("linear_grad", 6, 10, 8) == [(6, 8)]
    assert shapes("cross_entropy", 6, 10, 8) == [(6, 8)]
    assert shapes("attention", 2, 5, 4, 2, 16) == [(2, 4, 5, 16)]
    assert shapes("attention_grad", 2, 5, 4, 2, 16) == [(2, 4, 5, 16), (2, 2, 5, 16), (2, 2, 5, 16)]


def test_a_check_without_times_is_refused(beside, tmp_path, monkeypatch):
    (tmp_path / "check.txt").write_text("0 runs, 0 wrong\n")
    monkeypatch.setattr("sys.argv", ["gpu-torch", str(tmp_path / "check.txt")])
    with pytest.raises(SystemExit, match="holds no times: wanted what check --repeats prints"):
        beside.main()


@pytest.fixture(scope="module")
def folder(root, build, tmp_path_factory):
    """What prepare makes for a rehearsal."""
    folder = tmp_path_factory.mktemp("gpu-check")
    done = subprocess.run([root / "scripts/gpu-check.sh", "prepare", "--small", "--build", build, folder], capture_output=True, text=True)
    assert done.returncode == 0 and "is ready" in done.stdout, done.stdout + done.stderr
    return folder


def test_rehearsal(root, folder):
    command = [root / "scripts/gpu-check.sh", "run", folder, "--device", "emulated", "--steps", "2", "--repeats", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("gpu-check: all good on emulated\n"), done.stdout + done.stderr
    assert done.stdout.count(" runs, 0 wrong") == 2 and done.stdout.count("  2 steps, largest difference of a loss") == 2
    assert done.stdout.count("\nstep ") == 3  # at 4 bits, at drawn ones, with the time of each kernel
    assert "no limits are known, only those of A100, H100, H200, A100 40GB, " in done.stdout

    # What is wrong is said at the end, and does not keep the rest from running.
    story = folder / "tiny-f32"
    story.rename(folder / "kept")
    story.write_text("#!/bin/sh\nexit 1\n")
    story.chmod(0o755)
    (folder / "tiny-bf16").unlink()
    (folder / "tiny-bf16").symlink_to(story)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    generated = ", products generated"
    wrong = [f"kernels of the small model in f32{generated}", f"kernels of the small model in bf16{generated}", "training in f32 did not end",
             "training in bf16 did not end", f"training steps of tiny-bf16 at bits 4{generated}", f"training steps of tiny-bf16 at bits mixed{generated}",
             "profile of tiny-bf16", f"times of tiny-bf16 beside others{generated}"]
    assert done.stdout.endswith("".join(f"gpu-check: FAILED: {what}\n" for what in wrong))


@pytest.fixture
def standins(root, tmp_path):
    """Runs gpu-check where no card is: programs that only print stand in for those that need one. Cases of bash by command, before theirs."""
    (tmp_path / "check.txt").write_text(CHECK)
    for script in "gpu-torch.py", "gpu_cards.py":
        shutil.copy(root / "scripts" / script, tmp_path)
    (tmp_path / "libcublasLt.so.13").touch()
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "nvidia-smi").chmod(0o755)

    def run(cases="", *options):
        for name in "tiny-f32", "tiny-bf16", "llama-7b":
            program = tmp_path / name
            program.write_text(f"""#!/bin/bash
echo "{name} $*${{QFA_GPU_ARCH:+ with code for sm_$QFA_GPU_ARCH}}"
case "{name} $*" in
  {cases}
  *\\ check\\ *) cat {tmp_path}/check.txt ;;
  *\\ train\\ *) while [[ $1 != --out ]]; do shift; done; mkdir -p "$2"; echo '{{"loss":2.5}}' > "$2/metrics.jsonl" ;;
esac
""")
            program.chmod(0o755)
        return subprocess.run([root / "scripts/gpu-check.sh", "run", tmp_path, "--device", "cuda:1", *options], capture_output=True, text=True,
                              env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"})

    return run


def test_the_large_program_runs_with_a_card(standins, tmp_path):
    done = standins()
    assert done.returncode == 0 and done.stdout.endswith("gpu-check: all good on cuda:1\n"), done.stdout + done.stderr
    assert done.stdout.startswith("products by: generated sm_90 cublaslt\n")
    for gemm, code in ("generated", ""), ("generated", " with code for sm_90"), ("cublaslt", ""):
        bench = f"llama-7b bench --device cuda:1 --gemm {gemm} --repeats 10 --bits"
        for line in f"{bench} 4{code}", f"{bench} mixed{code}", f"llama-7b check --device cuda:1 --gemm {gemm} --repeats 10 --kernel 2x2048{code}":
            assert f"\n{line}\n" in done.stdout
    assert "\nllama-7b bench --device cuda:1 --gemm auto --repeats 1 --profile\n" in done.stdout
    assert "\ncuda:0 (NVIDIA H100 80GB HBM3, sm_90, driver for CUDA 13.0), machine code for sm_90a: limits of the H100's data sheet\nno comparison with torch: " in done.stdout
    assert "\n      500.0  750000.0     744.0       379.2    75.8 %     4  linear_2x2048x4096_w11008x4096b234\n" in done.stdout
    assert (tmp_path / "runs/log.txt").read_text() == done.stdout


def last_lines(done):
    return [line for line in done.stdout.splitlines() if line.startswith("gpu-check: ")]


def test_what_the_card_has_no_room_for_is_skipped(standins):
    needs = "bench needs 21.0 GiB on cuda:1 (NVIDIA A30, sm_80), 20.0 GiB are free"
    done = standins(f'llama-7b\\ bench*) echo "llama-7b: {needs}: parameters 1 B; a smaller --batch needs less" >&2; exit 1 ;;')
    assert done.returncode == 0, done.stdout
    steps = [f"training steps of llama-7b at bits {bits}, products {gemm}" for gemm in ("generated", "sm_90", "cublaslt") for bits in ("4", "mixed")]
    assert last_lines(done) == [*(f"gpu-check: skipped: {what}: {needs}" for what in (*steps, "profile of llama-7b")), "gpu-check: all good on cuda:1"]
    done = standins('llama-7b\\ bench*) echo "llama-7b: a fault" >&2; exit 1 ;;')
    assert done.returncode == 1 and last_lines(done) == [f"gpu-check: FAILED: {what}" for what in (*steps, "profile of llama-7b")]


def test_cublaslt_is_left_out_where_it_does_not_work(standins):
    missing = "no cuBLASLt: none of libcublasLt.so.13 is found"
    probe = "tiny-f32\\ check*--gemm\\ cublaslt*--kernel\\ linear)"
    done = standins(f'{probe} echo "tiny-f32: {missing}" >&2; exit 1 ;;')
    assert done.returncode == 0 and done.stdout.startswith("products by: generated sm_90\n") and "products cublaslt" not in done.stdout
    assert last_lines(done) == [f"gpu-check: skipped: products by cublaslt: tiny-f32: {missing}", "gpu-check: all good on cuda:1"]
    training = [line for line in done.stdout.splitlines() if " train --data" in line]
    assert len(training) == 4 and all(line.endswith(" --gemm auto") for line in training)  # none with the code of the checks before
    # What computes and is wrong is not left out in silence.
    done = standins(f'{probe} cat "$(dirname "$0")/check.txt"; echo "tiny-f32: 1 of 7 kernels differ" >&2; exit 1 ;;')
    assert done.returncode == 1 and "WRONG at operand 2" in done.stdout.split("products by: generated sm_90\n")[0]
    assert last_lines(done) == ["gpu-check: FAILED: products by cublaslt: tiny-f32: 1 of 7 kernels differ"]


def test_a_program_that_hangs_is_ended(standins):
    done = standins("tiny-bf16\\ check*--gemm\\ generated*) exec sleep 100 ;;", "--limit", "1")
    assert done.returncode == 1
    assert last_lines(done) == ["gpu-check: tiny-bf16 check was ended after 1 seconds"] * 2 + [
        f"gpu-check: FAILED: kernels of the small model in bf16, products {gemm}: ended after 1 seconds" for gemm in ("generated", "sm_90")]


def test_training_that_fails_shows_why(standins, tmp_path):
    done = standins('tiny-f32\\ train*cuda:1*) echo "tiny-f32: an illegal memory access" >&2; exit 1 ;;')
    assert done.returncode == 1 and last_lines(done) == ["gpu-check: FAILED: training in f32 did not end"]
    assert f"\nthe end of {tmp_path}/runs/gpu-f32.log:\ntiny-f32: an illegal memory access\n" in done.stdout


def test_nothing_prepared(root, tmp_path):
    done = subprocess.run([root / "scripts/gpu-check.sh", "run", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == f"gpu-check: nothing in {tmp_path}; scripts/gpu-check.sh prepare makes it\n"
    done = subprocess.run([root / "scripts/gpu-check.sh", "prepare", "--build", tmp_path / "none", tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == f"gpu-check: no {tmp_path}/none/bin/qfa-compile; scripts/build.sh makes it\n"


def test_a_limit_is_seconds(standins):
    done = standins("", "--limit", "soon")
    assert done.returncode == 1 and done.stderr == "gpu-check: --limit is 'soon', wanted seconds\n"
