"""The mechanism graph of one patient as one SVG: every pathway of the findings, each node and arrow drawn once.

Layers after Sugiyama, in plain Python: a node stands one layer above the nearest of what it acts on, long arrows get
a place of their own in each layer that they cross, and layers are ordered by the mean place of their neighbors.
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from labinterp.markup import safe
from labinterp.reasoning import graph
from labinterp.words import labels, titles, uris

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from labinterp.model import ReportData

KINDS: Final = ("measured", "supported", "interrupted", "unknown")
"""What is known of a node: seen in the results or told, on a supported pathway, ruled out, or none of these."""

_WIDTH, _HEIGHT = 156, 62
_GAP, _ROW = 14, 96
_THREAD = 10
_EDGE = 4
_LINE = 20
_SWEEPS = 8
_CAUSES: Final = ("vitamin_d_deficiency", "magnesium_deficiency", "hypocalcemia", "vitamin_b12_deficiency")
"""What is drawn where no finding has a pathway: the nutritional causes, of which vitamin D acts through calcium."""
_ORDER = {"supported": 0, "possible": 1, "interrupted": 2}


@attrs.frozen
class DrawnNode:
    """One node of the drawing.

    Args:
        id: of the mechanism graph.
        kind: one of `KINDS`.
        said: what is known of it, in words.
    """

    id: str
    kind: str
    said: str


@attrs.frozen
class Arrow:
    """One arrow of the drawing, by the best support of a pathway that it is part of."""

    source: str
    target: str
    support: str
    breaks: bool


def causes_of(report: ReportData) -> tuple[tuple[DrawnNode, ...], tuple[Arrow, ...]]:
    """Return the nutritional causes with what the results say of each; an arrow stands for all steps to the next."""
    told = report.presentation is not None and graph.target() in report.presentation.symptoms
    paths = [graph.states_on(path) for cause in _CAUSES for path in graph.paths(cause)]
    chains = [[state for state in path if state in _CAUSES] for path in paths]
    links = dict.fromkeys(pair for chain in chains for pair in pairwise((*chain, graph.target())))
    nodes = [_node(cause, report, "possible", "unmeasured") for cause in _CAUSES]
    nodes.append(_node(graph.target(), report, "possible", "confirmed" if told else "unmeasured"))
    out = {node.id for node in nodes if node.kind == "interrupted"}
    arrows = [
        Arrow(*pair, "interrupted" if out & {*pair} else "possible", breaks=bool(out & {*pair})) for pair in links
    ]
    return tuple(nodes), tuple(arrows)


def parts_of(report: ReportData) -> tuple[tuple[DrawnNode, ...], tuple[Arrow, ...]]:
    """Return the nodes and arrows on the pathways of a report's findings."""
    pathways = [pathway for finding in report.findings for pathway in finding.pathways if pathway.steps]
    supports: dict[tuple[str, str], str] = {}
    broken = {pathway.broken_at for pathway in pathways if pathway.broken_at is not None}
    observed: dict[str, str] = {}
    reached: dict[str, str] = {}
    for pathway in sorted(pathways, key=lambda each: _ORDER.get(each.support, 1)):
        reached.setdefault(pathway.steps[0].source, pathway.support)
        before = True
        for step in pathway.steps:
            before = before and step.target != pathway.broken_at
            reached.setdefault(step.source, pathway.support)
            support = "possible" if before and pathway.support == "interrupted" else pathway.support
            reached.setdefault(step.target, support)
            supports.setdefault((step.source, step.target), support)
            observed[step.target] = _clearer(observed.get(step.target), step.observation)
    nodes = tuple(_node(node, report, support, observed.get(node, "")) for node, support in reached.items())
    arrows = tuple(
        Arrow(source, target, support, breaks=target in broken and support == "interrupted")
        for (source, target), support in supports.items()
    )
    return nodes, arrows


def _clearer(one: str | None, other: str) -> str:
    order = ("confirmed", "contradicted", "unmeasured", "unobservable")
    return other if one is None else min(one, other, key=lambda each: order.index(each) if each in order else 9)


def _node(node: str, report: ReportData, support: str, observation: str) -> DrawnNode:
    status = report.states.get(node, "")
    if status == "present" or observation == "confirmed":
        told = titles.observed(node, "confirmed")
        return DrawnNode(node, "measured", told)
    if status == "excluded" or observation == "contradicted":
        return DrawnNode(node, "interrupted", labels.word("node", "excluded"))
    if status == "possible":
        return DrawnNode(node, "unknown", labels.word("node", "possible"))
    if titles.is_symptom(node):
        return DrawnNode(node, "unknown", labels.word("told", "unmeasured"))
    if observation == "unmeasured":
        return DrawnNode(node, "unknown", labels.word("node", "unknown"))
    kind = {"supported": "supported", "interrupted": "interrupted"}.get(support, "unknown")
    return DrawnNode(node, kind, labels.word("node", kind))


