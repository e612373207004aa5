"""Prints what Silero's voice activity model says of WAV files (mono, 16 kHz, 16 bits): one probability for every 32 ms.

    pip install onnx onnxruntime numpy safetensors silero-vad
    python silero.py FOLDER_OF_THE_WHEELS_DATA FILE.wav ...

The wheel's safetensors hold other weights than its graphs (they are of an earlier training), so no graph says what
the safetensors say. This script computes in numpy: once with the weights of a graph, which must agree with
onnxruntime on that graph and shows that the way of computing is right, and once with those of the safetensors.
"""

import sys
import wave

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

# The names of the weights in the graph, by those in the safetensors.
NAMES = {
    "stft_conv.weight": "model.stft.forward_basis_buffer",
    "final_conv.weight": "model.decoder.decoder.2.weight",
    "final_conv.bias": "model.decoder.decoder.2.bias",
} | {f"conv{n + 1}.{part}": f"model.encoder.{n}.reparam_conv.{part}" for n in range(4) for part in ("weight", "bias")}
NAMES |= {f"lstm_cell.{n}": f"model.decoder.rnn.{n}" for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}


def read_wav(path):
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def windows(samples):
    samples = np.pad(samples, (0, -len(samples) % 512))
    context = np.zeros(64, np.float32)
    for window in samples.reshape(-1, 512):
        heard = np.concatenate([context, window])
        context = heard[-64:]
        yield heard


def by_graph(path, samples):
    session = onnxruntime.InferenceSession(path)
    state = np.zeros((2, 1, 128), np.float32)
    for heard in windows(samples):
        out, state = session.run(None, {"input": heard[None], "state": state, "sr": np.array(16000, np.int64)})
        yield float(out[0, 0])


def graph_weights(path):
    def tensors(graph):
        for tensor in graph.initializer:
            yield tensor.name, onnx.numpy_helper.to_array(tensor)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    yield from tensors(attribute.g)
                if node.op_type == "Constant" and attribute.name == "value":
                    yield node.output[0], onnx.numpy_helper.to_array(attribute.t)

    found = dict(tensors(onnx.load(path).graph))
    return {name: found[theirs] for name, theirs in NAMES.items()}


def convolve(x, weights, bias, step, pad):
    x = np.pad(x, ((0, 0), (pad, pad)))
    width = weights.shape[2]
    places = range(0, x.shape[1] - width + 1, step)
    return np.stack([np.tensordot(weights, x[:, at : at + width], 2) for at in places], 1) + bias[:, None]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(weights, samples):
    hidden, cell = np.zeros(128), np.zeros(128)
    for heard in windows(samples):
        x = np.pad(heard, (0, 64), "reflect")[None]
        x = convolve(x, weights["stft_conv.weight"], np.zeros(258), 128, 0)
        x = np.hypot(x[:129], x[129:])
        for name, step in (("conv1", 1), ("conv2", 2), ("conv3", 2), ("conv4", 1)):
            x = np.maximum(convolve(x, weights[f"{name}.weight"], weights[f"{name}.bias"], step, 1), 0)
        gates = weights["lstm_cell.weight_ih"] @ x[:, 0] + weights["lstm_cell.bias_ih"]
        gates = gates + weights["lstm_cell.weight_hh"] @ hidden + weights["lstm_cell.bias_hh"]
        take, keep, new, show = np.split(gates, 4)
        cell = sigmoid(keep) * cell + sigmoid(take) * np.tanh(new)
        hidden = sigmoid(show) * np.tanh(cell)
        out = weights["final_conv.weight"].reshape(-1) @ np.maximum(hidden, 0) + weights["final_conv.bias"].reshape(-1)
        yield float(sigmoid(out)[0])


def main():
    folder = sys.argv[1]
    graph = f"{folder}/silero_vad_16k_op15.onnx"
    for path in sys.argv[2:]:
        samples = read_wav(path)
        apart = np.abs(np.subtract(list(by_graph(graph, samples)), list(by_hand(graph_weights(graph), samples)))).max()
        print(f"{path}: by hand and by onnxruntime on the graph, {apart:.1e} apart")
        weights = load_file(f"{folder}/silero_vad_16k.safetensors")
        print([round(p, 5) for p in by_hand(weights, samples)])


if __name__ == "__main__":
    main()
