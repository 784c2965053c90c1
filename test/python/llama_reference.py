"""A LLaMA and its quantized weights as a textbook writes them, in NumPy: what compiled programs are compared with."""

import numpy as np


def rms_norm(x, gain, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * gain


def rotate(x, theta):
    """x: [heads, sequence, head_dim]; halves of a head are the real and imaginary parts."""
    half = x.shape[-1] // 2
    turn = np.exp(1j * np.outer(np.arange(x.shape[1]), theta ** (-np.arange(half) / half)))
    turned = (x[..., :half] + 1j * x[..., half:]) * turn
    return np.concatenate([turned.real, turned.imag], -1)


def llama(shape, weights, ids):
    """Logits [sequence, vocab] of one sequence in float64, in Hugging Face's conventions."""
    weights = {name.removesuffix(".weight"): w.astype(np.float64) for name, w in weights.items()}
    length = len(ids)
    hidden = np.triu(np.full((length, length), -np.inf), 1)
    x = weights["model.embed_tokens"][ids]
    for layer in range(shape.layers):
        block = f"model.layers.{layer}"
        y = rms_norm(x, weights[f"{block}.input_layernorm"], shape.norm_epsilon)
        q, k, v = ((y @ weights[f"{block}.self_attn.{n}_proj"].T).reshape(length, -1, shape.head_dim).swapaxes(0, 1) for n in "qkv")
        k, v = (np.repeat(t, shape.heads // shape.kv_heads, 0) for t in (rotate(k, shape.rope_theta), v))
        scores = rotate(q, shape.rope_theta) @ k.swapaxes(1, 2) / np.sqrt(shape.head_dim) + hidden
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        x = x + mixed.swapaxes(0, 1).reshape(length, -1) @ weights[f"{block}.self_attn.o_proj"].T
        y = rms_norm(x, weights[f"{block}.post_attention_layernorm"], shape.norm_epsilon)
        gate = y @ weights[f"{block}.mlp.gate_proj"].T
        gated = gate / (1 + np.exp(-gate)) * (y @ weights[f"{block}.mlp.up_proj"].T)
        x = x + gated @ weights[f"{block}.mlp.down_proj"].T
    head = weights["model.embed_tokens" if shape.tied else "lm_head"]
    return rms_norm(x, weights["model.norm"], shape.norm_epsilon) @ head.T


def mean_loss(logits, ids):
    """Of predicting each id of a sequence but the first."""
    logits = logits[:-1]
    top = logits.max(-1)
    normal = top + np.log(np.exp(logits - top[:, None]).sum(-1))
    return float((normal - logits[np.arange(len(ids) - 1), ids[1:]]).mean())


def unpack(words, bits):
    """Codes [blocks, in, 32] of words u32 [blocks, in, bits]."""
    def fields(words, width):  # [..., words] to [..., words * 32 / width], lowest bits first
        shifts = np.arange(0, 32, width, dtype=np.uint32)
        return (words[..., None] >> shifts & np.uint32(2**width - 1)).reshape(*words.shape[:-1], -1)

    if bits != 3:
        return fields(words, bits)
    return fields(words[..., :2], 2) | fields(words[..., 2:], 1) << 2


def dequantized(tensors, linear, bits):
    """The copy of a linear layer as a float matrix [rows rounded up to 32, in]; tensors maps names to arrays."""
    codes, scales, zeros = (tensors[f"{linear}.b{bits}.{part}"] for part in ("codes", "scales", "zeros"))
    codes = unpack(codes, bits)  # [blocks, in, 32]
    scales, zeros = (np.repeat(t.astype(np.float64), codes.shape[1] // t.shape[1], 1) for t in (scales, zeros))
    return (codes * scales + zeros).swapaxes(1, 2).reshape(-1, codes.shape[1])


def with_adapter(matrix, adapters, linear, bits, strength):
    """matrix + what its adapter does to sums over groups of inputs. An adapter that was never sampled does nothing."""
    name = f"{linear}.b{bits}.adapter_"
    if name + "a" not in adapters:
        return matrix
    product = adapters[name + "b"].astype(np.float64) @ adapters[name + "a"].astype(np.float64)  # [out, groups]
    return matrix + strength * np.repeat(product, matrix.shape[1] // product.shape[1], 1)
