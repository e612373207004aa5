"""Runs SAGA's schedulers on the instances of `dags.py`, and times them."""

import sys
import time

from saga import Network, NetworkEdge, NetworkNode, TaskGraph, TaskGraphEdge, TaskGraphNode
from saga import schedulers

# All of SAGA's schedulers but those that try everything (brute force, SMT), that need time
# exponential in the depth of the graph (DPS), that draw lots (WBA), or that only choose among others
# (hybrid).
SCHEDULERS = {
    "heft": schedulers.HeftScheduler,
    "cpop": schedulers.CpopScheduler,
    "min-min": schedulers.MinMinScheduler,
    "max-min": schedulers.MaxMinScheduler,
    "sufferage": schedulers.SufferageScheduler,
    "mct": schedulers.MCTScheduler,
    "met": schedulers.METScheduler,
    "mst": schedulers.MSTScheduler,
    "olb": schedulers.OLBScheduler,
    "bil": schedulers.BILScheduler,
    "duplex": schedulers.DuplexScheduler,
    "saga-etf": schedulers.ETFScheduler,
    "fastest-node": schedulers.FastestNodeScheduler,
    "fcp": schedulers.FCPScheduler,
    "flb": schedulers.FLBScheduler,
    "gdl": schedulers.GDLScheduler,
    "hbmct": schedulers.HbmctScheduler,
    "msbc": schedulers.MsbcScheduler,
}

# Those that we have too, under the same name, and that must give the same makespan.
SHARED = ["heft", "cpop", "min-min", "max-min", "sufferage", "mct", "met", "mst", "olb"]


def objects(instance):
    """SAGA's network and task graph. Tuples take the place of sets: SAGA goes through its sets in
    the order of hashes, which differs from run to run, and breaks ties by it."""
    n_nodes = len(instance["speeds"])
    names = [f"n{at:04}" for at in range(n_nodes)]
    nodes = tuple(
        NetworkNode(name=name, speed=speed) for name, speed in zip(names, instance["speeds"])
    )
    edges = tuple(
        NetworkEdge(
            source=names[a],
            target=names[b],
            speed=float("inf") if a == b else instance["links"][a][b],
        )
        for a in range(n_nodes)
        for b in range(a, n_nodes)
    )
    tasks = tuple(
        TaskGraphNode(name=f"t{at:06}", cost=cost) for at, cost in enumerate(instance["costs"])
    )
    dependencies = tuple(
        TaskGraphEdge(source=f"t{before:06}", target=f"t{after:06}", size=size)
        for before, after, size in instance["arcs"]
    )
    network = Network.model_construct(nodes=nodes, edges=edges)
    graph = TaskGraph.model_construct(tasks=tasks, dependencies=dependencies)
    return network, graph


def quicken():
    """Lets SAGA look names up in tables that it otherwise searches from end to end: the schedules
    stay the same. Not for timing."""

    def table(owner, key, make):
        tables = owner.__dict__.setdefault("_tables", {})
        if key not in tables:
            tables[key] = make()
        return tables[key]

    def name_of(item):
        return item if isinstance(item, str) else item.name

    def get_task(self, name):
        return table(self, "tasks", lambda: {task.name: task for task in self.tasks})[name_of(name)]

    def get_node(self, node):
        return table(self, "nodes", lambda: {node.name: node for node in self.nodes})[name_of(node)]

    def edges_of(self, task, end):
        def make():
            lists = {task.name: [] for task in self.tasks}
            for edge in self.dependencies:
                lists[getattr(edge, end)].append(edge)
            return lists

        return table(self, end, make)[name_of(task)]

    def get_edge(self, source, target):
        def make():
            both = {(edge.source, edge.target): edge for edge in self.edges}
            both.update({(edge.target, edge.source): edge for edge in self.edges})
            return both

        return table(self, "edges", make)[name_of(source), name_of(target)]

    from saga import Schedule

    TaskGraph.get_task = get_task
    TaskGraph.in_edges = lambda self, task: edges_of(self, task, "target")
    TaskGraph.out_edges = lambda self, task: edges_of(self, task, "source")
    Network.get_node = get_node
    Network.get_edge = get_edge
    Schedule.is_scheduled = lambda self, name: name in self._task_map


def run(instance, name):
    """Schedule and seconds; no schedule if the scheduler fails, as some do on some graphs."""
    network, graph = objects(instance)
    began = time.perf_counter()
    try:
        schedule = SCHEDULERS[name]().schedule(network, graph)
    except Exception as error:
        print(f"SAGA's {name} fails on {instance['name']}: {error!r}"[:150], file=sys.stderr)
        schedule = None
    return schedule, time.perf_counter() - began
