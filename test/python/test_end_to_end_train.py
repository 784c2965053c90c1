"""Tests of training as a whole: resumed, interrupted, killed, without disk space, with other threads and instruction sets."""

import json
import random
import re
import resource
import signal
import subprocess
import time

import pytest

STEPS = ["--planned-steps", 6, "--schedule", "cosine", "--learning-rate", 1e-2]


def contents(run, step):
    """Every file of a checkpoint but the clock's."""
    folder = run / f"checkpoints/{step:06}"
    state = json.loads((folder / "state.json").read_text())
    assert state.pop("seconds") > 0
    return state, {file.name: file.read_bytes() for file in folder.glob("*.safetensors")}


def steps_of(run):
    return sorted(int(folder.name) for folder in (run / "checkpoints").iterdir() if folder.name.isdigit())


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("mode", ["supernet", "dense"])
def test_a_resumed_run_is_identical(mode, request, texts, tmp_path):
    program = request.getfixturevalue(mode)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    program("train", *texts, "--out", whole, "--max-steps", 6, *STEPS)
    program("train", *texts, "--out", parts, "--max-steps", 3, *STEPS)
    assert steps_of(parts) == [3]
    with open(parts / "metrics.jsonl", "a") as file:
        file.write('{"step":3,"lo')  # killed in the middle of a line
    program("train", "--resume", "--out", parts, "--max-steps", 6)  # everything else is the run's
    assert contents(whole, 6) == contents(parts, 6)
    assert len(contents(whole, 6)[1]) == 2
    lines = [[(m["step"], m["loss"], m["mean_bits"]) for m in metrics(run)] for run in (whole, parts)]
    assert lines[0] == lines[1] and [step for step, *_ in lines[0]] == list(range(6))


def test_resuming_differently_is_refused(supernet, texts, tmp_path):
    supernet("train", *texts, "--out", tmp_path / "run", "--max-steps", 2, *STEPS)
    text = supernet.fails("train", "--resume", "--out", tmp_path / "run", "--max-steps", 4, "--learning-rate", 1e-3)
    assert re.search(r"cannot resume '.*run' with --learning-rate 0\.001\d*, its checkpoint was made with 0\.0\d+", text)
    assert "is at step 2 already; go on with --resume" in supernet.fails("train", *texts, "--out", tmp_path / "run", "--max-steps", 4)
    assert "no such run" in supernet.fails("train", *texts, "--resume", "--out", tmp_path / "none", "--max-steps", 4)


def test_metrics_that_cannot_be_written_cost_no_step(supernet, texts, tmp_path):
    whole, run = tmp_path / "whole", tmp_path / "run"
    supernet("train", *texts, "--out", whole, "--max-steps", 6, *STEPS)
    run.mkdir()
    (run / "metrics.jsonl").symlink_to("/dev/full")
    text = supernet.fails("train", *texts, "--out", run, "--max-steps", 6, *STEPS)
    assert f"cannot write '{run}/metrics.jsonl': No space left on device; training ended after step 1" in text
    assert steps_of(run) == [1]
    (run / "metrics.jsonl").unlink()
    supernet("train", "--resume", "--out", run)
    assert contents(whole, 6) == contents(run, 6)


