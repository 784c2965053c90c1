"""Prints the example's table from what `eval --json` wrote: a row for each model, in the order given.

    python table.py "float=eval/float.json" "4 bits=eval/rounded-4.json,eval/trained-4.json" ...

A second file is the same configuration after training.
"""

import json
import sys

COLUMNS = ("model", "bytes", "mean bits", "perplexity", "trained")


def row(label, before, after=None):
    """before, after: what `eval --json` says; bytes are those of the deployed file."""
    for result in (before, after or before):
        missing = [key for key in ("bytes", "mean_bits", "perplexity") if key not in result]
        if missing:
            raise ValueError(f"{label}: no {', '.join(missing)} in the result of eval")
    if after and after["bytes"] != before["bytes"]:
        raise ValueError(f"{label}: {before['bytes']} bytes before training, {after['bytes']} after it")
    trained = f"{after['perplexity']:,.2f}" if after else ""
    return label, f"{before['bytes']:,}", f"{before['mean_bits']:.2f}", f"{before['perplexity']:,.2f}", trained


def table(rows):
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows)]

    def line(cells):
        return "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()

    return "\n".join([line(COLUMNS), line(["-" * width for width in widths]), *map(line, rows)])


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    rows = []
    for argument in sys.argv[1:]:
        label, _, paths = argument.rpartition("=")
        rows.append(row(label, *map(read, paths.split(","))))
    print(table(rows))


if __name__ == "__main__":
    main()
