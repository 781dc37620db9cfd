"""Force and position of a set over time as one SVG, without a plotting library."""
from xml.sax.saxutils import escape

import numpy

WIDTH, HEIGHT, LEFT, TOP = 900, 420, 60, 40
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - 60, HEIGHT - TOP - 40
POINTS = 1500  # more than that no screen shows


def _line(seconds, values, low, high, colour):
    """A polyline of the smallest and largest value of each column of pixels, so that no peak is lost."""
    span = max(high - low, 1e-9)
    steps = numpy.array_split(numpy.arange(len(values)), min(POINTS, len(values)))
    points = []
    for step in steps:
        for index in sorted({step[numpy.argmin(values[step])], step[numpy.argmax(values[step])]}):
            x = LEFT + PLOT_WIDTH * seconds[index] / max(seconds[-1], 1e-9)
            y = TOP + PLOT_HEIGHT * (1 - (values[index] - low) / span)
            points.append(f"{x:.1f},{y:.1f}")
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.2" points="{" ".join(points)}"/>'


def _axis_labels(seconds, force_max, position_max):
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = TOP + PLOT_HEIGHT * (1 - share)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + PLOT_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share * force_max:.0f}</text>')
        parts.append(f'<text x="{LEFT + PLOT_WIDTH + 6}" y="{y + 4:.1f}">{share * position_max:.2f}</text>')
        x = LEFT + PLOT_WIDTH * share
        parts.append(f'<text x="{x:.1f}" y="{TOP + PLOT_HEIGHT + 18}" text-anchor="middle">'
                     f'{share * seconds[-1]:.0f}</text>')
    return "".join(parts)


def save_svg(path, samples, title, force_unit="N", position_unit="m"):
    seconds = (samples["tick"] - samples["tick"][0]) / 1000.0
    position = samples["position"] - samples["position"].min()
    force_max = max(float(samples["force_measured"].max()), float(samples["force_target"].max()), 1.0) * 1.05
    position_max = max(float(position.max()), 1e-3) * 1.05
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="15">{escape(title)}</text>',
        _axis_labels(seconds, force_max, position_max),
        _line(seconds, position, 0.0, position_max, "#8a8a8a"),
        _line(seconds, samples["force_target"], 0.0, force_max, "#e08214"),
        _line(seconds, samples["force_measured"], 0.0, force_max, "#2166ac"),
        f'<text x="{LEFT}" y="34"><tspan fill="#2166ac">measured force</tspan>, <tspan fill="#e08214">target</tspan> '
        f'({force_unit}, left); <tspan fill="#8a8a8a">position</tspan> ({position_unit}, right); time in s</text>',
        "</svg>"]
    path.write_text("\n".join(parts), encoding="utf-8")
