#!/usr/bin/env python3
"""Writes runtime/src/text/UnicodeTables.inc: general categories, combining classes and canonical decompositions.

The tables follow what the `tokenizers` package does, because ids must equal its ids: categories are Unicode 16 (its regular
expressions), normalization is Unicode 9 (its normalizer): code points assigned later pass through it unchanged. Python has no
table of ages, so those that would take part are listed here; test/python/test_tokenizers.py compares the result.

usage: pip install unicodedata2==16.0.0 && python scripts/make-unicode-tables.py runtime/src/text/UnicodeTables.inc
"""
import sys

import unicodedata2 as unicode

NEWER_MARKS = [
    (0x7FD, 0x7FD), (0x897, 0x89F), (0x8CA, 0x8D3), (0x9FE, 0x9FE), (0xC3C, 0xC3C), (0xD3B, 0xD3C), (0xEBA, 0xEBA), (0x1715, 0x1715),
    (0x1ABF, 0x1ACE), (0x1DF6, 0x1DFA), (0xA82C, 0xA82C), (0x10D24, 0x10D27), (0x10D69, 0x10D6D), (0x10EAB, 0x10EAC), (0x10EFD, 0x10EFF),
    (0x10F46, 0x10F50), (0x10F82, 0x10F85), (0x11070, 0x11070), (0x1133B, 0x1133B), (0x113CE, 0x113D0), (0x1145E, 0x1145E),
    (0x11839, 0x1183A), (0x1193D, 0x1193E), (0x11943, 0x11943), (0x119E0, 0x119E0), (0x11A34, 0x11A34), (0x11A47, 0x11A47),
    (0x11A99, 0x11A99), (0x11D42, 0x11D42), (0x11D44, 0x11D45), (0x11D97, 0x11D97), (0x11F41, 0x11F42), (0x1612F, 0x1612F),
    (0x16FF0, 0x16FF1), (0x1E08F, 0x1E08F), (0x1E130, 0x1E136), (0x1E2AE, 0x1E2AE), (0x1E2EC, 0x1E2EF), (0x1E4EC, 0x1E4EF),
    (0x1E5EE, 0x1E5EF)]
NEWER_COMPOSITES = [
    (0x105C9, 0x105C9), (0x105E4, 0x105E4), (0x11383, 0x11383), (0x11385, 0x11385), (0x1138E, 0x1138E), (0x11391, 0x11391),
    (0x113C5, 0x113C5), (0x113C7, 0x113C8), (0x11938, 0x11938), (0x16121, 0x16128), (0x16D68, 0x16D6A)]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()


def newer(ranges, code):
    return any(first <= code <= last for first, last in ranges)


def runs(value):
    """The points where value(code point) changes, as (code point, new value)."""
    out = []
    for code in range(0x110000):
        if not out or out[-1][1] != (v := value(code)):
            out.append((code, value(code)))
    return out


def decomposition(code):
    text = unicode.decomposition(chr(code))
    if not text or text.startswith("<") or newer(NEWER_COMPOSITES, code):
        return None
    return tuple(int(part, 16) for part in text.split())


def rows(items, per_line):
    return "\n".join("  " + " ".join(items[i:i + per_line]) for i in range(0, len(items), per_line))


def main():
    index = {name: i for i, name in enumerate(CATEGORIES)}
    categories = runs(lambda code: index[unicode.category(chr(code))])
    classes = runs(lambda code: 0 if newer(NEWER_MARKS, code) else unicode.combining(chr(code)))
    canonical = {code: parts for code in range(0x110000) if (parts := decomposition(code))}
    composes = [c for c in canonical if len(canonical[c]) == 2 and unicode.normalize("NFC", chr(c)) == chr(c)]
    decomposes = [c for c in canonical if c not in set(composes)]

    def packed(pairs):
        return rows([f"0x{code << 8 | value:X}," for code, value in pairs], 12)

    def triples(codes):
        return rows(["{0x%X, 0x%X, 0x%X}," % (c, *(canonical[c] + (0,))[:2]) for c in codes], 4)

    with open(sys.argv[1], "w") as out:
        out.write(f"""// Made by scripts/make-unicode-tables.py from Unicode {unicode.unidata_version}; do not edit.
// clang-format off

// Where the general category changes: code point << 8 | index in kCategoryNames.
static constexpr const char *kCategoryNames[] = {{{", ".join(f'"{c}"' for c in CATEGORIES)}}};
static constexpr uint32_t kCategoryRuns[] = {{
{packed(categories)}
}};

// Where the canonical combining class changes: code point << 8 | class.
static constexpr uint32_t kCombiningRuns[] = {{
{packed(classes)}
}};

// {{composite, first, second}}: canonical decompositions of one step that NFC also composes.
static constexpr char32_t kCompositions[][3] = {{
{triples(composes)}
}};

// Canonical decompositions of one step that NFC never composes; second is 0 for singletons.
static constexpr char32_t kDecompositionsOnly[][3] = {{
{triples(decomposes)}
}};
// clang-format on
""")


if __name__ == "__main__":
    main()
