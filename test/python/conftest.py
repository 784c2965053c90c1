"""Where the Python tests find the scripts of the repository and the real inputs, which not every machine has."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_script(path):
    """A script of the repository as a module."""
    path = ROOT / path
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Program:
    """A program that is run as a user runs it."""

    def __init__(self, path):
        self.path = Path(path)

    def run(self, *arguments, **environment):
        command = [self.path, *arguments]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, env=os.environ | environment)

    def __call__(self, *arguments, **environment):
        """What it prints; it must succeed."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, f"{self.path.name} {arguments}: exit code {done.returncode}\n{done.stderr[-4000:]}"
        return done.stdout

    def json(self, *arguments, **environment):
        return json.loads(self(*arguments, "--json", **environment))

    def fails(self, *arguments, **environment):
        """The error text of a command that ends with exit code 1."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 1, f"{self.path.name} {arguments}: exit code {done.returncode}, wanted 1\n{done.stderr[-4000:]}"
        return done.stderr

    def refuses(self, *arguments, **environment):
        """As fails; the text must be one plain line, and comes without the program's name."""
        lines = self.fails(*arguments, **environment).strip().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith(f"{self.path.name}: ")
        words = lines[0].removeprefix(f"{self.path.name}: ").removeprefix("error: ")
        assert not re.match(r"[A-Z][a-z]", words) and not words.endswith("."), words
        return words


def real_folder(variable, beside_repository):
    """The folder that the variable names, or one beside the repository; skips the test where there is none."""
    folder = Path(os.environ.get(variable) or ROOT.parent / beside_repository)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; {variable} may name another folder")
    return folder


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """Real models and texts."""
    return real_folder("QFA_SHARED", "shared")


@pytest.fixture(scope="session")
def smollm2():
    """What shared/models/smollm2.py makes: hf/, model.onnx, tokenizer.json, reference.npz."""
    return real_folder("QFA_SMOLLM2", "cache/smollm2")


@pytest.fixture(scope="session")
def build():
    """The build that scripts/pytest.sh was told to test."""
    folder = Path(os.environ.get("QFA_BUILD_DIR") or ROOT / "build")
    if not (folder / "bin/qfa-compile").exists():
        pytest.skip(f"{folder}/bin/qfa-compile is not built")
    return folder


@pytest.fixture(scope="session")
def compiler(build):
    return Program(build / "bin/qfa-compile")


@pytest.fixture(scope="session")
def world(root, tmp_path_factory):
    """What examples/tiny/make_tiny.py makes: model.onnx of random weights, tokenizer.json, train.txt, validation.txt."""
    folder = tmp_path_factory.mktemp("world")
    subprocess.run([sys.executable, root / "examples/tiny/make_tiny.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def texts(world):
    """Options that name text and tokenizer."""
    return ["--data", world / "train.txt", "--validation-data", world / "validation.txt", "--tokenizer", world / "tokenizer.json"]


@pytest.fixture(scope="session")
def dense(compiler, world, texts, tmp_path_factory):
    """A program that trains all weights in float, and its run (.trained), long enough to have learned something."""
    folder = tmp_path_factory.mktemp("dense")
    compiler(world / "model.onnx", "--method", "full", "--batch", 4, "--sequence", 64, "--isa", "portable,avx2", "-o", folder / "dense")
    program = Program(folder / "dense")
    program.trained = folder / "run"
    program("train", *texts, "--out", program.trained, "--max-steps", 150, "--learning-rate", 1e-2)
    return program


@pytest.fixture(scope="session")
def supernet(compiler, world, dense, texts, tmp_path_factory):
    """A supernet of the model in float, and its run (.trained), whose adapters have moved far."""
    folder = tmp_path_factory.mktemp("supernet")
    compiler(world / "model.onnx", "--weights", dense.trained, "--group-size", 32, "--batch", 4, "--sequence", 64, "-o", folder / "supernet")
    program = Program(folder / "supernet")
    program.trained = folder / "run"
    program("train", *texts, "--out", program.trained, "--max-steps", 30, "--learning-rate", 2e-2)
    return program


@pytest.fixture
def out(tmp_path):
    """Where programs go; a test ends with nothing in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []
