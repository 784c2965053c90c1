"""Writes a LLaMA decoder as ONNX: standard operators of opset 18, dynamic batch and sequence, weights in a file beside it.

Weights keep their Hugging Face names and shapes ([out, in]) and are written one at a time, so that memory holds one tensor.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ALIGNMENT = 4096  # of each tensor in the data file, so that a reader can map it


@dataclass(frozen=True)
class LlamaShape:
    vocab: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    context: int = 2048
    rope_theta: float = 10000.0
    norm_epsilon: float = 1e-5
    tied: bool = True  # the output projection is the embedding

    @property
    def head_dim(self):
        return self.hidden // self.heads

    def weights(self):
        """Name and shape of every weight, in the order of the data file."""
        kv = self.kv_heads * self.head_dim
        yield "model.embed_tokens.weight", (self.vocab, self.hidden)
        for layer in range(self.layers):
            block = f"model.layers.{layer}"
            yield f"{block}.input_layernorm.weight", (self.hidden,)
            yield f"{block}.self_attn.q_proj.weight", (self.hidden, self.hidden)
            yield f"{block}.self_attn.k_proj.weight", (kv, self.hidden)
            yield f"{block}.self_attn.v_proj.weight", (kv, self.hidden)
            yield f"{block}.self_attn.o_proj.weight", (self.hidden, self.hidden)
            yield f"{block}.post_attention_layernorm.weight", (self.hidden,)
            yield f"{block}.mlp.gate_proj.weight", (self.intermediate, self.hidden)
            yield f"{block}.mlp.up_proj.weight", (self.intermediate, self.hidden)
            yield f"{block}.mlp.down_proj.weight", (self.hidden, self.intermediate)
        yield "model.norm.weight", (self.hidden,)
        if not self.tied:
            yield "lm_head.weight", (self.vocab, self.hidden)

    def config(self):
        """The config.json of the same model in Hugging Face's words."""
        return dict(
            architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", attention_bias=False, mlp_bias=False,
            vocab_size=self.vocab, hidden_size=self.hidden, num_hidden_layers=self.layers, num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads, head_dim=self.head_dim, intermediate_size=self.intermediate,
            max_position_embeddings=self.context, rope_theta=self.rope_theta, rms_norm_eps=self.norm_epsilon,
            tie_word_embeddings=self.tied, torch_dtype="float32")


class _Graph:
    """Nodes and small constants, in the order they are added."""

    def __init__(self):
        self.nodes = []
        self.constants = {}  # name: array

    def constant(self, name, values, kind=np.int64):
        self.constants[name] = np.asarray(values, kind)
        return name

    def add(self, op, name, *inputs, **attributes):
        """A node of one output, both called `name`."""
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name


def _linear(g, name, x):
    """x: [batch, sequence, in] times the weight [out, in] called `name`.weight."""
    transposed = g.add("Transpose", f"{name}/Transpose", f"{name}.weight", perm=[1, 0])
    return g.add("MatMul", f"{name}/MatMul", x, transposed)


def _rms_norm(g, name, x):
    square = g.add("Pow", f"{name}/Pow", x, "two")
    mean = g.add("ReduceMean", f"{name}/ReduceMean", square, "last_axis", keepdims=1)
    root = g.add("Sqrt", f"{name}/Sqrt", g.add("Add", f"{name}/Add", mean, "norm_epsilon"))
    normal = g.add("Mul", f"{name}/Mul", x, g.add("Reciprocal", f"{name}/Reciprocal", root))
    return g.add("Mul", f"{name}/Mul_1", f"{name}.weight", normal)


def _heads(g, name, x, shape):
    """[batch, sequence, heads * head_dim] to [batch, heads, sequence, head_dim]."""
    return g.add("Transpose", f"{name}/Transpose_1", g.add("Reshape", f"{name}/Reshape", x, shape), perm=[0, 2, 1, 3])