def draw(report: ReportData) -> str:
    """Return the mechanism graph of a report; where no finding has a pathway, what is excluded and what is open.

    Measured, supported, interrupted and unknown nodes differ in shape and say in words what they are; so do arrows.

    Example:
        >>> import labinterp as li
        >>> draw(li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=54)))[:23]
        '<svg class="mechanisms"'
    """
    nodes, arrows = parts_of(report)
    if nodes:
        return drawn(nodes, arrows, labels.word("drawing", "mechanisms"))
    return drawn(*causes_of(report), labels.word("drawing", "causes"))


@functools.lru_cache(maxsize=256)
def drawn(nodes: tuple[DrawnNode, ...], arrows: tuple[Arrow, ...], label: str) -> str:
    """Return nodes and arrows as one SVG, with what it is in words."""
    places, threads, size = _layout([node.id for node in nodes], [(arrow.source, arrow.target) for arrow in arrows])
    said = "; ".join(f"{titles.node(node.id)}: {node.said}" for node in nodes)
    head = (
        f'<svg class="mechanisms" width="{size[0]:.0f}" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" role="img" '
        f'aria-label="{safe(f"{label}. {said}")}" xmlns="{uris.SVG}">'
    )
    between = [_arrow(arrow, [*threads[arrow.source, arrow.target]]) for arrow in arrows]
    return "".join((head, *between, *(_box(node, *places[node.id]) for node in nodes), "</svg>"))


