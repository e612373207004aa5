"""Compares the event engine with SimPy: a queue with several servers, and messages to and fro.

Both simulate the same model with the same number of customers or messages, and both are charged
processor time on one core from the first object made to the last event: each simulation is a process
of its own, run in turn. What counts is how many a second.
"""

import argparse
import multiprocessing
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import simpy

import summary


def queue(n, n_servers):
    """M/M/c, 80 % busy, with `n` customers."""
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
    env.run()


def pingpong(n, _):
    """Two processes that answer each other, `n` messages, each on its way for 0.1."""
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
    env.run()


def charge(simulate, n, servers, result):
    """Puts the processor seconds of a simulation into `result`."""
    began = time.process_time()
    simulate(n, servers)
    result.put(time.process_time() - began)


def theirs(simulate, n, servers):
    """Processor seconds of SimPy, in a process of its own."""
    result = multiprocessing.Queue()
    process = multiprocessing.Process(target=charge, args=(simulate, n, servers, result))
    process.start()
    seconds = result.get()
    process.join()
    return seconds


def ours(command, kind, n, servers):
    """Processor seconds of our engine, handing in and running."""
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
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--summary", type=Path)
    args = parser.parse_args()
    for kind, simulate in {"queue": queue, "pingpong": pingpong}.items():
        pairs = [
            (
                theirs(simulate, args.n, args.servers),
                ours(args.engine, kind, args.n, args.servers),
            )
            for _ in range(args.repeats)
        ]
        for name, pick in {"median": statistics.median, "best": min}.items():
            seconds = [pick(side) for side in zip(*pairs)]
            rates = [f"{args.n / s:,.0f}/s" for s in seconds]
            verdict = f"{seconds[0] / seconds[1]:.1f} x as fast"
            what = f"{kind}, {args.n}, {name} of {args.repeats}"
            print(f"{what}: SimPy {rates[0]}, ours {rates[1]}, {verdict}", flush=True)
            summary.note(args.summary, what, f"SimPy {rates[0]}", rates[1], verdict)


if __name__ == "__main__":
    sys.exit(main())
