"""Ids of qfa-tokenize equal those of the `tokenizers` and `sentencepiece` packages: on real texts and on seeded random Unicode.

Needs: pip install tokenizers sentencepiece, and the shared data folder; skips with a message where one is absent.
"""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

tokenizers = pytest.importorskip("tokenizers", reason="the Python package tokenizers is not installed")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("QFA_SHARED", ROOT.parent / "shared"))
DATA = SHARED / "data"
# pieces of text that tokenizers treat in a way of their own
PHRASES = ["don't WE'LL I'm they're he'd x've o's ſ's 'ſ", "  \n\n \t x  ", "\r\n\r\n", " 1234567 x12y ٣٤ Ⅷ ½ ", "<|endoftext|>", "<s></s>",
           "<|im_start|>user\nhi<|im_end|>\n", "a <|end_story|> b", "<unk>", "▁x▁ ▁", "<0x0A><0x41>", "naïve cafe\u0301 Å\u030a \u1100\u1161\u11a8",
           "👩\u200d👩\u200d👧\u200d👦🏽 🇩🇪", "日本語のテキスト、한국어 中文", "العربية עברית हिन्दी ไทย", "\u0000\u0001\u001c\u0085\u2028", "!!!???...---", "x" * 70,
           "ab" * 60, "\ufeff\ufffd\U0010ffff\ud7ff\ue000", "__init__(self)->{0};//"]


@pytest.fixture(scope="session")
def tool():
    build = os.environ.get("QFA_BUILD_DIR", ROOT / "build")
    found = shutil.which("qfa-tokenize", path=f"{build}/bin{os.pathsep}{os.environ.get('PATH', '')}")
    if not found:
        pytest.skip("qfa-tokenize is not built")
    return found


def need(path):
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


def run(tool, *arguments, lines):
    text = "\n".join(json.dumps(line) for line in lines)
    done = subprocess.run([tool, *map(str, arguments)], input=text, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def random_character(rng):
    kind = rng.randrange(12)
    ranges = [(0x20, 0x7E), (0x20, 0x7E), (0, 0x20), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x1FFF), (0x2000, 0x2BFF), (0x3000, 0x9FFF),
              (0xAC00, 0xD7FF), (0xE000, 0xFFFF), (0x1F000, 0x1FAFF), (0x10000, 0x10FFFF)]
    return chr(rng.randint(*ranges[kind]))


def fuzz_texts(count, seed=20240229):
    rng = random.Random(seed)
    texts = [""] + PHRASES
    while len(texts) < count:
        parts = []
        for _ in range(rng.randint(1, 12)):
            if rng.random() < 0.25:
                parts.append(rng.choice(PHRASES))
            elif rng.random() < 0.4:
                parts.append(rng.choice(" \n\t'") * rng.randint(1, 4))
            else:
                parts.append("".join(random_character(rng) for _ in range(rng.randint(1, 8))))
        texts.append("".join(parts))
    return texts


def real_texts(pieces=4, length=3000):
    """From every text file of the shared data: all of a small one, evenly spaced pieces of a large one."""
    need(DATA)
    texts = []
    for path in sorted(DATA.rglob("*")):
        if path.suffix not in {".txt", ".json", ".jsonl", ".csv", ".md", ".400"} or "onnx" in str(path) or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        step = max(length, len(text) // pieces)
        texts += [text[begin:begin + length] for begin in range(0, len(text), step)][: 1 if "mmlu" in path.parts else pieces]
    return texts


def gpt2_pieces():
    folder = need(DATA / "tokenizers" / "gpt2")
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    return json.loads((folder / "vocab.json").read_text(encoding="utf-8")), [tuple(m.split(" ")) for m in merges if m and not m.startswith("#version")]


def split(pattern, behavior="isolated", invert=False):
    return tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), behavior, invert)


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_level(use_regex=False, add_prefix_space=False):
    return tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=use_regex)


def build(kind):
    """Tokenizers with the vocabulary of GPT-2 and the pre-tokenizers of other families."""
    vocab, merges = gpt2_pieces()
    sequence = tokenizers.pre_tokenizers.Sequence
    digits = tokenizers.pre_tokenizers.Digits
    made = {
        "gpt2": (None, byte_level(True), {}),
        "gpt2-prefix-space": (None, byte_level(True, True), {}),
        "llama3": (None, sequence([split(LLAMA3), byte_level()]), {"ignore_merges": True}),
        "qwen2": (tokenizers.normalizers.NFC(), sequence([split(QWEN2), byte_level()]), {}),
        "smollm2": (None, sequence([digits(individual_digits=True), byte_level(True)]), {}),
        "digit-runs": (None, sequence([digits(individual_digits=False), byte_level(True)]), {}),
        "cl100k": (None, sequence([split(CL100K), byte_level()]), {}),
        "o200k": (None, sequence([split(O200K), byte_level()]), {}),
        **{f"split-{behavior}-{invert}": (None, sequence([split(r"\s+|\p{P}", behavior, invert), byte_level()]), {})
           for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous") for invert in (False, True)},
        "no-bytes": ("replace", None, {"unk_token": "!", "fuse_unk": False}),
        "no-bytes-fused": ("replace", None, {"unk_token": "!", "fuse_unk": True}),
    }[kind]
    normalizer, pre_tokenizer, options = made
    if normalizer == "replace":
        n = tokenizers.normalizers
        normalizer = n.Sequence([n.NFC(), n.Prepend("Ġ"), n.Replace(" ", "Ġ"), n.Replace(tokenizers.Regex(r"\n+"), "Ċ")])
    result = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocab, merges=merges, **options))
    if normalizer:
        result.normalizer = normalizer
    if pre_tokenizer:
        result.pre_tokenizer = pre_tokenizer
        result.decoder = tokenizers.decoders.ByteLevel()
    Added = tokenizers.AddedToken
    result.add_special_tokens(["<|endoftext|>", "<|begin|>", "<|im_start|>", "<|im_end|>"])
    result.add_tokens([Added("é", normalized=True), Added("init", single_word=True), Added("  \n", normalized=False), Added("user", lstrip=True),
                       Added("self", rstrip=True, normalized=False), Added("Ġx", normalized=True), Added("日本", normalized=False), "日本語"])
    if kind in ("llama3", "no-bytes"):
        template = tokenizers.processors.TemplateProcessing(single="<|begin|> $A <|im_end|>",
                                                            special_tokens=[("<|begin|>", result.token_to_id("<|begin|>")), ("<|im_end|>", result.token_to_id("<|im_end|>"))])
        result.post_processor = tokenizers.processors.Sequence([tokenizers.processors.ByteLevel(trim_offsets=False), template])
    return result


