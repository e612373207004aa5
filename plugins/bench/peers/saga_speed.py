"""Times HEFT of SAGA and ours on layered task graphs on 64 nodes.

SAGA takes too long for the largest graph: its time there is extrapolated with the exponent between
its two largest, and marked so.
"""

import argparse
import csv
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import dags
import saga_run
import summary

N_NODES = 64


def graph(n_tasks):
    """Layers of a hundredth of the tasks (at least 10), about three edges a task, ratio 1."""
    rng = random.Random(f"speed {n_tasks}")
    n_layers = max(10, n_tasks // 100)
    speeds, links = dags.network(rng, N_NODES)
    layered = dags.layered(rng, n_tasks, n_layers, 3)
    return dags.instance(f"{n_tasks}", "speed", layered, speeds, links, 1.0)


def ours(instances, command):
    """Makespan and the least of a few times, by instance."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dags.json"
        path.write_text(json.dumps(instances))
        for _ in range(5):
            done = subprocess.run(
                [*command, "--list", "heft", path], check=True, stdout=subprocess.PIPE, text=True
            )
            for row in csv.DictReader(done.stdout.splitlines()):
                value = (float(row["makespan"]), float(row["seconds"]))
                name = row["instance"]
                found[name] = min(found.get(name, value), value, key=lambda pair: pair[1])
    return found


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dags", default="target/release/examples/dags", help="the example `dags`")
    parser.add_argument("--measured", type=int, nargs="+", default=[125, 250, 500])
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--summary", type=Path)
    args = parser.parse_args()
    instances = [graph(n_tasks) for n_tasks in [*args.measured, args.large]]
    mine = ours(instances, [args.dags])
    print(f"{'tasks':>6} {'SAGA s':>12} {'ours s':>10} {'ratio':>10} {'same makespan':>14}")
    times = []
    for instance in instances[:-1]:
        schedule, seconds = saga_run.run(instance, "heft")
        makespan, own = mine[instance["name"]]
        times.append((len(instance["costs"]), seconds))
        same = abs(makespan / schedule.makespan - 1.0) <= 1e-9
        n_tasks, ratio = len(instance["costs"]), seconds / own
        print(f"{n_tasks:6} {seconds:12.3f} {own:10.6f} {ratio:10.0f} {same!s:>14}", flush=True)
        what = f"HEFT, {n_tasks} tasks on {N_NODES} nodes"
        summary.note(
            args.summary, what, f"SAGA {seconds:.2f} s", f"{1e3 * own:.2f} ms", f"{ratio:,.0f} x as fast"
        )
    (n_first, first), (n_second, second) = times[-2:]
    exponent = math.log(second / first) / math.log(n_second / n_first)
    n_tasks = len(instances[-1]["costs"])
    seconds = second * (n_tasks / n_second) ** exponent
    own = mine[instances[-1]["name"]][1]
    print(f"{n_tasks:6} {seconds:11.0f}* {own:10.6f} {seconds / own:10.0f} {'not run':>14}")
    summary.note(
        args.summary,
        f"HEFT, {n_tasks} tasks on {N_NODES} nodes",
        f"SAGA about {seconds:.0f} s (extrapolated)",
        f"{1e3 * own:.1f} ms",
        f"about {seconds / own:,.0f} x as fast",
    )
    print(f"* extrapolated: SAGA's time grows as tasks^{exponent:.2f}")


if __name__ == "__main__":
    sys.exit(main())
