#!/usr/bin/env python3
"""One picture from the CSV of compare_cells: chart_cells.py FILE.csv FILE.svg

A panel for each task, a bar for each cell, the best on top. With several seeds the bar is their median and the dots are
the runs. Of two rows of the same seed the later one counts.
"""

import csv
import math
import pathlib
import statistics
import sys
from xml.sax.saxutils import escape

# task: title, what is measured, name of the trivial level, whether the axis is logarithmic
TASKS = {
    "adding": ("Adding problem, 200 steps", "mean squared error", "always 1", True),
    "copy": ("Copy memory, 100 blanks", "nats per step", "no memory", True),
    "tunes": ("Tunes, next character", "bits per character", "frequencies", False),
}
BAR_COLOUR, WEAK_COLOUR, DOT_COLOUR, LINE_COLOUR = "#1f5fbf", "#a9a9b2", "#0b2f6b", "#c62828"
INK, GREY = "#24292f", "#57606a"
WEAK = 0.9  # of the trivial level: from here on a cell has not learned the task
BAR, PITCH, TOP, PLOT, VALUE, EDGE, GAP = 13, 20, 126, 150, 58, 20, 26


def read(path):
    """task -> cell -> seed -> its line of the CSV; heads of concatenated files are passed over"""
    tasks = {}
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            if line["cell"] != "cell":
                tasks.setdefault(line["task"], {}).setdefault(line["cell"], {})[line["seed"]] = line
    return tasks


def text(x, y, content, size=12, anchor="start", weight="normal", fill=INK, halo=False):
    behind = ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' if halo else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{fill}"{behind}>{escape(content)}</text>')


def short(value):
    if value < 1e-3:
        digits, exponent = f"{value:.1e}".split("e")
        superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{digits}·10{superscript}"
    return f"{value:.2g}" if value < 0.01 else f"{value:.3f}" if value < 1 else f"{value:.2f}"


def axis(values, trivial, logarithmic):
    """Low and high end, the ticks, and what they say."""
    if not logarithmic:
        high = max(max(values), trivial) * 1.04
        return 0, high, [(tick, str(tick)) for tick in range(0, int(high) + 1)]
    low = 10.0 ** math.floor(math.log10(max(min(*values, trivial / 2), 1e-12) / 1.5))
    high = max(max(values), trivial) * 1.3
    decades = range(round(math.log10(low)), math.floor(math.log10(high)) + 1)
    step = 1 if len(decades) <= 4 else 2
    name = lambda d: f"{10.0**d:g}" if d >= -3 else short(10.0**d).removeprefix("1.0·")
    return low, high, [(10.0**d, name(d)) for d in decades[::step]]


def panel(task, cells, x, label):
    """A list of SVG elements, from x on; `label` is the width of the names."""
    title, measure, trivial_name, logarithmic = TASKS[task]
    runs = {cell: [float(line["value"]) for line in seeds.values()] for cell, seeds in cells.items()}
    order = sorted(runs, key=lambda cell: statistics.median(runs[cell]))
    trivial = statistics.median(float(line["trivial"]) for seeds in cells.values() for line in seeds.values())
    low, high, ticks = axis([value for values in runs.values() for value in values], trivial, logarithmic)
    left = x + label
    counts = [int(line["parameters"]) for seeds in cells.values() for line in seeds.values()]
    size = f"{1000 * round(statistics.median(counts) / 1000):,} parameters"

    def position(value):
        if logarithmic:
            return left + PLOT * math.log(max(value, low) / low) / math.log(high / low)
        return left + PLOT * (value - low) / (high - low)

    bottom = TOP + PITCH * len(order) - (PITCH - BAR) + 6
    out = [text(x, 76, title, 14, weight="bold"),
           text(x, 93, f'{measure}{", logarithmic" if logarithmic else ""}; {size}', 12, fill=GREY)]
    for value, name in ticks:
        out.append(f'<line x1="{position(value):.1f}" y1="{TOP - 5}" x2="{position(value):.1f}" y2="{bottom}" '
                   'stroke="#d0d7de" stroke-dasharray="2 3"/>')
        out.append(text(position(value), bottom + 15, name, 11, "middle", fill=GREY))
    labels = []
    for i, cell in enumerate(order):
        y, values = TOP + PITCH * i, runs[cell]
        middle = statistics.median(values)
        weak = middle >= WEAK * trivial
        end = position(middle)
        out.append(text(left - 8, y + BAR - 2.5, cell, 12, "end"))
        out.append(f'<rect x="{left:.1f}" y="{y}" width="{end - left:.1f}" height="{BAR}" '
                   f'fill="{WEAK_COLOUR if weak else BAR_COLOUR}"/>')
        if len(values) > 1:
            for value in values:
                labels.append(f'<circle cx="{position(value):.1f}" cy="{y + BAR / 2}" r="2.6" fill="{DOT_COLOUR}" '
                              'stroke="#ffffff" stroke-width="0.8"/>')
        # Beyond the bar, its dots, and the line of the trivial level where that would cross it.
        after = max(position(value) for value in [middle, *(values if len(values) > 1 else [])])
        if after - 6 < position(trivial) < after + VALUE:
            after = max(after, position(trivial))
        labels.append(text(after + 6, y + BAR - 2.5, short(middle), 11, halo=True))
    at = position(trivial)
    out.append(f'<line x1="{at:.1f}" y1="{TOP - 9}" x2="{at:.1f}" y2="{bottom}" stroke="{LINE_COLOUR}" '
               'stroke-width="1.5"/>')
    out.append(text(at + 4, TOP - 12, f"{trivial_name}: {short(trivial)}", 11, "end", fill=LINE_COLOUR))
    return out + labels


def caption(tasks):
    lines = [line for cells in tasks.values() for seeds in cells.values() for line in seeds.values()]
    seeds = len({line["seed"] for line in lines})
    runs = "One run of each" if seeds == 1 else f"Median of {seeds} seeds, a dot for each run"
    return f"{runs}; shorter is better; grey: less than a tenth below the trivial level"


def chart(tasks):
    shown = [task for task in TASKS if task in tasks]
    label = 14 + 6.6 * max(len(cell) for cells in tasks.values() for cell in cells)
    width = 2 * EDGE + len(shown) * (label + PLOT + VALUE) + (len(shown) - 1) * GAP
    width = max(width, 760)
    height = TOP + PITCH * max(len(cells) for cells in tasks.values()) + 34
    body = []
    for i, task in enumerate(shown):
        body += panel(task, tasks[task], EDGE + i * (label + PLOT + VALUE + GAP), label)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'height="{height}" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        # A background of its own, or the text would vanish in GitHub's dark mode.
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8" fill="#ffffff" stroke="#d0d7de"/>',
        text(EDGE, 28, "Cells at equal size", 18, weight="bold"), text(EDGE, 46, caption(tasks), 12, fill=GREY),
        *body, "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    tasks = read(sys.argv[1])
    if not tasks or not set(tasks) <= set(TASKS):
        sys.exit(f"{sys.argv[1]}: tasks {', '.join(TASKS)} are known, found {', '.join(tasks) or 'none'}")
    pathlib.Path(sys.argv[2]).write_text(chart(tasks))
    print(sys.argv[2])


if __name__ == "__main__":
    main()
