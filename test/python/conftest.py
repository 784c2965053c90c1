"""Where the Python tests find the scripts of the repository and the real inputs, which not every machine has."""

import importlib.util
import os
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


def real_folder(variable, beside_repository):
    """The folder that the variable names, or one beside the repository; skips the test where there is none."""
    folder = Path(os.environ.get(variable) or ROOT.parent / beside_repository)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; {variable} may name another folder")
    return folder


@pytest.fixture
def root():
    return ROOT


@pytest.fixture
def shared():
    """Real models and texts."""
    return real_folder("QFA_SHARED", "shared")


@pytest.fixture
def smollm2():
    """What shared/models/smollm2.py makes: hf/, model.onnx, tokenizer.json, reference.npz."""
    return real_folder("QFA_SMOLLM2", "cache/smollm2")


@pytest.fixture
def build():
    """The build that scripts/pytest.sh was told to test."""
    folder = Path(os.environ.get("QFA_BUILD_DIR") or ROOT / "build")
    if not (folder / "bin/qfa-compile").exists():
        pytest.skip(f"{folder}/bin/qfa-compile is not built")
    return folder
