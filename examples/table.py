"""Prints the example's table from what `eval --json` wrote: one row a file, in the order given.

    python table.py "float=eval/float.json" "4 bits, rounded=eval/rtn-4.json" ...
"""

import json
import sys

COLUMNS = ("model", "bytes", "mean bits", "perplexity")


def row(label, result):
    """result: what `eval --json` says; bytes are those of the deployed file."""
    missing = [key for key in ("bytes", "mean_bits", "perplexity") if key not in result]
    if missing:
        raise ValueError(f"{label}: no {', '.join(missing)} in the result of eval")
    return label, f"{result['bytes']:,}", f"{result['mean_bits']:.2f}", f"{result['perplexity']:,.2f}"


def table(rows):
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows)]

    def line(cells):
        return "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(cells, widths)))

    return "\n".join([line(COLUMNS), line(["-" * width for width in widths]), *map(line, rows)])


def main():
    rows = []
    for argument in sys.argv[1:]:
        label, _, path = argument.rpartition("=")
        with open(path, encoding="utf-8") as file:
            rows.append(row(label, json.load(file)))
    print(table(rows))


if __name__ == "__main__":
    main()
