"""Compares our list schedulers and planners with SAGA on the same task graphs.

Three things: whether the schedulers that both have give the same makespan, how the best of ours
compares with the best of SAGA's, and the time that both take on the instances.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import dags
import saga_run
import summary


def is_valid(instance, schedule):
    """Whether each task is scheduled once, after its data has come, and alone on its node."""
    number = {f"n{at:04}": at for at in range(len(instance["speeds"]))}
    placed = {task.name: task for tasks in schedule.mapping.values() for task in tasks}
    n_scheduled = sum(len(tasks) for tasks in schedule.mapping.values())
    if len(placed) != len(instance["costs"]) or n_scheduled != len(placed):
        return False
    slack = 1e-9 * schedule.makespan
    for before, after, size in instance["arcs"]:
        first, then = placed[f"t{before:06}"], placed[f"t{after:06}"]
        travel = 0.0
        if first.node != then.node:
            travel = size / instance["links"][number[first.node]][number[then.node]]
        if then.start < first.end + travel - slack:
            return False
    for tasks in schedule.mapping.values():
        tasks = sorted((task for task in tasks if task.end > task.start), key=lambda t: t.start)
        for first, then in zip(tasks, tasks[1:]):
            if then.start < first.end - slack:
                return False
    return True


def run_saga(instances):
    """Makespan and seconds by instance and scheduler; how many schedules are broken, by scheduler."""
    saga_run.quicken()
    values, broken = {}, {}
    for instance in instances:
        found = values[instance["name"]] = {}
        for name in saga_run.SCHEDULERS:
            schedule, seconds = saga_run.run(instance, name)
            if schedule is not None and is_valid(instance, schedule):
                found[name] = (schedule.makespan, seconds)
            else:
                broken[name] = broken.get(name, 0) + 1
    return values, broken


def run_ours(instances, command):
    """Makespan and seconds by instance and scheduler."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dags.json"
        path.write_text(json.dumps(instances))
        done = subprocess.run([*command, path], check=True, stdout=subprocess.PIPE, text=True)
    values = {instance["name"]: {} for instance in instances}
    for row in csv.DictReader(done.stdout.splitlines()):
        values[row["instance"]][row["by"]] = (float(row["makespan"]), float(row["seconds"]))
    return values


def report_parity(saga, ours):
    """Prints by how much the schedulers that both have differ; says on how many they agree."""
    n_same = n_all = 0
    print(f"{'scheduler':10} {'instances':>9} {'same to 1e-9':>12} {'largest difference':>18}")
    for name in saga_run.SHARED:
        differences = [
            abs(ours[instance][name][0] / found[name][0] - 1.0)
            for instance, found in saga.items()
            if name in found
        ]
        same = sum(difference <= 1e-9 for difference in differences)
        n_same, n_all = n_same + same, n_all + len(differences)
        print(f"{name:10} {len(differences):9} {same:12} {max(differences):18.2e}")
    return f"{n_same} of {n_all} the same to 1e-9"


def report_best(instances, saga, ours, lists):
    """Prints the mean ratio of our best to SAGA's best, by family; gives that of all."""
    print(f"{'family':10} {'instances':>9} {'lists':>8} {'all':>8} {'won':>5} {'lost':>5}")
    families = {}
    for instance in instances:
        name = instance["name"]
        best = min(value for value, _ in saga[name].values())
        of_lists = min(ours[name][by][0] for by in lists) / best
        of_all = min(value for value, _ in ours[name].values()) / best
        for family in (instance["family"], "all"):
            families.setdefault(family, []).append((of_lists, of_all))
    for family, ratios in sorted(families.items(), key=lambda item: item[0] == "all"):
        of_lists = statistics.mean(ratio for ratio, _ in ratios)
        of_all = statistics.mean(ratio for _, ratio in ratios)
        won = sum(ratio < 1 - 1e-9 for _, ratio in ratios)
        lost = sum(ratio > 1 + 1e-9 for _, ratio in ratios)
        print(f"{family:10} {len(ratios):9} {of_lists:8.4f} {of_all:8.4f} {won:5} {lost:5}")
    return f"{of_all:.4f} of SAGA's best, better on {won}, worse on {lost}"


def report_each(saga, ours):
    """Prints the mean ratio of each of ours to SAGA's best."""
    names = sorted({name for found in ours.values() for name in found})
    print(f"{'ours':12} {'mean ratio to the best of SAGA':>30} {'mean s':>10}")
    for name in names:
        ratios, seconds = [], []
        for instance, found in ours.items():
            best = min(value for value, _ in saga[instance].values())
            ratios.append(found[name][0] / best)
            seconds.append(found[name][1])
        print(f"{name:12} {statistics.mean(ratios):30.4f} {statistics.mean(seconds):10.6f}")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workflows", nargs="*", type=Path, help="WfFormat 1.5 files")
    parser.add_argument("--dags", default="target/release/examples/dags", help="the example `dags`")
    parser.add_argument("--random", type=int, default=10, help="graphs of each random family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--planner", action="append", default=[], help="ours, may be repeated")
    parser.add_argument("--seconds", default="1", help="for each planner and instance")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--summary", type=Path)
    parser.add_argument("--saga", type=Path, help="keep SAGA's values here, to be used again")
    args = parser.parse_args()
    instances = dags.instances(sorted(args.workflows), args.random, args.seed)
    if args.saga and args.saga.exists():
        saga, broken = json.loads(args.saga.read_text())
    else:
        saga, broken = run_saga(instances)
    if args.saga:
        args.saga.write_text(json.dumps([saga, broken]))
    command = [args.dags, "--seconds", args.seconds, "--threads", args.threads]
    lists = list(next(iter(run_ours(instances[:1], command).values())))
    for planner in args.planner:
        command += ["--planner", planner]
    ours = run_ours(instances, command)
    print(f"{len(instances)} instances; broken schedules of SAGA, left out: {broken or 'none'}")
    print()
    parity = report_parity(saga, ours)
    print()
    best = report_best(instances, saga, ours, lists)
    print()
    report_each(saga, ours)
    what = f"makespans on {len(instances)} task graphs"
    shared = f"{len(saga_run.SHARED)} list schedulers"
    summary.note(args.summary, what, f"SAGA, {shared}", "the same lists", parity)
    planners = " and ".join(["lists", *args.planner])
    summary.note(args.summary, what, "best of SAGA", f"best of {planners}, {args.seconds} s", best)


if __name__ == "__main__":
    sys.exit(main())
