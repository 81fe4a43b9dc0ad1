#!/usr/bin/env python3
"""Bar charts from the CSV of the benchmark: chart.py FILE.csv DIRECTORY writes one SVG for each group it knows.

A bar is a time relative to that of the fastest peer of its row, so shorter is faster, and 1 is the peer to beat. The
tick is what the machine allows: every product at the peak of its multiply-adds, or for a stream reading the weights once.
"""

import csv
import pathlib
import sys
from xml.sax.saxutils import escape

GROUPS = {
    "training": ("Training step", "forward and all gradients, 100 steps of time", "products at the FMA peak"),
    "inference": ("Inference", "forward only, 100 steps of time", "products at the FMA peak"),
    "streaming": ("Streaming", "one step of one record, one input", "reading the weights"),
}
LIMITS = {"reading W"}  # candidates that are no peers
COLOURS = {"reprise": "#1f5fbf", "reprise fixed": "#0b2f6b", "reprise bfloat16": "#8ab4f0", "oneDNN": "#e08a2e", "LibTorch": "#a9a9b2",
           "plain Eigen": "#6fa287"}
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 880, 185, 155, 96, 44
BAR, GAP = 13, 12
LONGEST = 2.0  # longer bars are cut off; their number says how long they are


def is_ours(name):
    return name.startswith("reprise")


def read(path):
    """group -> row -> candidate -> its line of the CSV"""
    groups = {}
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            groups.setdefault(line["group"], {}).setdefault(line["row"], {})[line["candidate"]] = line
    return groups


def limit(candidates):
    """The shortest possible time of a row, or None."""
    for name, line in candidates.items():
        if name in LIMITS:
            return float(line["median"])
    first = next(iter(candidates.values()))
    return float(first["median"]) * float(first["share_of_peak"]) or None


def text(x, y, content, size=12, anchor="start", weight="normal", fill="#24292f"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{fill}">{escape(content)}</text>')


def short(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def time(line):
    value, unit = float(line["median"]), line["unit"].split()[0]
    for small, large in (("ns", "µs"), ("µs", "ms")):
        if unit == small and value >= 1000:
            value, unit = value / 1000, large
    return f"{short(value)} {unit}"


def legend(names, limit_name):
    out, x = [], LEFT
    for name in names:
        out.append(f'<rect x="{x}" y="64" width="12" height="12" rx="2" fill="{COLOURS.get(name, "#888888")}"/>')
        out.append(text(x + 17, 74, name))
        x += 36 + 7 * len(name)
    out.append(f'<rect x="{x + 5}" y="62" width="2.5" height="16" fill="#c62828"/>')
    out.append(text(x + 17, 74, limit_name))
    return out


def chart(group, rows):
    title, subtitle, limit_name = GROUPS[group]
    names = list(dict.fromkeys(name for candidates in rows.values() for name in candidates if name not in LIMITS))
    threads = next(iter(next(iter(rows.values())).values()))["threads"]
    scale = (WIDTH - LEFT - RIGHT) / LONGEST
    body, labels, y = [], [], TOP  # labels last, with a halo: nothing crosses them
    for row, candidates in rows.items():
        peers = [float(line["median"]) for name, line in candidates.items() if name not in LIMITS and not is_ours(name)]
        if not peers:
            continue
        bars = [name for name in names if name in candidates]
        height = len(bars) * BAR
        shape = row.replace(" B=1 I=1", "") if group == "streaming" else row  # the subtitle says so
        body.append(text(LEFT - 12, y + height / 2 + 4, shape, anchor="end"))
        for i, name in enumerate(bars):
            line, top = candidates[name], y + i * BAR
            ratio = float(line["median"]) / min(peers)
            end = LEFT + scale * min(ratio, LONGEST)
            body.append(f'<rect x="{LEFT}" y="{top}" width="{end - LEFT:.1f}" height="{BAR - 2}" '
                        f'fill="{COLOURS.get(name, "#888888")}"/>')
            if ratio > LONGEST:  # a torn end
                body.append(f'<path d="M{end - 14:.1f} {top + BAR} l5 -{BAR + 2} h4 l-5 {BAR + 2} z" fill="#ffffff"/>')
            label = f"{short(ratio)}× · {time(line)}"
            label = text(end + 6, top + BAR - 3, label, 11, weight="bold" if is_ours(name) else "normal")
            labels.append(label.replace("<text", '<text stroke="#ffffff" stroke-width="3" paint-order="stroke"', 1))
        least = limit(candidates)
        if least:
            body.append(f'<rect x="{LEFT + scale * least / min(peers) - 1:.1f}" y="{y - 2}" width="2.5" '
                        f'height="{height + 2}" fill="#c62828"/>')
        y += height + GAP
    bottom = y - GAP + 6
    grid = []
    for tenths in range(0, int(LONGEST * 10) + 1, 5):
        x = LEFT + scale * tenths / 10
        colour, dash = ("#24292f", "") if tenths == 10 else ("#d0d7de", ' stroke-dasharray="2 3"')
        grid.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"{dash}/>')
        grid.append(text(x, bottom + 15, f"{tenths / 10:g}", 11, "middle"))
    grid.append(text(LEFT + scale, bottom + 31, "time relative to the fastest peer, shorter is faster", 11, "middle"))
    total = bottom + BOTTOM
    head = [text(20, 30, title, 18, weight="bold"),
            text(20, 49, f'{subtitle}, float32, {threads} thread{"" if threads == "1" else "s"}', 13, fill="#57606a")]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total:.0f}" width="{WIDTH}" '
        f'height="{total:.0f}" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        # A background of its own, or the text would vanish in GitHub's dark mode.
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{total - 1:.0f}" rx="8" fill="#ffffff" stroke="#d0d7de"/>',
        *head, *legend(names, limit_name), *grid, *body, *labels, "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    directory = pathlib.Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    groups = read(sys.argv[1])
    for group in GROUPS:
        if group in groups:
            path = directory / f"{group}.svg"
            path.write_text(chart(group, groups[group]))
            print(path)


if __name__ == "__main__":
    main()
