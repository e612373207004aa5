"""Compares greedy texts with llama.cpp's and with a plain pass in f32, on the same file of Q8_0 weights.

    pip install numpy
    plugins/inference/peers/llama.sh build DIR
    cargo build --release -p diorama_inference --no-default-features --example generate
    python plugins/inference/peers/llama_greedy.py target/release/examples/generate DIR FILE.gguf 40 < plugins/inference/peers/llama_prompts.txt

Activations are brought to 8 bits here and by llama.cpp, not in the same way, so the scores of both are a
little off those of f32, and texts may part where the two likeliest tokens are nearly alike. With
activations left in f32 (`generate exact`) the text has to be that of the plain pass.
"""

import struct
import subprocess
import sys

import numpy as np

KINDS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# Texts may part where f32 scores two tokens as near to each other as this.
NEAR = 0.3


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 8

    def number(self, kind):
        size = struct.calcsize("<" + kind)
        self.at += size
        return struct.unpack("<" + kind, bytes(self.data[self.at - size : self.at]))[0]

    def text(self):
        size = self.number("Q")
        self.at += size
        return bytes(self.data[self.at - size : self.at]).decode("utf8", "replace")

    def value(self, kind):
        if kind in KINDS:
            return self.number(KINDS[kind])
        if kind == 8:
            return self.text()
        of, n = self.number("I"), self.number("Q")
        return [self.value(of) for _ in range(n)]


