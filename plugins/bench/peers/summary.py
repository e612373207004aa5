"""Collects the lines of the one table that `peers.sh` prints at the end."""

import csv


def note(path, what, peer, ours, verdict):
    """Adds a line: what was compared, the peer's figure, ours, and what follows."""
    if path:
        with open(path, "a", newline="") as file:
            csv.writer(file).writerow([what, peer, ours, verdict])


def show(path):
    """Prints all lines, in columns."""
    with open(path, newline="") as file:
        rows = [["what", "peer", "ours", "verdict"], *csv.reader(file)]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
