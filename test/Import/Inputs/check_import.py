"""Imports every standard export of some models; compares names and numbers with config.json, and logits with reference.npz.

    python check_import.py MODELS NAME...          one line per file: "NAME/EXPORTER: ok", or what is wrong
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LINEARS = "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj mlp.gate_proj mlp.up_proj mlp.down_proj".split()
NORMS = ["input_layernorm", "post_attention_layernorm"]


def wanted_names(config):
    names = {"model.embed_tokens.weight", "model.norm.weight"}
    if not config["tie_word_embeddings"]:
        names.add("lm_head.weight")
    for layer in range(config["num_hidden_layers"]):
        names |= {f"model.layers.{layer}.{part}.weight" for part in LINEARS + NORMS}
    return names


def inverse_frequencies(config, width):
    """Of plain rotary embedding; none when the configuration scales them."""
    scaling = config.get("rope_scaling")
    if scaling and scaling.get("rope_type", "default") != "default":
        return None
    return [config.get("rope_theta", 10000.0) ** (-i / width) for i in range(0, width, 2)]


def differences(text, config):
    """What of the imported module contradicts the configuration."""
    layers, heads = config["num_hidden_layers"], config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    width = config.get("head_dim") or config["hidden_size"] // heads
    names = set(re.findall(r'qfa\.parameter @"?([^" ]+)', text))
    if names != wanted_names(config):
        yield f"names {sorted(names ^ wanted_names(config))}"
    attention = re.findall(r"num_heads = (\d+) : i64, num_kv_heads = (\d+) : i64, scale = (\S+) : f32(?:, window = (\d+))?", text)
    if len(attention) != layers:
        yield f"{len(attention)} attentions, wanted {layers}"
    for found_heads, found_kv_heads, scale, window in attention:
        if (int(found_heads), int(found_kv_heads)) != (heads, kv_heads):
            yield f"heads {found_heads} on {found_kv_heads}, wanted {heads} on {kv_heads}"
        if abs(float(scale) * width**0.5 - 1) > 1e-6:
            yield f"scale {scale}, wanted {width ** -0.5}"
        if (int(window) if window else None) != config.get("sliding_window"):
            yield f"window {window}, wanted {config.get('sliding_window')}"
    epsilons = re.findall(r"epsilon = (\S+) : f32", text)
    if len(epsilons) != 2 * layers + 1 or any(abs(float(e) / config["rms_norm_eps"] - 1) > 1e-6 for e in epsilons):
        yield f"epsilons {set(epsilons)}, wanted {config['rms_norm_eps']} {2 * layers + 1} times"
    ropes = re.findall(r"inverse_frequencies = dense<\[(.*?)\]>", text)
    wanted = inverse_frequencies(config, width)
    for rope in set(ropes):
        found = [float(f) for f in rope.split(",")]
        if wanted and any(abs(a / b - 1) > 1e-6 for a, b in zip(found, wanted, strict=True)):
            yield f"inverse frequencies {found}, wanted {wanted}"
    if len(ropes) != 2 * layers:
        yield f"{len(ropes)} rotary embeddings, wanted {2 * layers}"
    for left in (" = onnx.", " = tensor."):
        if left in text:
            yield f"an op of{left[2:]} is left"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def check(model, folder):
    with tempfile.TemporaryDirectory() as work:
        raised = Path(work, "model.mlir")
        imported = run("qfa-opt", model, "--qfa-import", "-o", raised)
        if imported.returncode:
            return imported.stderr
        wrong = list(differences(raised.read_text(), json.loads(Path(folder, "config.json").read_text())))
        reference = Path(folder, "reference.npz")
        compared = run("qfa-interpret", raised, "--entry=forward", "--precision=f32", f"--input=input_ids={reference}:input_ids",
                       f"--compare={reference}", "--tolerance=1e-4")
        if compared.returncode:
            wrong.append(compared.stdout + compared.stderr)
        return "; ".join(wrong) or "ok"


def main():
    models, names = Path(sys.argv[1]), sys.argv[2:]
    results = {}
    for name in names:
        for model in sorted(models.glob(f"{name}/*/model.onnx")):
            if "genai" not in str(model):
                results[f"{name}/{model.parent.name}"] = check(model, model.parent.parent)
                print(f"{name}/{model.parent.name}: {results[f'{name}/{model.parent.name}']}", flush=True)
    return 0 if all(result == "ok" for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
