"""Charts as SVG: where bars and lines go. Drawn by the server, without a script or a style of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH, HEIGHT = 480, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22  # room for the words at the axes
_STEPS = (1, 2, 2.5, 5, 10)


class Series(NamedTuple):
    """One row of values, of which some may not be known. ``name`` is for people; ``mark`` is its class in the CSS."""

    name: str
    mark: str
    values: Sequence[float | None]


class Tick(NamedTuple):
    """A place on an axis, and what stands there."""

    at: float
    words: str


class Bar(NamedTuple):
    """A rectangle, and what it says to whoever points at it."""

    mark: str
    x: float
    y: float
    width: float
    height: float
    words: str


class Path(NamedTuple):
    """A line through what is known: its ``points``, as SVG writes them, and a dot for each."""

    mark: str
    points: str
    dots: list[Tick]
    heights: list[float]

    @property
    def marks(self) -> Iterator[tuple[Tick, float]]:
        """Each dot with its height."""
        return zip(self.dots, self.heights, strict=True)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars stacked on each other, or lines, over the same ``labels``.

    ``unit`` follows each number at the axis. With ``stacked``, series are drawn as bars from the bottom up.
    """

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    stacked: bool = False
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for each in self.series for value in each.values)

    @property
    def rows(self) -> list[tuple[str, list[float | None]]]:
        """The same as a table: each label with a value of each series."""
        return [(label, [each.values[place] for each in self.series]) for place, label in enumerate(self.labels)]

    @property
    def top(self) -> float:
        """The value at the upper end of the axis: a round one."""
        sums = [
            sum(values) if self.stacked else max(values)
            for values in ([value or 0 for value in row] for _, row in self.rows)
        ]
        return round_up(max(1.0, *sums))

    @property
    def ticks(self) -> list[Tick]:
        """The values at the axis, from zero to ``top``."""
        return [Tick(self._y(self.top * part / 2), f"{self.top * part / 2:g}{self.unit}") for part in range(3)]

    @property
    def days(self) -> list[Tick]:
        """The first, middle and last label below the axis."""
        places = sorted({0, len(self.labels) // 2, len(self.labels) - 1})
        return [Tick(self._x(place), self.labels[place]) for place in places]

    @property
    def bars(self) -> Iterator[Bar]:
        """Every bar that has a height."""
        wide = self._slot() * 0.8
        for place, (label, values) in enumerate(self.rows if self.stacked else []):
            below = 0.0
            for each, value in zip(self.series, values, strict=True):
                if value:
                    y, foot = self._y(below + value), self._y(below)
                    words = f"{label}: {each.name} {value:g}"
                    yield Bar(each.mark, _short(self._x(place) - wide / 2), y, _short(wide), _short(foot - y), words)
                    below += value

    @property
    def lines(self) -> Iterator[Path]:
        """Each series as a line; where a value is not known, it goes on to the next one."""
        for each in [] if self.stacked else self.series:
            known = [(place, value) for place, value in enumerate(each.values) if value is not None]
            dots = [
                Tick(self._x(place), f"{self.labels[place]}: {each.name} {value:.3g}{self.unit}")
                for place, value in known
            ]
            heights = [self._y(value) for _, value in known]
            points = " ".join(f"{dot.at},{height}" for dot, height in zip(dots, heights, strict=True))
            yield Path(each.mark, points, dots, heights)

    def _slot(self) -> float:
        return (WIDTH - LEFT - RIGHT) / max(1, len(self.labels))

    def _x(self, place: int) -> float:
        return _short(LEFT + self._slot() * (place + 0.5))

    def _y(self, value: float) -> float:
        return _short(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / self.top)


def round_up(value: float) -> float:
    """Return the next number that is 1, 2, 2.5 or 5 times a power of ten."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in _STEPS if step * power >= value)


def _short(value: float) -> float:
    return round(value, 1)