def load(path):
    """What a GGUF file of F32 and Q8_0 tensors says of itself, and its tensors in f32."""
    data = np.memmap(path, np.uint8, "r")
    reader = Reader(data)
    n_tensors, n_keys = reader.number("Q"), reader.number("Q")
    said = {}
    for _ in range(n_keys):
        key = reader.text()
        said[key] = reader.value(reader.number("I"))
    entries = []
    for _ in range(n_tensors):
        name, n = reader.text(), reader.number("I")
        shape = [reader.number("Q") for _ in range(n)]
        entries.append((name, shape, reader.number("I"), reader.number("Q")))
    start = (reader.at + 31) // 32 * 32
    tensors = {}
    for name, shape, kind, offset in entries:
        n = int(np.prod(shape))
        if kind == 0:
            tensors[name] = np.frombuffer(data, np.float32, n, start + offset)
        else:
            assert kind == 8, f"{name} is neither F32 nor Q8_0"
            blocks = np.frombuffer(data, np.uint8, n // 32 * 34, start + offset).reshape(-1, 34)
            scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
            tensors[name] = (blocks[:, 2:].view(np.int8) * scales).reshape(shape[::-1])
    return said, tensors


class Plain:
    """The plainest pass, in f32, with all keys and values kept."""

    def __init__(self, said, tensors):
        of = lambda key: said[f"llama.{key}"]
        self.tensors, self.eps, self.base = tensors, of("attention.layer_norm_rms_epsilon"), of("rope.freq_base")
        self.n_layers, self.n_heads, self.n_kv = of("block_count"), of("attention.head_count"), of("attention.head_count_kv")
        self.head = of("embedding_length") // self.n_heads
        self.keys, self.values, self.n_read = [None] * self.n_layers, [None] * self.n_layers, 0

    def multiply(self, x, name):
        return x @ self.tensors[name].T

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * self.tensors[name]

    def turn(self, x, positions):
        x = x.reshape(len(x), -1, self.head // 2, 2)
        angles = positions[:, None, None] * self.base ** (-2.0 * np.arange(self.head // 2) / self.head)
        cos, sin, a, b = np.cos(angles), np.sin(angles), x[..., 0], x[..., 1]
        return np.stack([a * cos - b * sin, a * sin + b * cos], -1).astype(np.float32).reshape(len(x), -1, self.head)

    def attend(self, layer, x, positions):
        prefix = f"blk.{layer}."
        query, key = (self.turn(self.multiply(x, f"{prefix}attn_{part}.weight"), positions) for part in "qk")
        value = self.multiply(x, f"{prefix}attn_v.weight").reshape(len(x), self.n_kv, self.head)
        for kept, new in ((self.keys, key), (self.values, value)):
            kept[layer] = new if kept[layer] is None else np.concatenate([kept[layer], new])
        keys, values = (np.repeat(kept[layer], self.n_heads // self.n_kv, 1) for kept in (self.keys, self.values))
        scores = np.einsum("qhd,khd->hqk", query, keys) / np.sqrt(np.float32(self.head))
        scores = np.where(np.arange(self.n_read) <= positions[:, None], scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = np.einsum("hqk,khd->qhd", shares, values).reshape(len(x), -1)
        return self.multiply(mixed, f"{prefix}attn_output.weight")

    def read(self, tokens):
        """Scores of all tokens after each of `tokens`."""
        positions = np.arange(self.n_read, self.n_read + len(tokens))
        self.n_read += len(tokens)
        x = self.tensors["token_embd.weight"][tokens]
        for layer in range(self.n_layers):
            prefix = f"blk.{layer}."
            x = x + self.attend(layer, self.norm(x, f"{prefix}attn_norm.weight"), positions)
            inner = self.norm(x, f"{prefix}ffn_norm.weight")
            gate, up = (self.multiply(inner, f"{prefix}ffn_{part}.weight") for part in ("gate", "up"))
            x = x + self.multiply(gate / (1 + np.exp(-gate)) * up, f"{prefix}ffn_down.weight")
        head = "output.weight" if "output.weight" in self.tensors else "token_embd.weight"
        return self.multiply(self.norm(x, "output_norm.weight"), head)


def decoder(tokens):
    """Turns token ids into text: each character of a token stands for a byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    bytes_of = {chr(byte): byte for byte in shown} | {chr(256 + nth): byte for nth, byte in enumerate(hidden)}
    return lambda ids: bytes(bytes_of.get(c, 63) for id in ids for c in tokens[id]).decode("utf8", "replace")


def parts_at(text, ids, decode):
    """The first token of `ids` that `text` does not go on with, or None."""
    return next((n for n in range(len(ids)) if not text.startswith(decode(ids[: n + 1]))), None)


def main():
    program, folder, file, n = sys.argv[1:]
    said, tensors = load(file)
    names, end = said["tokenizer.ggml.tokens"], said["tokenizer.ggml.eos_token_id"]
    decode = decoder(names)
    prompts = sys.stdin.read().splitlines()
    theirs = subprocess.run([f"{folder}/build/llama_scores", file, n], input="\n".join(prompts), capture_output=True, text=True, check=True)
    theirs = [part.split("\n") for part in theirs.stdout.strip().split("P ")[1:]]
    n_same, widest = 0, 0.0
    for prompt, (ids, *steps) in zip(prompts, theirs):
        ids = [int(id) for id in ids.split()]
        steps = [(int(best), float(high), int(second), float(low)) for _, best, high, second, low in (s.split() for s in steps if s)]
        ask = lambda how: subprocess.run([program, how, file, n, prompt], capture_output=True, text=True, check=True).stdout[:-1]
        # What the plain pass writes, and what it thinks of llama.cpp's text.
        plain, scores, written = Plain(said, tensors), None, []
        for _ in range(int(n)):
            scores = plain.read([written[-1]] if written else ids)[-1]
            if (best := int(scores.argmax())) == end:
                break
            written.append(best)
        exact = ask("exact")
        assert exact == decode(written), f"{prompt!r}: {exact!r} is not {decode(written)!r}"
        chosen = [best for best, *_ in steps if best != end]
        ours = ask("greedy")
        at = parts_at(ours, chosen, decode)
        if at is None:
            n_same += 1
            print(f"{prompt!r}: the same {len(chosen)} tokens")
            continue
        best, high, second, low = steps[at]
        scores = Plain(said, tensors).read(ids + chosen[:at])[-1]
        gap = float(scores[best] - scores[second])
        widest = max(widest, abs(gap), high - low)
        print(f"{prompt!r}: parts at token {at}, {names[best]!r} or {names[second]!r}: llama.cpp's gap {high - low:.3f}, in f32 {gap:.3f}")
    print(f"{n_same} of {len(prompts)} texts are llama.cpp's, all are the plain pass's with activations in f32; widest gap where texts part {widest:.3f}")
    assert widest < NEAR


if __name__ == "__main__":
    main()
