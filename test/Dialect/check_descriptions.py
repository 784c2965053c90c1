"""Checks that the TableGen descriptions of ops, types and passes are complete and agree with the tests.

usage: check_descriptions.py SOURCE_FOLDER
Reads the records that llvm-tblgen (found in the PATH) prints as JSON. Prints what is missing and exits with 1.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path


def records(source: Path, td: Path) -> dict:
    tblgen = shutil.which("llvm-tblgen")
    if not tblgen:
        sys.exit("llvm-tblgen is not in the PATH")
    include = Path(tblgen).resolve().parent.parent / "include"
    command = [tblgen, "--dump-json", "-I", source / "include", "-I", include, td]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def instances(table: dict, kind: str) -> list:
    return [table[name] for name in table["!instanceof"].get(kind, [])]


def squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def example_of(description: str) -> str:
    """The text in `...` or in a fenced block after "Example:"."""
    found = re.search(r"Example:\s*(?:```mlir\n(.*?)```|`([^`]*)`)", description, re.DOTALL)
    return squeeze(found.group(1) or found.group(2)) if found else ""


def lines_without_comments(path: Path) -> str:
    if not path.exists():
        return ""
    return squeeze("\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("//")))


def check_ops(source: Path) -> list:
    tests = source / "test" / "Dialect"
    table = records(source, source / "include" / "qfa" / "Dialect" / "Qfa.td")
    missing = []
    ops = [op for op in instances(table, "Op") if op["opDialect"]["def"] == "Qfa_Dialect"]
    assert ops, "no op found: the records have changed"
    for op in ops:
        name, description = op["opName"], op["description"]
        if not op["summary"] or not description:
            missing.append(f"qfa.{name}: summary or description")
        example = example_of(description)
        if not example:
            missing.append(f"qfa.{name}: example")
        elif example not in lines_without_comments(tests / f"{name}.mlir"):
            missing.append(f"qfa.{name}: its example in test/Dialect/{name}.mlir")
        errors = tests / f"{name}-errors.mlir"
        text = errors.read_text() if errors.exists() else ""
        constraints = re.findall(r"\((\w+_c\d+)\)", description)
        for number, constraint in enumerate(constraints, 1):
            if constraint != f"{name}_c{number}":
                missing.append(f"qfa.{name}: constraint {number} is called {constraint}")
            if not re.search(rf"@{constraint}\b", text):
                missing.append(f"qfa.{name}: a test @{constraint} in test/Dialect/{name}-errors.mlir")
    for type_def in instances(table, "TypeDef"):
        if type_def["dialect"]["def"] == "Qfa_Dialect" and not (type_def["summary"] and example_of(type_def["description"])):
            missing.append(f"!qfa.{type_def['mnemonic']}: summary or example")
    return missing


def check_passes(source: Path) -> list:
    missing = []
    for td in sorted((source / "include" / "qfa").glob("*/Passes.td")):
        for entry in instances(records(source, td), "PassBase"):
            argument, stage = entry["argument"], td.parent.name
            if not entry["summary"] or not entry["description"].strip():
                missing.append(f"--{argument}: summary or description")
            tests = (source / "test" / stage).glob("**/*.mlir")
            if not any(re.search(rf"RUN:.*--?{argument}\b", test.read_text()) for test in tests):
                missing.append(f"--{argument}: a test in test/{stage}")
    return missing


source_folder = Path(sys.argv[1])
problems = check_ops(source_folder) + check_passes(source_folder)
print("\n".join(f"missing: {problem}" for problem in problems))
sys.exit(1 if problems else 0)
