"""Makes text that every machine has: the docstrings and documentation of the Python standard library.

    python make_corpus.py OUT

Writes OUT/train.txt, OUT/validation.txt (for choosing a subnet) and OUT/test.txt (for judging it); documents end with a line `<|endoftext|>`.
A module with all its submodules is in one of the files only, no docstring is there twice, and the same Python gives the same bytes.
"""

import argparse
import ast
import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import io
import sys
import warnings
from pathlib import Path

END = "<|endoftext|>"
SHORTEST = 40  # characters of a docstring worth keeping
SHARES = {"validation": 0.06, "test": 0.06}  # of all text; the rest is for training
LONGEST_SHARE = 0.3  # of a held-out file that one module may fill


def unit(module):
    """What is never split: `_pydecimal`, `_decimal` and `decimal.x` all belong to `decimal`."""
    name = module.split(".")[0]
    return name.removeprefix("_py").strip("_") if name.startswith("_") else name


def source_files():
    """Module name and path of every Python source file of the standard library, sorted."""
    found = []
    for name in sys.stdlib_module_names:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            continue
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        origin = Path(spec.origin)
        if not spec.submodule_search_locations:
            found.append((name, origin))
            continue
        for path in origin.parent.rglob("*.py"):
            parts = path.relative_to(origin.parent).with_suffix("").parts
            found.append((".".join((name, *(part for part in parts if part != "__init__"))), path))
    return sorted(found)


def written(text):
    """A docstring without its indentation; None if there is too little of it."""
    text = inspect.cleandoc(text) if text else ""
    return text if len(text) >= SHORTEST else None


def source_documents(module, source):
    """Documents of one source file: its own docstring, then one for every top-level class and function."""
    tree = ast.parse(source)
    if text := written(ast.get_docstring(tree)):
        yield f"{module}\n\n{text}"
    for node in tree.body:
        lines = list(described(node, f"{module}."))
        if lines:
            yield "\n\n".join(lines)


def described(node, prefix):
    """Signature and docstring of a class or function, then of what a class holds."""
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    is_class = isinstance(node, ast.ClassDef)
    if text := written(ast.get_docstring(node)):
        yield f"{prefix}{node.name}\n{text}" if is_class else f"{prefix}{node.name}({ast.unparse(node.args)})\n{text}"
    for inner in node.body if is_class else ():
        yield from described(inner, f"{prefix}{node.name}.")


def compiled_documents(module):
    """Documents of a module without source, from the running interpreter; nothing when it cannot be imported."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of modules that will be gone one day
            loaded = importlib.import_module(module)
    except BaseException:  # some modules of other systems exit or raise anything at all
        return
    if text := written(loaded.__doc__):
        yield f"{module}\n\n{text}"
    for name, value in sorted(vars(loaded).items(), key=lambda item: item[0]):
        if not (callable(value) and isinstance(getattr(value, "__doc__", None), str)):
            continue
        parts = [f"{module}.{name}\n{text}"] if (text := written(value.__doc__)) else []
        for member, inner in sorted(vars(value).items(), key=lambda item: item[0]) if inspect.isclass(value) else ():
            doc = getattr(inner, "__doc__", None)
            if not member.startswith("__") and isinstance(doc, str) and (text := written(doc)):
                parts.append(f"{module}.{name}.{member}\n{text}")
        if parts:
            yield "\n\n".join(parts)


def language_reference():
    """The chapters behind help("topic"): the reference of the language itself."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return
    yield from (topics[name].strip() for name in sorted(topics))


def collect():
    """Unit to its documents; a document that was seen before is left out."""
    seen, units = set(), {}

    def keep(module, documents):
        for document in documents:
            body = document.partition("\n")[2].strip() or document  # the same docstring under another name is no news
            digest = hashlib.sha256(body.encode()).digest()
            if digest not in seen and END not in document:
                seen.add(digest)
                units.setdefault(unit(module), []).append(document)

    files = source_files()
    for module, path in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                keep(module, source_documents(module, path.read_text(encoding="utf-8")))
        except (OSError, SyntaxError, UnicodeDecodeError):
            continue
    for module in sorted(set(sys.stdlib_module_names) - {name for name, _ in files}):
        keep(module, compiled_documents(module))
    keep("pydoc_data", language_reference())
    return units


def split(units):
    """File to the names of its units: in the order of their hashes, each held-out file takes units until it has its share of the text."""
    size = {name: sum(map(len, documents)) for name, documents in units.items()}
    remaining = sorted(units, key=lambda name: hashlib.sha256(name.encode()).digest())
    files = {}
    for file, share in SHARES.items():
        wanted, filled, chosen = share * sum(size.values()), 0, set()
        for name in remaining:
            if filled < wanted and size[name] <= LONGEST_SHARE * wanted:
                chosen.add(name)
                filled += size[name]
        remaining = [name for name in remaining if name not in chosen]
        files[file] = chosen
    return files | {"train": set(remaining)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()

    units = collect()
    args.out.mkdir(parents=True, exist_ok=True)
    for file, chosen in split(units).items():
        text = "".join(f"{document}\n{END}\n" for name in sorted(chosen) for document in units[name])
        (args.out / f"{file}.txt").write_text(text, encoding="utf-8")
        print(f"{args.out / file}.txt: {len(chosen)} modules, {len(text.encode()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
