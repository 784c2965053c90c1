"""Writes a safetensors file of float32 tensors: write_safetensors.py FILE NAME=[[1, 2], [3, 4]] ... (NAME:U32= for integers)"""

import json
import struct
import sys


def shape_of(values):
    return [len(values)] + shape_of(values[0]) if isinstance(values, list) else []


def flat(values):
    return [number for value in values for number in flat(value)] if isinstance(values, list) else [values]


header, data = {}, b""
for argument in sys.argv[2:]:
    name, _, text = argument.partition("=")
    name, _, kind = name.partition(":")
    values = json.loads(text)
    numbers = flat(values)
    packed = struct.pack(f"<{len(numbers)}{'I' if kind == 'U32' else 'f'}", *numbers)
    header[name] = {"dtype": kind or "F32", "shape": shape_of(values), "data_offsets": [len(data), len(data) + len(packed)]}
    data += packed
text = json.dumps(header).encode()
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
