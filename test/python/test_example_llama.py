"""Tests that the ONNX models which the examples write compute a LLaMA, from random weights and from a GGUF file."""

import json
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import onnx
import pytest
from conftest import load_script
from llama_reference import llama
from onnx.reference import ReferenceEvaluator
from tokenizers import Tokenizer

make_model = load_script("examples/smollm2/make_model.py")
make_tiny = load_script("examples/tiny/make_tiny.py")
llama_onnx = sys.modules["llama_onnx"]

GROUPED = llama_onnx.LlamaShape(vocab=300, hidden=32, layers=2, heads=4, kv_heads=2, intermediate=64, context=64)
UNTIED = llama_onnx.LlamaShape(vocab=300, hidden=32, layers=1, heads=2, kv_heads=2, intermediate=96, rope_theta=500.0, tied=False)


def normal_weights(shape, seed=0):
    """Large enough that every part of the model moves the logits."""
    generator = np.random.default_rng(seed)
    return {name: generator.normal(0, 0.3, dims).astype(np.float32) + (len(dims) == 1) for name, dims in shape.weights()}


def logits_of(path, ids):
    return ReferenceEvaluator(str(path)).run(None, {"input_ids": ids})[0]


@pytest.mark.parametrize("shape", [GROUPED, UNTIED], ids=["grouped-tied", "untied"])
@pytest.mark.parametrize("batch,length", [(1, 1), (3, 11)])
def test_written_graph_is_a_llama(tmp_path, shape, batch, length):
    weights = normal_weights(shape)
    llama_onnx.write_llama(tmp_path, shape, weights.__getitem__)
    ids = np.random.default_rng(1).integers(0, shape.vocab, (batch, length))
    found = logits_of(tmp_path / "model.onnx", ids)
    for row in range(batch):
        np.testing.assert_allclose(found[row], llama(shape, weights, ids[row]), atol=2e-4)


def test_weights_keep_their_names_and_are_aligned(tmp_path):
    weights = normal_weights(GROUPED)
    llama_onnx.write_llama(tmp_path, GROUPED, weights.__getitem__)
    model = onnx.load(tmp_path / "model.onnx", load_external_data=False)
    external = {t.name: {e.key: e.value for e in t.external_data} for t in model.graph.initializer if t.external_data}
    assert list(external) == list(weights)
    assert all(int(where["offset"]) % 4096 == 0 for where in external.values())
    loaded = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(tmp_path / "model.onnx").graph.initializer}
    for name, values in weights.items():
        np.testing.assert_array_equal(loaded[name], values)


def test_wrong_shape_names_the_weight(tmp_path):
    weights = normal_weights(GROUPED) | {"model.norm.weight": np.ones(31, np.float32)}
    with pytest.raises(ValueError, match=r"weight model.norm.weight has shape \[31\], wanted \[32\]"):
        llama_onnx.write_llama(tmp_path, GROUPED, weights.__getitem__)


def interleave(weight, heads):
    """Hugging Face's rows to GGUF's: row i of a half goes to 2i, row i of the other half to 2i + 1."""
    rows = weight.reshape(heads, 2, -1, weight.shape[1])
    result = np.empty((heads, rows.shape[2] * 2, weight.shape[1]), weight.dtype)
    result[:, 0::2], result[:, 1::2] = rows[:, 0], rows[:, 1]
    return result.reshape(weight.shape)


def test_unpermute_undoes_the_interleaving():
    weight = np.arange(16 * 3).reshape(16, 3)
    assert (interleave(weight, 2) != weight).any()
    np.testing.assert_array_equal(make_model.unpermute(interleave(weight, 2), 2), weight)


def write_gguf(path, shape, weights, tokenizer):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.intermediate)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    writer.add_token_list([token for token, _ in vocab])
    writer.add_token_types([3 if i == 0 else 1 for _, i in vocab])
    writer.add_token_merges([" ".join(pair) for pair in merges_of(tokenizer)])
    for name, values in weights.items():
        for module, heads in (("q_proj", shape.heads), ("k_proj", shape.kv_heads)):
            values = interleave(values, heads) if module in name else values
        kind = gguf.GGMLQuantizationType.Q8_0 if values.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(make_model.gguf_name(name), gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merges_of(tokenizer):
    return [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in json.loads(tokenizer.to_str())["model"]["merges"]]


def test_gguf_becomes_the_same_llama(tmp_path, root):
    weights = normal_weights(GROUPED)
    weights = {n: gguf.dequantize(gguf.quantize(w, gguf.GGMLQuantizationType.Q8_0), gguf.GGMLQuantizationType.Q8_0)
               if w.ndim == 2 else w for n, w in weights.items()}
    tokenizer = make_tiny.train_tokenizer(make_tiny.stories(300, 1), GROUPED.vocab)
    write_gguf(tmp_path / "model.gguf", GROUPED, weights, tokenizer)
    subprocess.run([sys.executable, root / "examples/smollm2/make_model.py", tmp_path / "out", "--gguf", tmp_path / "model.gguf"], check=True)
    ids = np.random.default_rng(2).integers(0, GROUPED.vocab, (1, 9))
    np.testing.assert_allclose(logits_of(tmp_path / "out/model.onnx", ids)[0], llama(GROUPED, weights, ids[0]), atol=2e-4)
    made = Tokenizer.from_file(str(tmp_path / "out/tokenizer.json"))
    text = "Anna lost a grey dog.\n<|endoftext|>\nHugo had three cakes."
    assert made.encode(text).ids == tokenizer.encode(text).ids


def test_other_architectures_are_refused():
    with pytest.raises(SystemExit, match="architecture falcon, wanted llama"):
        make_model.shape_of({"general.architecture": "falcon"}, {})


def test_smollm2_equals_its_float_reference(root, smollm2):
    onnxruntime = pytest.importorskip("onnxruntime")
    download = root / "out/download"
    if not (download / make_model.WHEEL).exists():
        pytest.skip(f"{make_model.WHEEL} is not in {download}; examples/run.sh puts it there")
    reference = np.load(smollm2 / "reference.npz")
    with tempfile.TemporaryDirectory() as out:  # half a gigabyte, not to be kept like other results of tests
        subprocess.run([sys.executable, root / "examples/smollm2/make_model.py", out, "--cache", download], check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        (logits,) = onnxruntime.InferenceSession(f"{out}/model.onnx", options).run(None, {"input_ids": reference["input_ids"]})
    np.testing.assert_allclose(logits, reference["logits"], atol=1e-3)
