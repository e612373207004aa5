"""Compares a planner of ours with CP-SAT on flexible job shops with arbitrary precedence: the same
seconds, the same threads, one after the other on each instance."""

import argparse
import sys
from pathlib import Path

import cpsat_fajsp
import planners
import summary


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--planners", default="target/release/examples/planners")
    parser.add_argument("--planner", default="portfolio")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--summary", type=Path)
    args = parser.parse_args()
    print(f"{'instance':12} {'HEFT hint':>9} {'CP-SAT':>9} {'bound':>9} {'ours':>9}")
    better = worse = 0
    for path in sorted(args.files):
        value, bound, hinted, _ = cpsat_fajsp.solve(path, args.seconds, args.threads, 1)
        own = planners.run(args.planners, args.planner, args.seconds, args.threads, [path])
        own = own[path.stem]
        better += own < value
        worse += own > value
        print(f"{path.stem:12} {hinted:9g} {value:9g} {bound:9g} {own:9g}", flush=True)
    n = len(args.files)
    never_worse, strictly = f"{100 * (n - worse) / n:.0f} %", f"{100 * better / n:.0f} %"
    verdict = f"never worse on {never_worse}, strictly better on {strictly}"
    print(f"{args.planner}: {verdict} of {n}")
    what = f"FAJSP, {args.seconds:g} s, {args.threads} threads, {n} instances"
    summary.note(args.summary, what, "CP-SAT", args.planner, verdict)


if __name__ == "__main__":
    sys.exit(main())
