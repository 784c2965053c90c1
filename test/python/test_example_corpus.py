"""Tests that the example's corpora are deterministic, and that held-out texts are nowhere else."""

import subprocess
import sys

import pytest
from conftest import load_script

make_corpus = load_script("examples/corpus/make_corpus.py")
make_tiny = load_script("examples/tiny/make_tiny.py")

END = "<|endoftext|>\n"
FILES = ("train", "validation", "test")


def made(root, script, out, seed="0"):
    subprocess.run([sys.executable, root / script, out], check=True, env={"PYTHONHASHSEED": seed}, stdout=subprocess.DEVNULL)
    return {name: (out / f"{name}.txt").read_text(encoding="utf-8") for name in FILES}


@pytest.fixture(scope="module")
def units():
    return make_corpus.collect()


def test_modules_are_split_whole(units):
    files = make_corpus.split(units)
    assert sorted(name for chosen in files.values() for name in chosen) == sorted(units)
    assert all("." not in name for name in units)
    size = {file: sum(len(document) for name in chosen for document in units[name]) for file, chosen in files.items()}
    for file, share in make_corpus.SHARES.items():
        assert share <= size[file] / sum(size.values()) < 1.3 * share


def test_no_documentation_is_in_two_files(units):
    seen = {}
    for file, chosen in make_corpus.split(units).items():
        for document in (document for name in chosen for document in units[name]):
            body = document.partition("\n")[2].strip() or document
            assert seen.setdefault(body, file) == file


@pytest.mark.parametrize("module,unit", [("_pydecimal", "decimal"), ("_decimal", "decimal"), ("email.mime.text", "email"),
                                         ("__future__", "future"), ("py_compile", "py_compile"), ("json", "json")])
def test_relatives_of_a_module_stay_with_it(module, unit):
    assert make_corpus.unit(module) == unit


def test_documents_of_a_source_file():
    source = '''"""What this module is for, in more than forty characters."""
class Box:
    """A box into which forty characters fit without being squeezed."""
    def put(self, *things, gently=True):
        """Puts the things into the box, one after the other, gently."""
    def _short(self):
        """Too short."""
def plain(): pass
'''
    assert list(make_corpus.source_documents("boxes", source)) == [
        "boxes\n\nWhat this module is for, in more than forty characters.",
        "boxes.Box\nA box into which forty characters fit without being squeezed.\n\n"
        "boxes.Box.put(self, *things, gently=True)\nPuts the things into the box, one after the other, gently."]


def test_module_that_fails_to_import_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "exits_at_once.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(make_corpus.compiled_documents("exits_at_once")) == []
    assert any(document.startswith("math.isclose\n") for document in make_corpus.compiled_documents("math"))


@pytest.mark.parametrize("script,least", [("examples/corpus/make_corpus.py", 1_500_000), ("examples/tiny/make_tiny.py", 250_000)])
def test_corpus_is_the_same_every_time(root, tmp_path, script, least):
    first, second = (made(root, script, tmp_path / seed, seed) for seed in ("1", "2"))
    assert first == second
    assert len(first["train"]) >= least
    assert all(text.endswith("\n" + END) for text in first.values())


def test_tiny_held_out_texts_are_unseen(root, tmp_path):
    texts = made(root, "examples/tiny/make_tiny.py", tmp_path)
    documents = [document for name in FILES for document in set(texts[name].split(END)) - {""}]
    assert len(documents) > 2000
    assert len(set(documents)) == len(documents)


def test_tiny_sums_are_right():
    numbers = {word: value for value, word in enumerate(make_tiny.NUMBERS)}
    sums = [line for text in make_tiny.stories(200, 7) if " and " in text and " is " in text.split("\n")[0] for line in text.split("\n")]
    assert len(sums) > 100
    for line in sums:
        first, _, second, _, total = line.rstrip(".").lower().split()
        assert numbers[first] + numbers[second] == numbers[total]
