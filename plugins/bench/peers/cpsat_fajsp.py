"""Runs CP-SAT on flexible job shops with arbitrary precedence, from the schedule of HEFT.

One optional interval for each operation and resource, no overlap on a resource, precedences,
makespan. Prints one line of CSV for each file: instance,value,bound,hint,seconds.
"""

import argparse
import bisect
import sys
import time
from pathlib import Path

from ortools.sat.python import cp_model


def read(path):
    """The number of machines, the arcs, and for each operation its durations by machine."""
    lines = [line.split("#")[0] for line in Path(path).read_text().splitlines()]
    numbers = iter(int(word) for line in lines for word in line.split())
    n_ops, n_arcs, n_machines = next(numbers), next(numbers), next(numbers)
    arcs = [(next(numbers), next(numbers)) for _ in range(n_arcs)]
    modes = []
    for _ in range(n_ops):
        n_modes = next(numbers)
        modes.append({next(numbers): next(numbers) for _ in range(n_modes)})
    return n_machines, arcs, modes


def heft(n_machines, arcs, modes):
    """The schedule of HEFT (Topcuoglu, Hariri, Wu 2002): machine and start by operation."""
    n_ops = len(modes)
    preds, succs = [[] for _ in modes], [[] for _ in modes]
    for before, after in arcs:
        preds[after].append(before)
        succs[before].append(after)
    missing = [len(before) for before in preds]
    order = [op for op in range(n_ops) if not missing[op]]
    for op in order:
        for after in succs[op]:
            missing[after] -= 1
            if not missing[after]:
                order.append(after)
    rank = [0.0] * n_ops
    for op in reversed(order):
        mean = sum(modes[op].values()) / len(modes[op])
        rank[op] = mean + max((rank[after] for after in succs[op]), default=0.0)
    busy = [[] for _ in range(n_machines)]
    placed = [None] * n_ops
    for op in sorted(order, key=lambda op: -rank[op]):
        ready = max((placed[before][2] for before in preds[op]), default=0)
        best = None
        for machine, duration in modes[op].items():
            start = ready
            for begin, end in busy[machine]:
                if start + duration <= begin:
                    break
                start = max(start, end)
            if best is None or start + duration < best[2]:
                best = (machine, start, start + duration)
        placed[op] = best
        bisect.insort(busy[best[0]], best[1:])
    return [(machine, start) for machine, start, _ in placed]


def solve(path, seconds, workers, seed):
    """Value, bound, value of the hint and wall time."""
    n_machines, arcs, modes = read(path)
    hint = heft(n_machines, arcs, modes)
    horizon = sum(max(durations.values()) for durations in modes)
    model = cp_model.CpModel()
    starts, ends = [], []
    on_machine = [[] for _ in range(n_machines)]
    for op, durations in enumerate(modes):
        start = model.new_int_var(0, horizon, f"start_{op}")
        end = model.new_int_var(0, horizon, f"end_{op}")
        model.add_hint(start, hint[op][1])
        model.add_hint(end, hint[op][1] + durations[hint[op][0]])
        present = []
        for machine, duration in durations.items():
            chosen = model.new_bool_var(f"on_{op}_{machine}")
            on_machine[machine].append(
                model.new_optional_interval_var(
                    start, duration, end, chosen, f"interval_{op}_{machine}"
                )
            )
            model.add_hint(chosen, machine == hint[op][0])
            present.append(chosen)
        model.add_exactly_one(present)
        starts.append(start)
        ends.append(end)
    for before, after in arcs:
        model.add(starts[after] >= ends[before])
    for intervals in on_machine:
        model.add_no_overlap(intervals)
    makespan = model.new_int_var(0, horizon, "makespan")
    model.add_max_equality(makespan, ends)
    hinted = max(start + modes[op][machine] for op, (machine, start) in enumerate(hint))
    model.add_hint(makespan, hinted)
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.random_seed = seed
    began = time.perf_counter()
    status = solver.solve(model)
    took = time.perf_counter() - began
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return float("inf"), solver.best_objective_bound, hinted, took
    return solver.objective_value, solver.best_objective_bound, hinted, took


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print("instance,value,bound,hint,seconds")
    for path in args.files:
        value, bound, hinted, took = solve(path, args.seconds, args.workers, args.seed)
        print(f"{path.stem},{value:g},{bound:g},{hinted:g},{took:.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
