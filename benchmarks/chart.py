"""Bar charts as SVG, written by hand: horizontal bars in panels, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH = 880
_COLUMNS = 2
_MARGIN = 16
_LABEL = 168
_BAR = 13
_LINE = 20
_HEAD = 30
_TOP = 54
_STYLE = """
  text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .panel { font-size: 13px; font-weight: 600; }
  .note { fill: #59636e; }
  .peer { fill: #aab4bf; }
  .ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .peer { fill: #59636e; }
    .ours { fill: #4493f8; }
  }
"""


@dataclass(frozen=True)
class Bar:
    """One bar: how long it is, and whether it is this library's."""

    label: str
    value: float
    ours: bool = False


@dataclass(frozen=True)
class Panel:
    """Bars that are compared with each other, on a scale of their own."""

    title: str
    bars: Sequence[Bar]
    unit: str = "µs"

    @property
    def height(self) -> int:
        """In pixels."""
        return _HEAD + _LINE * len(self.bars) + _MARGIN


def chart(title: str, note: str, panels: Sequence[Panel]) -> str:
    """The whole SVG: panels side by side, in their order."""
    parts, top = list[str](), _TOP + _MARGIN
    for start in range(0, len(panels), _COLUMNS):
        beside = panels[start : start + _COLUMNS]
        for column, panel in enumerate(beside):
            left = _MARGIN + column * (_WIDTH // _COLUMNS)
            parts.append(_panel(panel, left, top))
        top += max(panel.height for panel in beside)
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}" '
        f'role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        _text(_MARGIN, 26, title, "title"),
        _text(_MARGIN, 46, note, "note"),
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def _panel(panel: Panel, left: int, top: int) -> str:
    longest = max(bar.value for bar in panel.bars)
    # Room behind the longest bar for its number.
    full = _WIDTH // _COLUMNS - 2 * _MARGIN - _LABEL - 72
    lines = [_text(left, top + 12, panel.title, "panel")]
    for number, bar in enumerate(panel.bars):
        lines.append(_bar(bar, panel.unit, left, top + _HEAD + number * _LINE, full * bar.value / longest))
    return "\n".join(lines)


def _bar(bar: Bar, unit: str, left: int, top: int, length: float) -> str:
    kind, start = "ours" if bar.ours else "peer", left + _LABEL
    place = f'x="{start}" y="{top - _BAR + 3}" width="{max(length, 1):.1f}" height="{_BAR}"'
    label = _text(start - 8, top, bar.label, anchor="end")
    number = _text(int(start + length + 6), top, f"{figure(bar.value)} {unit}", "note")
    return f'{label}\n<rect class="{kind}" {place} rx="2"/>\n{number}'


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def figure(value: float) -> str:
    """A number with three digits that tell something: 0.234, 5.67, 45.6, 1,234."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
