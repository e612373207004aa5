"""Transcribes WAV files with faster-whisper (CTranslate2), to compare transcripts and times with.

    pip install faster-whisper
    python whisper.py MODEL_FOLDER [--beam 5] [--threads 2] [--precision float32] [--times] [--repeat 3] FILE.wav ...

MODEL_FOLDER holds model.bin, config.json, tokenizer.json and vocabulary.txt. Files are mono, 16 kHz, 16 bits.
Prints one line of JSON for each file: seconds of sound, the best and all times, text, segments.
"""

import argparse
import json
import time
import wave

import numpy as np
from faster_whisper import WhisperModel


def read_wav(path):
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16000, 2), path
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--voice", action="store_true", help="cut silence with Silero's voice activity model")
    parser.add_argument("--language", default=None)
    parser.add_argument("--repeat", type=int, default=1)
    asked = parser.parse_args()
    model = WhisperModel(asked.model, device="cpu", compute_type=asked.precision, cpu_threads=asked.threads)
    for path in asked.files:
        audio = read_wav(path)
        took = []
        for _ in range(asked.repeat):
            start = time.perf_counter()
            segments, info = model.transcribe(
                audio,
                beam_size=asked.beam,
                without_timestamps=not asked.times,
                vad_filter=asked.voice,
                language=asked.language,
            )
            segments = list(segments)
            took.append(time.perf_counter() - start)
        print(
            json.dumps(
                {
                    "file": path,
                    "seconds": len(audio) / 16000,
                    "best": min(took),
                    "took": took,
                    "language": info.language,
                    "text": "".join(part.text for part in segments).strip(),
                    "segments": [[part.start, part.end, part.text] for part in segments],
                    "no_speech": [part.no_speech_prob for part in segments],
                    "mean": [part.avg_logprob for part in segments],
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