def _rotate(g, name, x):
    """x cos + half-rotated x sin, on [batch, heads, sequence, head_dim]."""
    first = g.add("Slice", f"{name}/Slice", x, "zero", "half", "last_axis", "one")
    second = g.add("Slice", f"{name}/Slice_1", x, "half", "end", "last_axis", "one")
    turned = g.add("Concat", f"{name}/Concat", g.add("Neg", f"{name}/Neg", second), first, axis=-1)
    direct = g.add("Mul", f"{name}/Mul", x, "rotary/cos")
    return g.add("Add", f"{name}/Add", direct, g.add("Mul", f"{name}/Mul_1", turned, "rotary/sin"))


def _repeat(g, name, x, shape):
    """Every key or value head once for each query head of its group."""
    if shape.kv_heads == shape.heads:
        return x
    wide = g.add("Expand", f"{name}/Expand", g.add("Unsqueeze", f"{name}/Unsqueeze", x, "two_axis"), "shape/groups")
    return g.add("Reshape", f"{name}/Reshape_1", wide, "shape/all_heads")


def _attention(g, name, x, shape):
    q, k, v = (_heads(g, f"{name}.{n}_proj", _linear(g, f"{name}.{n}_proj", x), "shape/split") for n in "qkv")
    q, k = _rotate(g, f"{name}.rotary_q", q), _rotate(g, f"{name}.rotary_k", k)
    k, v = _repeat(g, f"{name}.repeat_k", k, shape), _repeat(g, f"{name}.repeat_v", v, shape)
    scores = g.add("MatMul", f"{name}/MatMul", q, g.add("Transpose", f"{name}/Transpose", k, perm=[0, 1, 3, 2]))
    scaled = g.add("Mul", f"{name}/Mul", scores, "attention_scale")
    weights = g.add("Softmax", f"{name}/Softmax", g.add("Add", f"{name}/Add", scaled, "mask"), axis=-1)
    mixed = g.add("Transpose", f"{name}/Transpose_1", g.add("MatMul", f"{name}/MatMul_1", weights, v), perm=[0, 2, 1, 3])
    return _linear(g, f"{name}.o_proj", g.add("Reshape", f"{name}/Reshape", mixed, "shape/join"))


def _mlp(g, name, x):
    gate = _linear(g, f"{name}.gate_proj", x)
    silu = g.add("Mul", f"{name}/Mul", gate, g.add("Sigmoid", f"{name}/Sigmoid", gate))
    return _linear(g, f"{name}.down_proj", g.add("Mul", f"{name}/Mul_1", silu, _linear(g, f"{name}.up_proj", x)))


