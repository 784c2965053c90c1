"""Eager PyTorch doing a training step of one configuration: the contender of training_step.py, one JSON line per step on stdout.

The frozen linears are kept as integers (two 4-bit codes a byte, one scale and one zero per group) and dequantized in forward and again in
backward; each has an adapter that pools its input per group. Embedding and output projection hold the numbers of 8 bits, norms are float.

    python torch_step.py MODEL_FOLDER --tokens-file ids.npy --batch 2 --sequence 256 --group-size 64 --threads 1 --steps 3

Rows of --sequence ids begin where the one before has its last label, and every step reads the next --batch of them.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

LINEARS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


def read_weights(folder):
    """Initializers by their Hugging Face names."""
    graph = onnx.load(folder / "model.onnx").graph
    return {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer if t.name.endswith(".weight")}


def quantize(weight, bits, group):
    """Round-to-nearest of w [out, in]: codes [out, in / group, group], scale and zero [out, in / group, 1].

    The zero lies on the grid of the scale, so that a weight of 0 stays 0: with the least weight as zero, SmolLM2's perplexity at 3 bits doubles.
    """
    groups = weight.reshape(weight.shape[0], -1, group)
    low, high = groups.amin(-1, keepdim=True).clamp_max(0), groups.amax(-1, keepdim=True).clamp_min(0)
    scale = ((high - low) / (2**bits - 1)).half().float().clamp_min(2**-24)
    zero = -(-low / scale).round().clamp_max(2**bits - 1) * scale
    # The distance to the zero is rounded, not w / scale: ties, of which a model dequantized from 4 bits has many, then fall as QFA's do.
    codes = ((groups - zero) / scale).clamp(0, 2**bits - 1).round().to(torch.uint8)
    return codes, scale, zero


def dequantize(packed, scale, zero):
    """packed: [out, groups, group / 2], the even column of a pair in the low half of its byte; returns [out, in]."""
    codes = torch.stack((packed & 15, packed >> 4), -1).flatten(2)
    return torch.addcmul(zero, codes.float(), scale).flatten(1)


def rounded(weight, bits, group):
    codes, scale, zero = quantize(weight, bits, group)
    return torch.addcmul(zero, codes.float(), scale).flatten(1)


class FrozenLinear(torch.autograd.Function):
    """x W^T for a packed W; keeps only the integers for backward."""

    @staticmethod
    def forward(ctx, x, packed, scale, zero):
        ctx.save_for_backward(packed, scale, zero)
        return x @ dequantize(packed, scale, zero).T

    @staticmethod
    def backward(ctx, grad):
        return grad @ dequantize(*ctx.saved_tensors), None, None, None


class Linear(torch.nn.Module):
    def __init__(self, weight, group, rank, alpha):
        super().__init__()
        codes, self.scale, self.zero = quantize(weight, 4, group)
        self.packed = codes[..., 0::2] | codes[..., 1::2] << 4
        self.group, self.strength = group, alpha / rank
        self.a = torch.nn.Parameter(torch.nn.init.xavier_uniform_(torch.empty(rank, weight.shape[1] // group)))
        self.b = torch.nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, x):
        pooled = x.unflatten(-1, (-1, self.group)).sum(-1)  # [..., in / group]
        return FrozenLinear.apply(x, self.packed, self.scale, self.zero) + self.strength * (pooled @ self.a.T) @ self.b.T


class Llama(torch.nn.Module):
    def __init__(self, folder, group, rank, alpha):
        super().__init__()
        config = json.loads((folder / "config.json").read_text())
        weights = read_weights(folder)
        self.layers, self.epsilon, self.head_dim = config["num_hidden_layers"], config["rms_norm_eps"], config["head_dim"]
        self.theta = config["rope_theta"]
        # Rounded once, then held in float: the dequantization in every step is a cost that this side is spared.
        self.embedding = rounded(weights["model.embed_tokens.weight"], 8, group)
        head = weights.get("lm_head.weight")
        self.head = self.embedding if head is None else rounded(head, 8, group)
        self.gains = {name.removesuffix(".weight"): w for name, w in weights.items() if w.dim() == 1}
        self.linears = torch.nn.ModuleDict({f"{i}_{name.split('.')[1]}": Linear(weights[f"model.layers.{i}.{name}.weight"], group, rank, alpha)
                                            for i in range(self.layers) for name in LINEARS})

    def norm(self, name, x):
        return F.rms_norm(x, x.shape[-1:], self.gains[name], self.epsilon)

    def rotary(self, length):
        frequencies = self.theta ** (-torch.arange(0, self.head_dim, 2) / self.head_dim)
        angles = torch.outer(torch.arange(length), frequencies).repeat(1, 2)
        return angles.cos(), angles.sin()

    def attention(self, layer, x, cos, sin):
        def rotate(t):
            first, second = t.chunk(2, -1)
            return t * cos + torch.cat((-second, first), -1) * sin

        q, k, v = (self.linears[f"{layer}_{n}_proj"](x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2) for n in "qkv")
        mixed = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True, enable_gqa=True)
        return self.linears[f"{layer}_o_proj"](mixed.transpose(1, 2).flatten(2))

    def mlp(self, layer, x):
        gate, up = self.linears[f"{layer}_gate_proj"](x), self.linears[f"{layer}_up_proj"](x)
        return self.linears[f"{layer}_down_proj"](F.silu(gate) * up)

    def loss(self, ids, labels):
        x = F.embedding(ids, self.embedding)
        cos, sin = self.rotary(ids.shape[1])
        for layer in range(self.layers):
            x = x + self.attention(layer, self.norm(f"model.layers.{layer}.input_layernorm", x), cos, sin)
            x = x + self.mlp(layer, self.norm(f"model.layers.{layer}.post_attention_layernorm", x))
        logits = self.norm("model.norm", x) @ self.head.T
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens-file", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--group-size", type=int, default=64)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--alpha", type=float, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    model = Llama(args.model, args.group_size, args.rank, args.alpha)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.0)
    tokens = torch.from_numpy(np.load(args.tokens_file))
    rows = tokens.unfold(0, args.sequence + 1, args.sequence)
    for step in range(args.steps):
        batch = rows[torch.arange(step * args.batch, (step + 1) * args.batch) % len(rows)]
        wall, cpu = time.perf_counter(), time.process_time()
        loss = model.loss(batch[:, :-1], batch[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        print(json.dumps(dict(step=step, loss=loss.item(), seconds=time.perf_counter() - wall, cpu_seconds=time.process_time() - cpu,
                              peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
