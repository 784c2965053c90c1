"""Tests of programs for GPUs, on the emulated one: the very kernels that a card would run, against the CPU's."""

import json
import re
import shutil

import pytest
from conftest import Program

SHAPE = ["--batch", 2, "--sequence", 33]  # a sequence that no tile divides
BUILD = ["--target", "cpu,cuda", "--isa", "portable,avx2", "--gpu-arch", "80"]
STEPS = ["--max-steps", 20, "--learning-rate", 2e-3, "--eval-every", 0, "--checkpoint-every", 5]  # a larger rate multiplies what rounding differs by


def metrics(run, key):
    return [json.loads(line)[key] for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module", params=["f32", "bf16"])
def program(request, compiler, world, dense, tmp_path_factory):
    """A supernet's training program for both devices, with a precision of its matrix products (.precision)."""
    folder = tmp_path_factory.mktemp(f"gpu-{request.param}")
    compiler(world / "model.onnx", "--weights", dense.trained, "--group-size", 32, *SHAPE, *BUILD, "--gpu-precision", request.param, "-o", folder / "story")
    program = Program(folder / "story")
    program.precision = request.param
    return program


@pytest.fixture(scope="module")
def runs(program, texts, tmp_path_factory):
    """20 steps on each device."""
    folder = tmp_path_factory.mktemp("runs")
    for device in "cpu", "emulated":
        program("train", *texts, "--out", folder / device, *STEPS, "--device", device)
    return folder


def test_training_is_that_of_the_cpu(program, runs):
    tolerance = {"f32": 1e-5, "bf16": 5e-3}[program.precision]
    cpu, gpu = (metrics(runs / device, "loss") for device in ("cpu", "emulated"))
    assert len(cpu) == 20 and len(set(cpu)) > 15
    assert gpu == pytest.approx(cpu, rel=tolerance)
    cpu, gpu = (metrics(runs / device, "gradient_norm") for device in ("cpu", "emulated"))
    assert gpu == pytest.approx(cpu, rel=20 * tolerance)
    if program.precision == "bf16":  # rounding is seen
        assert metrics(runs / "cpu", "loss") != metrics(runs / "emulated", "loss")


def test_a_run_changes_devices(program, texts, runs, tmp_path):
    shutil.copytree(runs / "emulated", tmp_path / "run")
    program("train", "--resume", "--out", tmp_path / "run", "--max-steps", 22, "--device", "cpu")
    assert len(metrics(tmp_path / "run", "loss")) == 22


def test_evaluation_is_that_of_the_cpu(program, runs):
    for bits in 2, 4:
        cpu, gpu = (program.json("eval", "--run", runs / "cpu", "--bits", bits, "--max-tokens", 300, "--device", device)["loss"] for device in ("cpu", "emulated"))
        assert gpu == pytest.approx(cpu, rel={"f32": 1e-5, "bf16": 1e-2}[program.precision])


def test_a_step_passes_all_checks(program, texts, tmp_path):
    program("train", *texts, "--out", tmp_path / "run", "--max-steps", 1, "--device", "emulated", QFA_EMULATOR_CHECKS="1")
    assert len(metrics(tmp_path / "run", "loss")) == 1


def test_every_architecture_trains_as_the_cpu(compiler, world, dense, texts, tmp_path):
    # 132 tokens on a card of one multiprocessor: the largest tiles.
    compiler(world / "model.onnx", "--weights", dense.trained, "--group-size", 32, "--batch", 4, "--sequence", 33, "--target", "cpu,cuda",
             "--isa", "portable,avx2", "--gpu-arch", "80,90,90a", "--gpu-multiprocessors", 1, "-o", tmp_path / "story")
    program = Program(tmp_path / "story")
    steps = ["train", *texts, "--max-steps", 3, "--learning-rate", 2e-3, "--eval-every", 0, "--device"]
    program(*steps, "cpu", "--out", tmp_path / "cpu")
    for arch in "80", "90", "90a":
        program(*steps, "emulated", "--out", tmp_path / arch, QFA_GPU_ARCH=arch)
    cpu, *gpus = (metrics(tmp_path / run, "loss") for run in ("cpu", "80", "90", "90a"))
    assert len(cpu) == 3 and gpus[0] == pytest.approx(cpu, rel=5e-3)
    assert gpus[0] == gpus[1] == gpus[2]  # tiles of all add in the same order
    words = program.fails(*steps, "emulated", "--out", tmp_path / "run", QFA_GPU_ARCH="86")
    assert "QFA_GPU_ARCH is '86', wanted what this program has bitcode for: 80, 90, 90a" in words
    assert re.search(r"bitcode for sm_80 .*, bitcode for sm_90 .*, bitcode for sm_90a ", program("info"))


def test_a_subnet_says_the_same(program, compiler, world, runs, tmp_path):
    program("search", "--run", runs / "cpu", "--budget", "3bpw", "--samples", 3, "--refine", 1, "--max-tokens", 100, "--final-tokens", 100, "--device", "cpu")
    subnet = tmp_path / "subnet"
    compiler(world / "model.onnx", "--subnet", runs / "cpu/subnets/3bpw.json", "--weights", runs / "cpu", *SHAPE, *BUILD,
             "--gpu-precision", program.precision, "--context", 320, "-o", subnet)  # several blocks share a decoded head
    say = ["generate", "--tokenizer", world / "tokenizer.json", "--prompt", "Anna lost a", "--max-tokens", 12, "--temperature", 0]
    cpu, gpu = (Program(subnet)(*say, "--device", device) for device in ("cpu", "emulated"))
    assert len(cpu) > len("Anna lost a") and gpu == cpu
    text = Program(subnet)("check", "--device", "emulated", "--kernel", "cached_attention")
    assert text.count("  cached_attention_") == 2 and text.endswith("\n2 runs, 0 wrong\n")  # prefill's and decode's


def test_a_real_model_trains_as_on_the_cpu(compiler, shared, tmp_path):
    model, text = shared / "models/llama-tinystories-656k/torch-dynamo-18/model.onnx", shared / "data/tinystories/stories_head.txt"
    tokenizer = shared / "data/llama-tinystories-656k/tokenizer.json"
    compiler(model, "--group-size", "auto", "--batch", 2, "--sequence", 96, *BUILD, "--gpu-precision", "f32", "-o", tmp_path / "story")
    for device in "cpu", "emulated":
        Program(tmp_path / "story")("train", "--data", text, "--tokenizer", tokenizer, "--out", tmp_path / device, "--max-steps", 20, "--learning-rate", 5e-4,
                                    "--eval-every", 0, "--device", device)
    cpu, gpu = (metrics(tmp_path / device, "loss") for device in ("cpu", "emulated"))
    assert len(cpu) == 20 and gpu == pytest.approx(cpu, rel=1e-5)


def test_training_of_all_weights_is_that_of_the_cpu(compiler, world, texts, tmp_path):
    compiler(world / "model.onnx", "--method", "full", *SHAPE, *BUILD, "--gpu-precision", "f32", "-o", tmp_path / "full")
    full = Program(tmp_path / "full")
    for device in "cpu", "emulated":
        full("train", *texts, "--out", tmp_path / device, "--max-steps", 6, "--learning-rate", 1e-3, "--eval-every", 0, "--checkpoint-every", 2, "--device", device)
    cpu, gpu = (metrics(tmp_path / device, "loss") for device in ("cpu", "emulated"))
    assert gpu == pytest.approx(cpu, rel=1e-5)
    # The written model is the trained one.
    losses = [full.json("eval", "--weights", tmp_path / device, "--data", world / "validation.txt", "--tokenizer", world / "tokenizer.json",
                        "--max-tokens", 300, "--device", "cpu")["loss"] for device in ("cpu", "emulated")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5) and losses[0] < cpu[0]


def test_check_compares_every_kernel(program):
    text = program("check", "--device", "emulated")
    assert text.strip().endswith(" runs, 0 wrong") and "cross_entropy" in text
    assert "--device emulated" in program.refuses("check", "--device", "cpu")
    assert program.refuses("check", "--device", "emulated", "--kernel", "no-such") == "no kernel's name holds 'no-such'"
    assert "differ by more than 1e-12" in program.fails("check", "--device", "emulated", "--tolerance", 1e-12, "--kernel", "linear_")


@pytest.mark.parametrize("bits", [3, "mixed"])
def test_bench_needs_no_weights(program, tmp_path, bits):
    alone = Program(shutil.copy(program.path, tmp_path / "alone"))
    cpu, gpu = (alone.json("bench", "--repeats", 1, "--bits", bits, "--device", device, QFA_EMULATOR_CHECKS="1") for device in ("cpu", "emulated"))
    assert [row["name"] for row in gpu["times"]] == ["step", "train_step", "gradient_norm", "update"]
    assert gpu["loss"] == pytest.approx(cpu["loss"], rel={"f32": 1e-5, "bf16": 5e-3}[program.precision])
    assert gpu["loss"] == pytest.approx(gpu["log_vocabulary"], rel=0.05)
    assert gpu["memory"]["workspace"] > cpu["memory"]["workspace"] == 0


def test_bench_prints_what_it_measured(program):
    done = program.run("bench", "--device", "emulated", "--repeats", 1, "--profile")
    assert re.search(r"'\S+' on emulated GPU \(\d+ threads\), random weights of 4.00 bits\nmemory .*, workspace ", done.stdout)
    assert re.search(r"\nstep +66 +\d\S+ +\d\S+ +\d\S+ +\d\S+\n  train_step ", done.stdout) and "cross_entropy" in done.stderr


def test_devices_that_are_not_there(program, dense, texts, tmp_path):
    run = ["train", *texts, "--out", tmp_path / "run", "--max-steps", 1, "--device"]
    assert program.refuses(*run, "tpu") == "--device is 'tpu', wanted cpu, cuda, cuda:N, emulated or auto"
    words = program.fails(*run, "cuda:99")
    assert "no NVIDIA driver: libcuda.so.1 is not found" in words or "no CUDA device 99" in words
    assert "compiled for the CPU only, so not for --device emulated; compile it with --target=cpu,cuda" in Program(dense.path).fails(*run, "emulated")
    assert "QFA_EMULATOR_SCHEDULE is 'sideways', wanted forward, reverse or a number" in program.fails(*run, "emulated", QFA_EMULATOR_SCHEDULE="sideways")