def _preamble(g, shape):
    """What all layers share: constants, shapes, the causal mask [sequence, sequence], cos and sin [1, 1, sequence, head_dim]."""
    for name, values in dict(zero=[0], one=[1], half=[shape.head_dim // 2], end=[2**63 - 1], last_axis=[-1], two_axis=[2],
                             row_axes=[0, 1], heads=[shape.heads], kv_heads=[shape.kv_heads],
                             group=[shape.heads // shape.kv_heads], head_dim=[shape.head_dim]).items():
        g.constant(name, values)
    for name, value in dict(two=2.0, norm_epsilon=shape.norm_epsilon, attention_scale=shape.head_dim**-0.5, visible=0.0,
                            hidden=float(np.finfo(np.float32).min)).items():
        g.constant(name, value, np.float32)
    g.constant("start", 0)
    g.constant("step", 1)

    batch = g.add("Shape", "shape/batch", "input_ids", start=0, end=1)
    length = g.add("Shape", "shape/sequence", "input_ids", start=1, end=2)
    g.add("Concat", "shape/split", batch, length, "last_axis", "head_dim", axis=0)
    g.add("Concat", "shape/join", batch, length, "last_axis", axis=0)
    g.add("Concat", "shape/groups", batch, "kv_heads", "group", length, "head_dim", axis=0)
    g.add("Concat", "shape/all_heads", batch, "heads", length, "head_dim", axis=0)

    count = g.add("Squeeze", "positions/Squeeze", length, "zero")
    positions = g.add("Range", "positions/Range", "start", count, "step")
    rows = g.add("Unsqueeze", "mask/Unsqueeze", positions, "one")
    causal = g.add("LessOrEqual", "mask/LessOrEqual", positions, rows)
    g.add("Where", "mask", causal, "visible", "hidden")

    exponents = np.arange(0, shape.head_dim, 2, dtype=np.float64) / shape.head_dim
    g.constant("rotary/inv_freq", (shape.rope_theta ** -exponents)[None, :, None], np.float32)  # [1, head_dim / 2, 1]
    line = g.add("Unsqueeze", "rotary/Unsqueeze", g.add("Cast", "rotary/Cast", positions, to=TensorProto.FLOAT), "row_axes")
    angles = g.add("Transpose", "rotary/Transpose", g.add("MatMul", "rotary/MatMul", "rotary/inv_freq", line), perm=[0, 2, 1])
    both = g.add("Concat", "rotary/Concat", angles, angles, axis=-1)
    for function in ("Cos", "Sin"):
        g.add("Unsqueeze", f"rotary/{function.lower()}", g.add(function, f"rotary/{function}", both), "one")


def _decoder(shape):
    g = _Graph()
    _preamble(g, shape)
    x = g.add("Gather", "model.embed_tokens/Gather", "model.embed_tokens.weight", "input_ids", axis=0)
    for layer in range(shape.layers):
        block = f"model.layers.{layer}"
        mixed = _attention(g, f"{block}.self_attn", _rms_norm(g, f"{block}.input_layernorm", x), shape)
        x = g.add("Add", f"{block}/Add", x, mixed)
        gated = _mlp(g, f"{block}.mlp", _rms_norm(g, f"{block}.post_attention_layernorm", x))
        x = g.add("Add", f"{block}/Add_1", x, gated)
    x = _rms_norm(g, "model.norm", x)
    head = "model.embed_tokens.weight" if shape.tied else "lm_head.weight"
    g.add("MatMul", "logits", x, g.add("Transpose", "lm_head/Transpose", head, perm=[1, 0]))
    return g


def write_llama(folder, shape, load, extra_config=None):
    """Writes FOLDER/model.onnx, model.onnx.data and config.json; load(name) gives a weight as a float32 array.

    Without load the data file is a hole of the right size: a model of any size to measure a compiler with."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    g = _decoder(shape)
    initializers = [numpy_helper.from_array(values, name) for name, values in g.constants.items()]
    data = folder / "model.onnx.data"
    with open(data, "wb") as out:
        for name, dims in shape.weights():
            if load:
                values = np.ascontiguousarray(load(name), np.float32)
                if values.shape != dims:
                    raise ValueError(f"weight {name} has shape {list(values.shape)}, wanted {list(dims)}")
            length = 4 * math.prod(dims)
            out.seek(-out.tell() % ALIGNMENT, 1)
            tensor = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
            for key, value in dict(location=data.name, offset=out.tell(), length=length).items():
                tensor.external_data.add(key=key, value=str(value))
            initializers.append(tensor)
            if load:
                out.write(values.data)
            else:
                out.seek(length, 1)
        out.truncate()
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", shape.vocab])
    graph = helper.make_graph(g.nodes, "llama", [ids], [logits], initializers)
    model = helper.make_model(graph, producer_name="qfa-examples", ir_version=8, opset_imports=[helper.make_opsetid("", 18)])
    onnx.save(model, folder / "model.onnx")
    onnx.checker.check_model(str(folder / "model.onnx"))
    (folder / "config.json").write_text(json.dumps(shape.config() | (extra_config or {}), indent=2) + "\n")
