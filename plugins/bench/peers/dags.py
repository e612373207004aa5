"""Task graphs with communication on networks, for the comparison with SAGA: real workflows and
random graphs, all from a seed, written as JSON that `bench`'s example `dags` reads.

Tasks are numbered in the topological order that networkx gives, and nothing is left to the order of
a set, so that both sides break ties alike.
"""

import json
import random
from pathlib import Path

import networkx as nx


def weight(rng):
    """Mean 1, deviation 1/3, between 0 and 2, never 0: as SAGA's random data sets have it."""
    return min(max(rng.gauss(1.0, 1.0 / 3.0), 0.05), 2.0)


def workflow(path):
    """The graph of a WfFormat 1.5 file: run times on the tasks, megabytes on the edges."""
    spec = json.loads(Path(path).read_text())["workflow"]
    sizes = {file["id"]: file["sizeInBytes"] / 1e6 for file in spec["specification"]["files"]}
    seconds = {task["id"]: task["runtimeInSeconds"] for task in spec["execution"]["tasks"]}
    graph = nx.DiGraph()
    outputs = {}
    for task in spec["specification"]["tasks"]:
        graph.add_node(task["id"], weight=max(1e-9, float(seconds[task["id"]])))
        outputs[task["id"]] = set(task.get("outputFiles", []))
    for task in spec["specification"]["tasks"]:
        inputs = set(task.get("inputFiles", []))
        for parent in task["parents"]:
            shared = sorted(outputs[parent] & inputs)
            size = sum(sizes.get(name, 0.0) for name in shared)
            graph.add_edge(parent, task["id"], weight=max(1e-9, size))
    return graph


def layered(rng, n_tasks, n_layers, degree):
    """Each task but those of the first layer has 1 to 2 × degree - 1 predecessors, one of them in
    the layer before, the others in any before."""
    graph = nx.DiGraph()
    layers = [[] for _ in range(n_layers)]
    for task in range(n_tasks):
        layer = task if task < n_layers else rng.randrange(n_layers)
        layers[layer].append(task)
    for at, layer in enumerate(layers):
        before = [task for earlier in layers[:at] for task in earlier]
        for task in layer:
            graph.add_node(task, weight=weight(rng))
            if not before:
                continue
            preds = {rng.choice(layers[at - 1])}
            for _ in range(rng.randint(0, 2 * degree - 2)):
                preds.add(rng.choice(before))
            for pred in sorted(preds):
                graph.add_edge(pred, task, weight=weight(rng))
    return graph


def tree(rng, levels, branching, is_out):
    """A balanced tree with its edges away from the root, or towards it."""
    graph = nx.DiGraph()
    graph.add_node(0, weight=weight(rng))
    level, count = [0], 1
    for _ in range(levels):
        below = []
        for parent in level:
            for _ in range(branching):
                graph.add_node(count, weight=weight(rng))
                ends = (parent, count) if is_out else (count, parent)
                graph.add_edge(*ends, weight=weight(rng))
                below.append(count)
                count += 1
        level = below
    return graph


def chains(rng, n_chains, length):
    """Parallel chains between one source and one sink."""
    graph = nx.DiGraph()
    graph.add_node("source", weight=weight(rng))
    graph.add_node("sink", weight=weight(rng))
    for chain in range(n_chains):
        before = "source"
        for at in range(length):
            graph.add_node((chain, at), weight=weight(rng))
            graph.add_edge(before, (chain, at), weight=weight(rng))
            before = (chain, at)
        graph.add_edge(before, "sink", weight=weight(rng))
    return graph


def network(rng, n_nodes):
    """Speeds by node and by pair; between a node and itself, data takes no time."""
    speeds = [weight(rng) for _ in range(n_nodes)]
    links = [[0.0] * n_nodes for _ in range(n_nodes)]
    for a in range(n_nodes):
        for b in range(a):
            links[a][b] = links[b][a] = weight(rng)
    return speeds, links


def instance(name, family, graph, speeds, links, ratio):
    """One instance with one source and one sink, links scaled so that the mean time of an edge is
    `ratio` × the mean time of a task."""
    graph = graph.copy()
    for label, ends in [
        ("super source", [task for task in graph if graph.in_degree(task) == 0]),
        ("super sink", [task for task in graph if graph.out_degree(task) == 0]),
    ]:
        if len(ends) == 1:
            continue
        graph.add_node(label, weight=0.0)
        for task in ends:
            edge = (label, task) if label == "super source" else (task, label)
            graph.add_edge(*edge, weight=0.0)
    order = list(nx.topological_sort(graph))
    number = {task: at for at, task in enumerate(order)}
    costs = [graph.nodes[task]["weight"] for task in order]
    arcs = sorted(
        [number[before], number[after], data["weight"]]
        for before, after, data in graph.edges(data=True)
    )
    task_time = sum(costs) / len(costs) / (sum(speeds) / len(speeds))
    pairs = [links[a][b] for a in range(len(speeds)) for b in range(a)]
    edge_time = sum(arc[2] for arc in arcs) / len(arcs) / (sum(pairs) / len(pairs))
    scale = edge_time / (ratio * task_time)
    return {
        "name": name,
        "family": family,
        "costs": costs,
        "arcs": arcs,
        "speeds": speeds,
        "links": [[link * scale for link in row] for row in links],
    }


def random_graphs(rng):
    """One of each random family."""
    return [
        ("layered", layered(rng, rng.randint(30, 100), rng.randint(4, 12), 2)),
        ("out-tree", tree(rng, rng.randint(3, 4), 3, True)),
        ("in-tree", tree(rng, rng.randint(3, 4), 3, False)),
        ("chains", chains(rng, rng.randint(4, 10), rng.randint(4, 10))),
    ]


def instances(workflows, n_random, seed):
    """All instances: each workflow and `n_random` graphs of each random family."""
    made = []
    ratios = [0.2, 0.5, 1.0, 2.0, 5.0]
    for at, path in enumerate(workflows):
        rng = random.Random(f"{seed} workflow {Path(path).stem}")
        graph = workflow(path)
        for ratio in (ratios[at % 5], ratios[(at + 2) % 5]):
            speeds, links = network(rng, rng.randint(4, 10))
            name = f"{Path(path).stem} {ratio}"
            made.append(instance(name, "workflow", graph, speeds, links, ratio))
    for number in range(n_random):
        rng = random.Random(f"{seed} random {number}")
        for family, graph in random_graphs(rng):
            ratio = rng.choice(ratios)
            speeds, links = network(rng, rng.randint(3, 10))
            made.append(instance(f"{family} {number} {ratio}", family, graph, speeds, links, ratio))
    return made
