"""Runs the example `planners` on files of instances and reads its table."""

import subprocess


def run(command, planner, seconds, threads, files):
    """Values by instance, one search after the other."""
    done = subprocess.run(
        [command, "--planner", planner, "--budget", f"{seconds}s", "--threads", f"{threads}", *files],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    names = {file.stem for file in files}
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[0]: float(row[1]) for row in rows if row and row[0] in names}
