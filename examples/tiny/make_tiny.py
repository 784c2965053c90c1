"""Makes a small world offline: a corpus, a tokenizer trained on it, and a LLaMA of 70 thousand random weights as ONNX.

    python make_tiny.py OUT [--seed 1] [--stories 2400]

OUT/train.txt, validation.txt and test.txt hold stories and sums that a grammar makes up, each ended by a line `<|endoftext|>`; what a story says of
its things (who, where, how many) comes back in its end, so that a model has something to learn. OUT/model.onnx is made to be trained from
nothing by a program compiled with `--method full`.
"""

import argparse
import random
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from llama_onnx import LlamaShape, write_llama  # noqa: E402

END = "<|endoftext|>"
HELD_OUT = 150  # texts for validation, and as many for the test
SHAPE = LlamaShape(vocab=512, hidden=32, layers=4, heads=4, kv_heads=2, intermediate=96, context=256, tied=True)

NAMES = "Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas".split()
ANIMALS = "cat dog fox hen mouse owl pony rabbit".split()
COLOURS = "black brown grey red white yellow".split()
THINGS = "apple ball book cake coin flower shell stone".split()
PLACES = ["barn", "forest", "garden", "kitchen", "market", "river", "school"]
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen".split()
WEATHER = ["The sun was warm.", "It rained all day.", "The wind was cold.", "Snow lay on the ground."]


def several(count, thing):
    return f"{NUMBERS[count]} {thing}" + ("" if count == 1 else "s")


def finding(pick):
    name, animal, colour, place = pick(NAMES), pick(ANIMALS), pick(COLOURS), pick(PLACES)
    return (f"{name} lost a {colour} {animal}. {pick(WEATHER)} {name} looked for the {animal} in the {place}. "
            f"A {colour} {animal} sat in the {place} and waited. {name} took the {colour} {animal} home and was happy.")


def sharing(pick):
    giver, taker = pick(NAMES), pick(NAMES)
    while taker == giver:
        taker = pick(NAMES)
    thing, had, given = pick(THINGS), pick(range(3, 10)), pick(range(1, 3))
    return (f"{giver} had {several(had, thing)}. {pick(WEATHER)} {giver} met {taker} at the {pick(PLACES)} and gave {taker} {several(given, thing)}. "
            f"Now {giver} has {several(had - given, thing)}. {taker} said thank you to {giver}.")


def counting(pick):
    lines = []
    for _ in range(4):
        first, second = pick(range(1, 10)), pick(range(1, 10))
        lines.append(f"{NUMBERS[first].capitalize()} and {NUMBERS[second]} is {NUMBERS[first + second]}.")
    return "\n".join(lines)


def stories(count, seed):
    pick = random.Random(seed).choice
    return [pick((finding, sharing, counting))(pick) for _ in range(count)]


def train_tokenizer(texts, vocab):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[END], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    found = tokenizer.get_vocab_size()
    if found != vocab:
        sys.exit(f"the tokenizer has {found} tokens, wanted {vocab}: the corpus is too small")
    return tokenizer


def random_weights(shape, seed):
    """Norms are ones; matrices are normal with deviation 0.02, less in front of a residual sum so that it keeps its size."""
    generator = np.random.default_rng(seed)
    dims = dict(shape.weights())

    def load(name):
        if len(dims[name]) == 1:
            return np.ones(dims[name], np.float32)
        ends_block = name.endswith(("o_proj.weight", "down_proj.weight"))
        return generator.normal(0, 0.02 / (np.sqrt(2 * shape.layers) if ends_block else 1), dims[name]).astype(np.float32)

    return load


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stories", type=int, default=2400)
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    texts = list(dict.fromkeys(stories(args.stories, args.seed)))  # no story is there twice
    parts = dict(test=texts[:HELD_OUT], validation=texts[HELD_OUT:2 * HELD_OUT], train=texts[2 * HELD_OUT:])
    for name, part in parts.items():
        (args.out / f"{name}.txt").write_text("".join(f"{text}\n{END}\n" for text in part), encoding="utf-8")
    tokenizer = train_tokenizer(parts["train"], SHAPE.vocab)
    tokenizer.save(str(args.out / "tokenizer.json"))
    end = tokenizer.token_to_id(END)
    write_llama(args.out, SHAPE, random_weights(SHAPE, args.seed), dict(bos_token_id=end, eos_token_id=end))
    print(f"{args.out}: {len(texts)} texts, {sum(map(len, texts)) / 1e3:.0f} kB, {sum(np.prod(d) for _, d in SHAPE.weights()) / 1e6:.2f} million weights")


if __name__ == "__main__":
    main()