def test_threads_change_nothing(supernet, texts, tmp_path):
    found = [supernet.json("eval", "--run", supernet.trained, "--bits", 3, "--max-tokens", 1000, "--threads", n) for n in (1, 2)]
    assert found[0] == found[1]
    for threads in 1, 2:
        supernet("train", *texts, "--out", tmp_path / str(threads), "--max-steps", 2, *STEPS, "--threads", threads)
    losses = [[m["loss"] for m in metrics(tmp_path / str(threads))] for threads in (1, 2)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_full_training_learns_and_its_weights_feed_the_compiler(dense, supernet, texts):
    (start, end) = (metrics(dense.trained)[i]["loss"] for i in (0, -1))
    assert start == pytest.approx(6.24, abs=0.1)  # log 512: random weights
    assert end < 0.5 * start
    trained = dense.json("eval", "--run", dense.trained, "--max-tokens", 1000)["loss"]
    rounded = supernet.json("eval", "--data", texts[3], *texts[4:], "--bits", 4, "--max-tokens", 1000)["loss"]
    assert trained < 0.5 * start
    assert rounded == pytest.approx(trained, rel=0.2)  # the supernet was compiled with --weights


def can_run(name):
    flags = open("/proc/cpuinfo").read()
    return name == "portable" or {"avx2": " fma ", "avx512": " avx512vl "}[name] in flags


def test_instruction_sets_agree(supernet, texts, tmp_path):
    names = [name for name in ("portable", "avx2", "avx512") if can_run(name)]
    losses = {}
    for name in names:
        found = supernet.json("eval", "--run", supernet.trained, "--bits", 3, "--max-tokens", 1000, QFA_ISA=name)["loss"]
        supernet("train", *texts, "--out", tmp_path / name, "--max-steps", 3, "--learning-rate", 1e-3, QFA_ISA=name)
        losses[name] = [found, *(m["loss"] for m in metrics(tmp_path / name))]
    assert len(losses["portable"]) == 4
    for name in names[1:]:
        assert losses[name] == pytest.approx(losses["portable"], abs=1e-4)
        assert losses[name] != losses["portable"]  # other code did run
    text = supernet.fails("eval", "--run", supernet.trained, QFA_ISA="mmx")
    assert "instruction set 'mmx' is unknown, wanted portable, avx2 or avx512" in text


def start(program, *arguments, **options):
    return subprocess.Popen(list(map(str, [program.path, *arguments])), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def lines_so_far(run):
    """Of a run that may be writing one: what follows the last newline is not a line yet."""
    return (run / "metrics.jsonl").read_bytes().count(b"\n") if (run / "metrics.jsonl").exists() else 0


def wait_for_steps(process, run, count):
    """Until the run has made so many steps more than it had."""
    before = lines_so_far(run)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if lines_so_far(run) >= before + count:
            return
        time.sleep(0.002)
    assert process.poll() is None, process.communicate()[1]
    pytest.fail(f"no {count} steps in a minute")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_with_a_checkpoint(supernet, texts, tmp_path, number):
    run = tmp_path / "a 'good' run"
    process = start(supernet, "train", *texts, "--out", run.name, "--max-steps", 100000, cwd=tmp_path)
    wait_for_steps(process, run, 3)
    process.send_signal(number)
    printed, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    stopped, command = re.search(r"stopped after step (\d+); go on with: (.*)", printed).groups()
    assert steps_of(run) == [int(stopped)]
    assert "finishing; once more to quit at once" in error
    assert subprocess.run(f"{command} --max-steps {int(stopped) + 2}", shell=True, cwd=tmp_path).returncode == 0  # as one types it
    assert steps_of(run)[-1] == int(stopped) + 2


def test_a_killed_run_goes_on(supernet, texts, tmp_path):
    run, moments = tmp_path / "run", random.Random(7)
    options = ["--max-steps", 100000, "--checkpoint-every", 1, "--keep", 2, "--learning-rate", 1e-3]
    supernet("train", *texts, "--out", run, "--max-steps", 1, *options[2:], "--planned-steps", 100000)
    for _ in range(12):
        last = steps_of(run)[-1]
        process = start(supernet, "train", "--resume", "--out", run, *options[:2])
        wait_for_steps(process, run, 1)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert steps_of(run)[-1] >= last
    last = steps_of(run)[-1]
    done = supernet.run("train", "--resume", "--out", run, "--max-steps", last + 2)
    assert done.returncode == 0 and "damaged" not in done.stderr
    assert f"going on after step {last}" in done.stderr
    assert [m["step"] for m in metrics(run)] == list(range(last + 2))  # no step twice, none left out
    left = {file.name for file in (run / "checkpoints").iterdir()}
    assert left == {f"{step:06}" for step in (last + 1, last + 2)}  # nothing half-written
    # and it is the run that nobody killed
    supernet("train", *texts, "--out", tmp_path / "calm", "--max-steps", last + 2, *options[4:], "--planned-steps", 100000)
    assert contents(run, last + 2) == contents(tmp_path / "calm", last + 2)


def test_a_full_disk_keeps_the_last_checkpoint(supernet, texts, tmp_path):
    run = tmp_path / "run"
    supernet("train", *texts, "--out", run, "--max-steps", 2, *STEPS)
    before = contents(run, 2)
    size = max(file.stat().st_size for file in (run / "checkpoints/000002").iterdir())

    def no_space():  # what a full disk is to one file
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    process = start(supernet, "train", "--resume", "--out", run, "--max-steps", 5, preexec_fn=no_space)
    error = process.communicate()[1]
    assert process.returncode == 1
    assert re.search(r"checkpoint of step 5 is not written: cannot write .*.safetensors: File too large for \d+ bytes; "
                     r"the last good one is '.*checkpoints/000002'", error)
    assert steps_of(run) == [2] and contents(run, 2) == before
    assert sorted(file.name for file in (run / "checkpoints").iterdir()) == ["000002"]
    supernet("train", "--resume", "--out", run, "--max-steps", 6)
    supernet("train", *texts, "--out", tmp_path / "calm", "--max-steps", 6, *STEPS)
    assert contents(run, 6) == contents(tmp_path / "calm", 6)


def test_a_damaged_checkpoint_is_passed_over(supernet, texts, tmp_path):
    run = tmp_path / "run"
    supernet("train", *texts, "--out", run, "--max-steps", 2, "--checkpoint-every", 1, *STEPS)
    assert steps_of(run) == [1, 2]

    def flip(step):
        file = run / f"checkpoints/{step:06}/adapters.safetensors"
        content = bytearray(file.read_bytes())
        content[-10] ^= 1
        file.write_bytes(content)

    flip(2)
    done = supernet.run("train", "--resume", "--out", run, "--max-steps", 3)
    assert done.returncode == 0, done.stderr
    assert re.search(r"warning: checkpoint '.*000002' is damaged, trying an older one: .*has checksum \w{16}, wanted \w{16}", done.stderr)
    assert "going on after step 1" in done.stderr
    for step in steps_of(run):
        flip(step)
    assert "no whole checkpoint in" in supernet.fails("eval", "--run", run)
    assert "no whole checkpoint in" in supernet.fails("train", "--resume", "--out", run, "--max-steps", 9)
