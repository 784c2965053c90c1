"""Tests what scripts/lint.sh finds, on small repositories made for it, and that the repository itself is clean."""

import subprocess

import pytest


@pytest.fixture
def lint(root, tmp_path):
    """Lints a new repository of the given files; returns exit code and findings."""

    def run(files):
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
        done = subprocess.run([root / "scripts/lint.sh", tmp_path], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    return run


@pytest.mark.parametrize("name,text,finding", [
    ("lib/Import/Raise.cpp", '#include "llvm/ADT/StringRef.h"\n#include "qfa/Supernet/Passes.h"\n',
     "lib/Import/Raise.cpp:2: stage Import includes qfa/Supernet, wanted only Dialect, Support, Format or Import"),
    ("include/qfa/Supernet/Passes.h", '#include "qfa/Kernels/Passes.h"\n',
     "include/qfa/Supernet/Passes.h:1: stage Supernet includes qfa/Kernels, wanted only Dialect, Support, Format or Supernet"),
    ("runtime/src/Run.cpp", '#include "llvm/Support/Error.h"\n',
     "runtime/src/Run.cpp:1: the runtime includes a header of the compiler's libraries"),
    ("lib/Import/Long.cpp", "\n" * 801, "lib/Import/Long.cpp: 801 lines, wanted at most 800"),
    ("docs/Guide.md", "unpack into\n`/ho" + "me/someone/models`\n", "docs/Guide.md:2: a path that one machine has"),
])
def test_finding(lint, name, text, finding):
    assert lint({"README.md": "clean\n", name: text}) == (1, [finding])


def test_clean_files(lint):
    code, lines = lint({
        "lib/Import/Raise.cpp": '#include "qfa/Dialect/Ops.h"\n#include "qfa/Format/Copy.h"\n#include "qfa/Import/Passes.h"\n',
        "lib/Pipelines/Stages.cpp": '#include "qfa/Import/Passes.h"\n#include "qfa/Supernet/Passes.h"\n',
        "runtime/src/Run.cpp": '#include "qfa/module_abi.h"\n',
        "docs/Guide.md": "see build/work/home and https://example.org/home/page\n",
    })
    assert (code, lines) == (0, ["lint: 4 files, nothing found"])


def test_this_repository(root):
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run([root / "scripts/lint.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
