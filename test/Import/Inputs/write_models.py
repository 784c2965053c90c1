"""Writes small models with the example's writer, and the structure of a large one over a file without any bytes in it.

    python write_models.py EXAMPLES OUT
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, sys.argv[1])
import llama_onnx  # noqa: E402
import onnx  # noqa: E402

out = Path(sys.argv[2])
random = np.random.default_rng(1)
for tied in (True, False):
    small = llama_onnx.LlamaShape(vocab=32, hidden=16, layers=2, heads=4, kv_heads=2, intermediate=24, tied=tied)
    weights = {name: random.standard_normal(dims).astype(np.float32) for name, dims in small.weights()}
    llama_onnx.write_llama(out / ("tied" if tied else "untied"), small, weights.__getitem__)

# The writer makes one tensor at a time: of the large model only places are wanted, so each weight is replaced by a hole.
large = llama_onnx.LlamaShape(vocab=32000, hidden=4096, layers=8, heads=32, kv_heads=32, intermediate=11008, tied=False)
small = llama_onnx.LlamaShape(vocab=32, hidden=128, layers=8, heads=32, kv_heads=32, intermediate=24, tied=False)
llama_onnx.write_llama(out / "large", small, lambda name: np.zeros(dict(small.weights())[name], np.float32))
model = onnx.load(out / "large/model.onnx", load_external_data=False)
dims, offset = dict(large.weights()), 0
for tensor in model.graph.initializer:
    if tensor.name in dims:
        size = 4 * int(np.prod(dims[tensor.name]))
        del tensor.dims[:], tensor.external_data[:]
        tensor.dims.extend(dims[tensor.name])
        for key, value in dict(location="model.onnx.data", offset=offset, length=size).items():
            tensor.external_data.add(key=key, value=str(value))
        offset += size
    elif tensor.name in ("head_dim", "half"):
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([128 if tensor.name == "head_dim" else 64]), tensor.name))
    elif tensor.name == "rotary/inv_freq":
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.geomspace(1, 1e-4, 64, dtype=np.float32)[None, :, None], tensor.name))
onnx.save(model, out / "large/model.onnx")
with open(out / "large/model.onnx.data", "wb") as data:
    data.truncate(offset)
