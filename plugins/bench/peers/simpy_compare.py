"""Compares the event engine with SimPy: a queue with several servers, and messages to and fro.

Both handle the same number of customers or messages; what counts is how many a second.
"""

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

import simpy

import summary


def queue(n, n_servers):
    """M/M/c, 80 % busy: seconds for `n` customers."""
    env = simpy.Environment()
    servers = simpy.Resource(env, n_servers)
    rng = random.Random(1)

    def customer():
        with servers.request() as request:
            yield request
            yield env.timeout(rng.expovariate(1.0))

    def source():
        for _ in range(n):
            yield env.timeout(rng.expovariate(0.8 * n_servers))
            env.process(customer())

    env.process(source())
    began = time.perf_counter()
    env.run()
    return time.perf_counter() - began


def pingpong(n):
    """Two processes that answer each other, each message on its way for 0.1: seconds for `n`."""
    env = simpy.Environment()
    boxes = [simpy.Store(env), simpy.Store(env)]

    def deliver(message, box):
        yield env.timeout(0.1)
        yield box.put(message)

    def player(own, other, count):
        for _ in range(count):
            message = yield own.get()
            env.process(deliver(message, other))

    env.process(player(boxes[0], boxes[1], (n + 1) // 2))
    env.process(player(boxes[1], boxes[0], n // 2))
    boxes[0].put("ping")
    began = time.perf_counter()
    env.run()
    return time.perf_counter() - began


def ours(command, kind, n, servers):
    """Seconds of our engine, building and running."""
    done = subprocess.run(
        [command, kind, f"{n}", "--resources", f"{servers}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    header, row = done.stdout.splitlines()[:2]
    row = row.split()
    assert header.split()[:3] == ["kind", "policy", "subtasks"], header
    return float(row[3]) + float(row[4])


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="target/release/examples/engine")
    parser.add_argument("--n", type=int, default=200_000)
    parser.add_argument("--servers", type=int, default=8)
    parser.add_argument("--summary", type=Path)
    args = parser.parse_args()
    kinds = {"queue": lambda: queue(args.n, args.servers), "pingpong": lambda: pingpong(args.n)}
    for kind, simulate in kinds.items():
        theirs = min(simulate() for _ in range(3))
        own = min(ours(args.engine, kind, args.n, args.servers) for _ in range(3))
        rates = [f"{args.n / seconds:,.0f}/s" for seconds in (theirs, own)]
        verdict = f"{theirs / own:.1f} x as fast"
        print(f"{kind}: SimPy {rates[0]}, ours {rates[1]}, {verdict}")
        summary.note(args.summary, f"{kind}, {args.n} customers", f"SimPy {rates[0]}", rates[1], verdict)


if __name__ == "__main__":
    sys.exit(main())
