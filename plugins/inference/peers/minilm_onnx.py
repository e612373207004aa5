"""Compares MiniLM with onnxruntime: the same weights, the same tokens, in turns on one machine.

    pip install onnxruntime onnx numpy safetensors tokenizers
    cargo build --release -p diorama_inference --no-default-features --example embed_peer
    python plugins/inference/peers/minilm_onnx.py MODEL_FOLDER [--precision int8] [--threads 2] [--texts FILE]

MODEL_FOLDER holds model.safetensors, config.json and tokenizer.json (the store's folder of
all-minilm-l6-v2). Prints sentences a second and milliseconds of both, and how near the embeddings are.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tokenizers import Tokenizer

CONTRIB = "com.microsoft"
WORDS = "the pump in hall two loses oil again".split()
SHAPES = [(32, 32, 5), (32, 128, 3), (1, 32, 60)]


class Graph:
    """An ONNX graph under construction."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name, transposed=False):
        value = self.weights[name]
        return self.constant(name, value.T if transposed else value)

    def add(self, op, inputs, output, domain="", **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def norm(self, inputs, prefix, output, eps, skip_bias):
        parts = [self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias"), skip_bias]
        return self.add("SkipLayerNormalization", inputs + parts, output, CONTRIB, epsilon=eps)


def embeddings(graph, eps):
    positions = graph.weights["embeddings.position_embeddings.weight"]
    positions = positions + graph.weights["embeddings.token_type_embeddings.weight"][0]
    zero, one, two = (graph.constant(f"n{n}", np.array([n], np.int64)) for n in range(3))
    words = graph.weight("embeddings.word_embeddings.weight")
    graph.add("Gather", [words, "input_ids"], "words", axis=0)
    graph.add("Shape", ["input_ids"], "shape")
    graph.add("Slice", ["shape", one, two, zero], "length")
    graph.add("Slice", [graph.constant("positions", positions), zero, "length", zero], "places")
    graph.add("Add", ["words", "places"], "embedded")
    parts = [graph.weight(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
    return graph.add("LayerNormalization", ["embedded"] + parts, "hidden", axis=-1, epsilon=eps)


def layer(graph, nth, hidden, config):
    prefix, eps = f"encoder.layer.{nth}.", config["layer_norm_eps"]
    attention = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
    qkv = np.concatenate([graph.weights[f"{part}.weight"].T for part in attention], 1)
    bias = np.concatenate([graph.weights[f"{part}.bias"] for part in attention])
    inputs = [hidden, graph.constant(f"qkv{nth}", qkv), graph.constant(f"qkv_bias{nth}", bias), "mask"]
    heads = config["num_attention_heads"]
    graph.add("Attention", inputs, f"mixed{nth}", CONTRIB, num_heads=heads)

    def product(x, name, output):
        return graph.add("MatMul", [x, graph.weight(f"{prefix}{name}.weight", True)], output)

    out = product(f"mixed{nth}", "attention.output.dense", f"out{nth}")
    bias = graph.weight(f"{prefix}attention.output.dense.bias")
    hidden = graph.norm([out, hidden], f"{prefix}attention.output.LayerNorm", f"attended{nth}", eps, bias)
    wide = product(hidden, "intermediate.dense", f"wide{nth}")
    bias = graph.weight(f"{prefix}intermediate.dense.bias")
    wide = graph.add("BiasGelu", [wide, bias], f"bent{nth}", CONTRIB)
    narrow = product(wide, "output.dense", f"narrow{nth}")
    bias = graph.weight(f"{prefix}output.dense.bias")
    return graph.norm([narrow, hidden], f"{prefix}output.LayerNorm", f"hidden{nth}", eps, bias)


def pooled(graph, hidden):
    last, one = graph.constant("last", np.array([-1], np.int64)), "n1"
    graph.add("Cast", ["attention_mask"], "there", to=TensorProto.FLOAT)
    graph.add("Unsqueeze", ["there", last], "there_wide")
    graph.add("Mul", [hidden, "there_wide"], "kept")
    graph.add("ReduceSum", ["kept", one], "sum", keepdims=0)
    graph.add("ReduceL2", ["sum", last], "size", keepdims=1)
    graph.add("Div", ["sum", "size"], "embedding")


def build(folder, path):
    """Writes the graph of the encoder, with onnxruntime's own fused operators."""
    config = json.loads((folder / "config.json").read_text())
    graph = Graph(load_file(folder / "model.safetensors"))
    hidden = embeddings(graph, config["layer_norm_eps"])
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for nth in range(config["num_hidden_layers"]):
        hidden = layer(graph, nth, hidden, config)
    pooled(graph, hidden)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    width = config["hidden_size"]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", width])]
    made = helper.make_graph(graph.nodes, "minilm", inputs, outputs, graph.constants)
    versions = [helper.make_opsetid("", 20), helper.make_opsetid(CONTRIB, 1)]
    model = helper.make_model(made, opset_imports=versions)
    model.ir_version = 9
    onnx.save(model, path)


class Onnx:
    """onnxruntime with the graph."""

    def __init__(self, path, tokenizer, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        self.tokenizer = tokenizer

    def feed(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        length = max(len(text.ids) for text in encoded)
        padded = lambda numbers: np.array([n + [0] * (length - len(n)) for n in numbers], np.int64)
        ids = padded([text.ids for text in encoded])
        return {"input_ids": ids, "attention_mask": padded([text.attention_mask for text in encoded])}

    def seconds(self, texts, times):
        feed, taken = self.feed(texts), []
        for _ in range(times):
            began = time.perf_counter()
            self.session.run(None, feed)
            taken.append(time.perf_counter() - began)
        return taken

    def embed(self, texts):
        return np.concatenate([self.session.run(None, self.feed([text]))[0] for text in texts])


class Ours:
    """This project's example program, over its pipes."""

    def __init__(self, program, precision, threads):
        command = [program, "all-minilm-l6-v2", precision, str(threads)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, bufsize=1, **pipes)
        print(f"ours is ready after {float(self.process.stdout.readline()):.2f} s")

    def ask(self, texts, times):
        self.process.stdin.write(json.dumps({"texts": texts, "times": times}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def seconds(self, texts, times):
        return self.ask(texts, times)["seconds"]

    def embed(self, texts):
        return np.array(self.ask(texts, 0)["embeddings"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--precision", choices=["f32", "int8"], default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default="target/release/examples/embed_peer")
    parser.add_argument("--texts", type=pathlib.Path, help="real texts, one a line, to compare embeddings of")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    with tempfile.TemporaryDirectory() as place:
        plain, path = f"{place}/minilm.onnx", f"{place}/minilm.int8.onnx"
        build(args.folder, plain)
        if args.precision == "int8":
            quantize_dynamic(plain, path, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": TensorProto.FLOAT})
        exact = Onnx(plain, tokenizer, args.threads)
        engines = {
            "ours": Ours(args.program, args.precision, args.threads),
            "onnxruntime": exact if args.precision == "f32" else Onnx(path, tokenizer, args.threads),
        }
    for n_texts, n_tokens, times in SHAPES:
        texts = [" ".join(WORDS[(i * 7 + nth) % 8] for i in range(n_tokens - 2)) for nth in range(n_texts)]
        taken = {name: [] for name in engines}
        for _ in range(args.rounds):
            for name, engine in engines.items():
                engine.seconds(texts, 1)
                taken[name] += engine.seconds(texts, times)
        medians = {name: float(np.median(seconds)) for name, seconds in taken.items()}
        for name, median in medians.items():
            print(f"{n_texts} x {n_tokens} {name}: {n_texts / median:.0f} /s, {median * 1e3:.2f} ms")
        print(f"{n_texts} x {n_tokens}: {medians['onnxruntime'] / medians['ours']:.2f} times as fast")
    texts = args.texts.read_text(errors="ignore").splitlines() if args.texts else [" ".join(WORDS)]
    texts = [text for text in texts if text.strip()]
    truth = exact.embed(texts)
    for name, engine in engines.items():
        got = engine.embed(texts)
        cosines = (got * truth).sum(1)
        print(f"{name} on {len(texts)} texts: worst cosine {cosines.min():.5f}, worst number off by {abs(got - truth).max():.2g}")


if __name__ == "__main__":
    main()
