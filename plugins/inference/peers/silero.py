"""Prints what Silero's voice activity model, run by onnxruntime, says of a drawn sound or of WAV files.

    pip install onnxruntime numpy silero-vad
    python silero.py silero_vad_16k_op15.onnx [FILE.wav ...]
"""

import math
import sys
import wave

import numpy as np
import onnxruntime


def drawn(n):
    """A buzz of 120 Hz that wavers and falls silent now and then: something like a voice."""
    samples = np.zeros(n)
    for nth in range(n):
        t = nth / 16000
        if (nth // 8000) % 3 == 2:
            continue
        pitch = 120 + 8 * math.sin(2 * math.pi * 3 * t)
        for harmonic in range(1, 20):
            hertz = pitch * harmonic
            loud = math.exp(-(((hertz - 600) / 350) ** 2)) + 0.5 * math.exp(-(((hertz - 1700) / 400) ** 2))
            phase = 2 * math.pi * harmonic * (120 * t - 8 / (6 * math.pi) * math.cos(2 * math.pi * 3 * t))
            samples[nth] += 0.2 * loud * math.sin(phase)
    return samples.astype(np.float32)


def read_wav(path):
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def probabilities(session, samples):
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros((1, 64), np.float32)
    samples = np.pad(samples, (0, -len(samples) % 512))
    for window in samples.reshape(-1, 1, 512):
        heard = np.concatenate([context, window], 1)
        inputs = {"input": heard, "state": state, "sr": np.array(16000, np.int64)}
        out, state = session.run(None, inputs)
        context = heard[:, -64:]
        yield float(out[0, 0])


def main():
    session = onnxruntime.InferenceSession(sys.argv[1])
    sounds = [("drawn", drawn(40000))] + [(path, read_wav(path)) for path in sys.argv[2:]]
    for name, samples in sounds:
        print(name, [round(p, 5) for p in probabilities(session, samples)])


if __name__ == "__main__":
    main()