def compare(tool, path, reference, texts, decode, lowest=0):
    """decode: compare decoded texts, of the ids from lowest on."""
    for special in (True, False):
        arguments = [path, "--json-strings"] + ([] if special else ["--no-special"])
        found = run(tool, *arguments, lines=texts)
        assert len(found) == len(texts)
        for text, ids in zip(texts, found):
            assert ids == reference.encode(text, add_special_tokens=special).ids, repr(text[:300])
    if decode:
        encoded = [[i for i in reference.encode(text).ids if i >= lowest] for text in texts]
        for text, ids, decoded in zip(texts, encoded, run(tool, path, "--decode", lines=encoded)):
            assert decoded == reference.decode(ids), repr(text[:300])


KINDS = ["gpt2", "gpt2-prefix-space", "llama3", "qwen2", "smollm2", "digit-runs", "cl100k", "o200k", "no-bytes", "no-bytes-fused"]
KINDS += [f"split-{b}-{i}" for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous") for i in (False, True)]


@pytest.mark.parametrize("kind", KINDS)
def test_fuzzed_unicode(tool, tmp_path, kind):
    reference = build(kind)
    reference.save(str(tmp_path / "tokenizer.json"))
    compare(tool, tmp_path / "tokenizer.json", reference, fuzz_texts(600), decode=not kind.startswith("no-bytes"))


@pytest.mark.parametrize("kind", ["gpt2", "llama3", "qwen2", "smollm2"])
def test_real_texts(tool, tmp_path, kind):
    reference = build(kind)
    reference.save(str(tmp_path / "tokenizer.json"))
    compare(tool, tmp_path / "tokenizer.json", reference, real_texts(), decode=True)


def test_merges_across_words(tool):
    """The TinyStories tokenizer has no pre-tokenizer: a text is one long word."""
    path = need(DATA / "llama-tinystories-656k" / "tokenizer.json")
    reference = tokenizers.Tokenizer.from_file(str(path))
    # the package does not leave out special tokens that it normalizes (ids 0 to 2), so these are not decoded
    compare(tool, path, reference, real_texts() + ["ab " * 40000], decode=True, lowest=3)
    compare(tool, path, reference, fuzz_texts(1500), decode=False)
    # a broken run of byte pieces decodes to another number of replacement characters
    compare(tool, path, reference, [text for text in fuzz_texts(1500) if "<0x" not in text], decode=True, lowest=3)


@pytest.mark.parametrize("name", ["SMOLLM2_TOKENIZER"])
def test_a_tokenizer_of_your_own(tool, name):
    """QFA_TEST_SMOLLM2_TOKENIZER names a tokenizer.json to check in full."""
    path = os.environ.get("QFA_TEST_" + name)
    if not path:
        pytest.skip(f"QFA_TEST_{name} is not set")
    reference = tokenizers.Tokenizer.from_file(path)
    compare(tool, path, reference, real_texts(pieces=40, length=5000) + fuzz_texts(3000), decode=True)


@pytest.mark.parametrize("name", ["llama-stories260k/tok512.model", "llama-char105/tok105.model", "tokenizers/mistral-v1/tokenizer.model"])
def test_sentencepiece_model(tool, name):
    sentencepiece = pytest.importorskip("sentencepiece", reason="the Python package sentencepiece is not installed")
    path = need(DATA / name)
    reference = sentencepiece.SentencePieceProcessor(model_file=str(path))
    texts = real_texts() + fuzz_texts(600)
    found = run(tool, path, "--json-strings", lines=texts)
    for text, ids in zip(texts, found):
        assert ids == reference.encode(text, add_bos=True), repr(text[:300])


def test_llama2c_file_equals_its_sentencepiece_twin(tool):
    folder = need(DATA / "llama-stories260k")
    texts = real_texts() + fuzz_texts(2000)
    binary = run(tool, folder / "tok512.bin", "--json-strings", lines=texts)
    model = run(tool, folder / "tok512.model", "--json-strings", lines=texts)
    for text, a, b in zip(texts, binary, model):
        assert a == b, repr(text[:300])
    decoded = run(tool, folder / "tok512.bin", "--decode", lines=binary)
    for text, back in zip(texts, decoded):  # this model joins runs of spaces, and writes a space as U+2581
        if "▁" not in text:
            assert back == re.sub(" +", " ", text.strip(" ")), repr(text[:300])
