"""Tests that the example's corpora are deterministic, and that validation holds nothing that training has seen."""

import subprocess
import sys

import pytest
from conftest import load_script

make_corpus = load_script("examples/corpus/make_corpus.py")
make_tiny = load_script("examples/tiny/make_tiny.py")

END = "<|endoftext|>\n"


def made(root, script, out, seed="0"):
    subprocess.run([sys.executable, root / script, out], check=True, env={"PYTHONHASHSEED": seed}, stdout=subprocess.DEVNULL)
    return {name: (out / f"{name}.txt").read_text(encoding="utf-8") for name in ("train", "validation")}


@pytest.fixture(scope="module")
def units():
    return make_corpus.collect()


def test_modules_are_split_whole(units):
    validation = make_corpus.split(units, 0.1)
    size = {name: sum(map(len, documents)) for name, documents in units.items()}
    share = sum(size[name] for name in validation) / sum(size.values())
    assert 0.1 <= share < 0.13
    assert validation < set(units)
    assert all("." not in name for name in units)


def test_no_documentation_is_in_both_files(units):
    validation = make_corpus.split(units, 0.1)
    bodies = {True: set(), False: set()}
    for name, documents in units.items():
        bodies[name in validation].update(document.partition("\n")[2].strip() for document in documents)
    assert (bodies[True] & bodies[False]) <= {""}


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


def test_tiny_validation_is_unseen(root, tmp_path):
    texts = made(root, "examples/tiny/make_tiny.py", tmp_path)
    train, validation = (set(texts[name].split(END)) - {""} for name in ("train", "validation"))
    assert len(validation) >= 200
    assert not train & validation


def test_tiny_sums_are_right():
    numbers = {word: value for value, word in enumerate(make_tiny.NUMBERS)}
    sums = [line for text in make_tiny.stories(200, 7) if " and " in text and " is " in text.split("\n")[0] for line in text.split("\n")]
    assert len(sums) > 100
    for line in sums:
        first, _, second, _, total = line.rstrip(".").lower().split()
        assert numbers[first] + numbers[second] == numbers[total]