def _arrow(arrow: Arrow, points: Sequence[tuple[float, float]]) -> str:
    x, y = points[0]
    path = [f"M{x:.1f} {y:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
    tip_x, tip_y = points[-1]
    kind = labels.known("support", arrow.support)
    parts = [
        f'<g class="arrow {kind}"><path class="thread" d="{"".join(path)}" fill="none" stroke="currentColor"/>',
        f'<path class="tip" d="M{tip_x:.1f} {tip_y:.1f}l-4.5 -8h9z" fill="currentColor"/>',
    ]
    if arrow.breaks:
        parts.append(f'<path class="break" d="M{tip_x - 7:.1f} {tip_y - 24:.1f}l14 14m0 -14l-14 14" fill="none"/>')
    return "".join((*parts, "</g>"))


def _box(node: DrawnNode, x: float, y: float) -> str:
    left, top = x - _WIDTH / 2, y - _HEIGHT / 2
    mark = labels.word("node_mark", node.kind)
    lines = _wrapped(titles.node(node.id))
    texts = [*((line, "title") for line in lines), (f"{mark} {node.said}", "said")]
    first = y - (len(texts) - 1) * 6.8 + 4
    said = "".join(
        f'<text class="{kind}" x="{x:.1f}" y="{first + i * 13.6:.1f}" text-anchor="middle">{safe(text)}</text>'
        for i, (text, kind) in enumerate(texts)
    )
    full = f"<title>{safe(titles.node(node.id))}: {safe(node.said)}</title>"
    return f'<g class="node {node.kind}">{full}{_shape(node.kind, left, top)}{said}</g>'


def _shape(kind: str, x: float, y: float) -> str:
    """Return a box with a double border, a plain one, one with cut corners, or a rounded and dashed one."""
    size = f'width="{_WIDTH}" height="{_HEIGHT}"'
    if kind == "measured":
        inner = f'x="{x + 3:.1f}" y="{y + 3:.1f}" width="{_WIDTH - 6}" height="{_HEIGHT - 6}"'
        return f'<rect class="shape" x="{x:.1f}" y="{y:.1f}" {size}/><rect class="inner" {inner} fill="none"/>'
    if kind == "interrupted":
        cut = 12
        inside, down = _WIDTH - 2 * cut, _HEIGHT - 2 * cut
        path = f"M{x + cut:.1f} {y:.1f}h{inside}l{cut} {cut}v{down}l-{cut} {cut}h-{inside}l-{cut} -{cut}v-{down}z"
        return f'<path class="shape" d="{path}"/>'
    radius = 3 if kind == "supported" else _HEIGHT / 2
    return f'<rect class="shape" x="{x:.1f}" y="{y:.1f}" {size} rx="{radius:g}"/>'


def _wrapped(text: str) -> list[str]:
    """Return a title in at most three lines."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < _LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if len(lines) <= 3 else [*lines[:2], f"{lines[2][: _LINE - 1]}…"]  # noqa: PLR2004 - as promised


def _layout(
    nodes: Sequence[str], arrows: Sequence[tuple[str, str]]
) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], list[tuple[float, float]]], tuple[float, float]]:
    """Return the middle of each node, the points of each arrow, and the size of the drawing."""
    depth = _depths(nodes, arrows)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in nodes:
        rows[depth[node]].append(node)
    chains: dict[tuple[str, str], list[str]] = {}
    for source, target in arrows:
        crossed = [f"{source}>{target}@{row}" for row in range(depth[source] + 1, depth[target])]
        for row, name in enumerate(crossed, depth[source] + 1):
            rows[row].append(name)
        chains[source, target] = [source, *crossed, target]
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    real = frozenset(nodes)
    _order(rows, links)
    xs = _xs(rows, links, real)
    left = min(xs[name] - _half(name, real) for row in rows for name in row) - _EDGE
    right = max(xs[name] + _half(name, real) for row in rows for name in row) + _EDGE
    ys = {name: _EDGE + _HEIGHT / 2 + _ROW * i for i, row in enumerate(rows) for name in row}
    places = {name: (xs[name] - left, ys[name]) for name in nodes}
    coming, leaving = _ports(chains, xs, left)
    threads = {}
    for pair, chain in chains.items():
        inner = [(xs[name] - left, ys[name] + side) for name in chain[1:-1] for side in (-_HEIGHT / 2, _HEIGHT / 2)]
        start = (leaving[pair], ys[pair[0]] + _HEIGHT / 2)
        threads[pair] = [start, *inner, (coming[pair], ys[pair[1]] - _HEIGHT / 2)]
    return places, threads, (right - left, _ROW * (len(rows) - 1) + _HEIGHT + 2 * _EDGE)


def _ports(
    chains: Mapping[tuple[str, str], Sequence[str]], xs: Mapping[str, float], left: float
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Return where each arrow ends and starts on the border of its nodes, side by side in the order of their origin."""
    made: list[dict[tuple[str, str], float]] = []
    for end, beside in ((1, -2), (0, 1)):
        ports: dict[tuple[str, str], float] = {}
        for node in {pair[end] for pair in chains}:
            pairs = sorted((pair for pair in chains if pair[end] == node), key=lambda pair: xs[chains[pair][beside]])
            for i, pair in enumerate(pairs, 1):
                ports[pair] = xs[node] - left + (i / (len(pairs) + 1) - 0.5) * _WIDTH * 0.7
        made.append(ports)
    return made[0], made[1]


def _depths(nodes: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each node, counted from the top; circles of arrows, of which the knowledge has none, end."""
    height = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for source, target in arrows:
            height[source] = min(max(height[source], height[target] + 1), len(nodes))
    top = max(height.values())
    used = sorted({top - each for each in height.values()})
    return {node: used.index(top - each) for node, each in height.items()}


def _order(rows: list[list[str]], links: Sequence[tuple[str, str]]) -> None:
    """Order each row by the mean place of its neighbors above, then below, and so on."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for i in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            beside = {name: place for place, name in enumerate(rows[i - 1 if down else i + 1])}
            means = {name: _mean(name, links, beside, down=down) for name in rows[i]}
            kept = {name: place for place, name in enumerate(rows[i])}
            rows[i].sort(key=lambda name: (means.get(name, 0.0), kept.get(name, 0)))


def _mean(name: str, links: Iterable[tuple[str, str]], beside: Mapping[str, float], *, down: bool) -> float:
    pairs = ((source, target) if down else (target, source) for source, target in links)
    near = [beside[other] for other, own in pairs if own == name and other in beside]
    return sum(near) / len(near) if near else float(len(beside)) / 2


def _half(name: str, real: frozenset[str]) -> float:
    return (_WIDTH if name in real else _THREAD) / 2


def _xs(rows: Sequence[Sequence[str]], links: Sequence[tuple[str, str]], real: frozenset[str]) -> dict[str, float]:
    """Return the middle of each name: near the mean of its neighbors, in the order of its row, none overlapping."""
    xs: dict[str, float] = {}
    for row in rows:
        xs |= _spread(row, dict.fromkeys(row, 0.0), real)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 1
        for row in rows if down else rows[::-1]:
            wanted = {}
            for name in row:
                near = [xs[a if down else b] for a, b in links if (b if down else a) == name]
                wanted[name] = sum(near) / len(near) if near else xs[name]
            xs |= _spread(row, wanted, real)
    return xs


def _spread(row: Sequence[str], wanted: Mapping[str, float], real: frozenset[str]) -> dict[str, float]:
    """Return places in the order of a row, as near as may be to those wanted, at least a gap apart."""
    if not row:
        return {}
    offsets = [0.0]
    for before, name in pairwise(row):
        offsets.append(offsets[-1] + _half(before, real) + _half(name, real) + _GAP)
    blocks: list[list[float]] = []
    for name, offset in zip(row, offsets, strict=True):
        blocks.append([wanted[name] - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            total = blocks[-1][1] + count
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * count) / total, total]
    starts = [mean for mean, count in blocks for _ in range(int(count))]
    return {name: start + offset for name, start, offset in zip(row, starts, offsets, strict=True)}


def legend() -> tuple[tuple[str, str, str], ...]:
    """Return kind, mark and meaning of each kind of node."""
    return tuple((kind, labels.word("node_mark", kind), labels.word("node_legend", kind)) for kind in KINDS)
