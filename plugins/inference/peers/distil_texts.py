"""Writes the texts that the embedded model was fitted to, one a line.

usage: distil_texts.py QMSUM_FOLDER WORDNET_FOLDER WNUT_FOLDER OUT_FOLDER

QMSUM_FOLDER holds JSON files of https://github.com/Yale-LILY/QMSum (MIT); those with an even number in
the order of their names go to meetings-even.txt, the others to meetings-odd.txt, so that one half can
be held out. WORDNET_FOLDER holds data.noun and so on of WordNet 3.0 (Debian: wordnet-base), of which the
example sentences are taken; WNUT_FOLDER train.conll and dev.conll of WNUT 2017.
"""
import glob
import json
import os
import re
import sys


def clean(text):
    return re.sub(r"\s+", " ", re.sub(r"\{[^}]*\}", "", text)).strip()


def sentences(text):
    return [part.strip() for part in re.split(r"(?<=[.?!])\s+", text) if len(part.strip()) > 1]


def meeting(path):
    talk = json.load(open(path))
    for turn in talk["meeting_transcripts"]:
        said = clean(turn["content"])
        yield from sentences(said)
        words = said.split()
        if len(words) > 25:
            yield " ".join(words[:120])
    for query in talk["specific_query_list"] + talk["general_query_list"]:
        yield query["query"]
        yield from sentences(query["answer"])
        yield query["answer"]


def examples(folder):
    for part in ["noun", "verb", "adj", "adv"]:
        for line in open(f"{folder}/data.{part}", errors="replace"):
            if line.startswith(" "):
                continue
            head, gloss = line.split(" | ", 1)
            lemma = head.split()[4]
            if part == "noun" and lemma[:1].isupper():
                continue
            bits = [bit.strip() for bit in gloss.strip().split("; ")]
            yield from (bit.strip('"') for bit in bits if bit.startswith('"'))


def tagged(folder):
    for name in ["train", "dev"]:
        words = []
        for line in open(f"{folder}/{name}.conll", errors="replace"):
            if line.strip():
                words.append(line.rstrip("\n").split("\t")[0])
            elif words:
                yield " ".join(words)
                words = []


def write(path, texts):
    texts = list(dict.fromkeys(texts))
    open(path, "w").write("\n".join(texts) + "\n")
    print(path, len(texts))


def main(qmsum, wordnet, wnut, out):
    os.makedirs(out, exist_ok=True)
    meetings = sorted(glob.glob(f"{qmsum}/*.json"))
    for name, first in [("even", 0), ("odd", 1)]:
        texts = [text for path in meetings[first::2] for text in meeting(path)]
        write(f"{out}/meetings-{name}.txt", texts)
    write(f"{out}/examples.txt", examples(wordnet))
    write(f"{out}/tweets.txt", tagged(wnut))


if __name__ == "__main__":
    main(*sys.argv[1:])
