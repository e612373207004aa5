"""Compares a planner of ours with what CP-SAT and CP Optimizer are published to reach on hybrid flow
shops in 900 s on 8 cores, from a table with the columns `instance`, `best_known` and a fourth that
holds the values by solver as JSON."""

import argparse
import csv
import json
import statistics
import sys
from pathlib import Path

import planners
import summary


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="best_known.csv, beside the instances")
    parser.add_argument("--planners", default="target/release/examples/planners")
    parser.add_argument("--planner", default="portfolio")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="take each so many-th instance only")
    parser.add_argument("--summary", type=Path)
    args = parser.parse_args()
    rows = list(csv.reader(args.table.open(newline="")))[1 :: args.every]
    files = [args.table.parent / row[0] for row in rows]
    own = planners.run(args.planners, args.planner, args.seconds, args.threads, files)
    gaps = {}
    print(f"{'instance':10} {'best known':>10} {'CP-SAT':>8} {'CP Opt':>8} {'ours':>8}")
    for (name, _, known, published), file in zip(rows, files):
        known = float(known)
        published = {solver: float(value) for solver, value in json.loads(published).items()}
        values = {**published, "ours": own[file.stem]}
        for solver, value in values.items():
            gaps.setdefault(solver, []).append(100.0 * (value / known - 1.0))
        cells = [values.get(solver, float("nan")) for solver in ("ortools", "cpoptimizer", "ours")]
        print(f"{name:10} {known:10g} " + " ".join(f"{cell:8g}" for cell in cells))
    means = {solver: f"{statistics.mean(values):.2f} %" for solver, values in gaps.items()}
    print(f"mean gap to best known: {means}")
    what = f"HFSP, mean gap, {args.seconds:g} s, {args.threads} threads, {len(rows)} instances"
    peer = f"CP-SAT, 900 s, 8 cores (published): {means['ortools']}"
    summary.note(args.summary, what, peer, means["ours"], "")


if __name__ == "__main__":
    sys.exit(main())
