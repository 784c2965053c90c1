"""Tests that the documentation names only options and files that exist."""

import re

import pytest

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/Rationale.md", "docs/Walkthrough.md"]
OTHER_TOOLS = {"build", "preset", "target", "test-dir", "filter", "help"}  # options of cmake, ctest and lit


def text_of(root, *patterns):
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(root.glob(pattern)))


@pytest.fixture
def options(root):
    """Every option of compiler, passes, compiled programs and scripts."""
    compiler = re.findall(r'cl::(?:opt|list)<[^>]+>\s+\w+\(\s*"([a-z][a-z-]+)"', text_of(root, "tools/*/*.cpp"))
    passes = re.findall(r'\b(?:Pass|Option)<[^>]*?"([a-z][a-z-]+)"', text_of(root, "include/qfa/*/*.td"))
    programs = re.findall(r'["\',]--([a-z][a-z-]+)["\',]', text_of(root, "runtime/src/cli/*.cpp"))
    scripts = re.findall(r'--([a-z][a-z-]+)(?=\)| *\|)', text_of(root, "examples/*.sh", "scripts/*.sh"))
    return OTHER_TOOLS | set(compiler + passes + programs + scripts)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_options_exist(root, options, document):
    named = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", (root / document).read_text(encoding="utf-8")))
    assert named <= options


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(root, document):
    links = re.findall(r"\]\(([^)#:]+)\)", (root / document).read_text(encoding="utf-8"))
    assert [link for link in links if not (root / document).parent.joinpath(link).exists()] == []
