"""The round red seal as a picture: a ring, the agency's name on an arc, a five-pointed star, the
purpose below it.

It is drawn as PDF operators, from outlines of the characters, so that it looks the same in every
reader. The digital signature is the seal; this picture is only its visible sign.
"""

import math
from functools import lru_cache

from fontTools.misc.transform import Identity, Transform
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen

from certificates import fonts

RED = (200, 22, 29)
PURPOSE = "社会保险业务专用章"

# Millimetres. 42 mm across is the size of seals of offices at this level (国发〔1999〕25号).
DIAMETER = 42.0
_RING = 1.1
_ARC_RADIUS = 15.6
_STAR_RADIUS = 6.2

_POINTS_PER_MM = 72 / 25.4
# How far from a quarter circle's ends the control points of its Bézier curve lie.
_QUARTER = 4 / 3 * (math.sqrt(2) - 1)


class _OperatorPen(BasePen):
    """Writes outlines as PDF path operators."""

    def __init__(self) -> None:
        super().__init__(None)
        self.operators: list[str] = []

    def _moveTo(self, pt: tuple[float, float]) -> None:
        self._write("m", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:
        self._write("l", pt)

    def _curveToOne(
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._write("c", pt1, pt2, pt3)

    def _closePath(self) -> None:
        self.operators.append("h")

    def _write(self, operator: str, *points: tuple[float, float]) -> None:
        self.operators.append(" ".join(f"{x:.3f} {y:.3f}" for x, y in points) + f" {operator}")


@lru_cache(maxsize=64)
def operators(agency: str) -> bytes:
    """PDF operators that draw the agency's seal around the origin, in points, y upwards. Raises
    FontMissing without fonts."""
    pen = _OperatorPen()
    _star(pen)
    _arc(pen, agency)
    _line(pen, PURPOSE)
    colour = " ".join(f"{part / 255:.3f}" for part in RED)
    ring = _OperatorPen()
    _circle(ring, DIAMETER / 2 - _RING / 2)
    return "\n".join(
        [
            f"{_POINTS_PER_MM:.5f} 0 0 {_POINTS_PER_MM:.5f} 0 0 cm",
            f"{colour} rg {colour} RG {_RING} w",
            *ring.operators,
            "S",
            *pen.operators,
            "f",
        ]
    ).encode()


def _circle(pen: _OperatorPen, radius: float) -> None:
    pen.moveTo((radius, 0))
    for quarter in range(4):
        turn = Identity.rotate(math.pi / 2 * quarter)
        corners = [(radius, radius * _QUARTER), (radius * _QUARTER, radius), (0, radius)]
        pen.curveTo(*(turn.transformPoint(corner) for corner in corners))
    pen.closePath()


def _star(pen: _OperatorPen) -> None:
    # A regular pentagram: its inner corners lie at (3 - √5) / 2 of the outer radius.
    inner = _STAR_RADIUS * (3 - math.sqrt(5)) / 2
    for corner in range(10):
        radius = inner if corner % 2 else _STAR_RADIUS
        point = (radius * math.sin(math.pi * corner / 5), radius * math.cos(math.pi * corner / 5))
        if corner:
            pen.lineTo(point)
        else:
            pen.moveTo(point)
    pen.closePath()


def _arc(pen: _OperatorPen, text: str) -> None:
    # The feet of the characters point to the middle. A longer name takes more of the circle, then
    # narrower characters.
    step = math.radians(min(24.0, 228.0 / max(1, len(text) - 1)))
    width = min(3.5, step * _ARC_RADIUS * 0.9)
    for place, character in enumerate(text):
        angle = step * ((len(text) - 1) / 2 - place)
        _character(pen, character, Identity.rotate(angle).translate(0, _ARC_RADIUS), width, 4.3)


def _line(pen: _OperatorPen, text: str) -> None:
    width = min(2.9, 22.5 / len(text))
    for place, character in enumerate(text):
        _character(
            pen, character, Identity.translate(width * (place - (len(text) - 1) / 2), -11.2), width, 3.2
        )


def _character(pen: _OperatorPen, character: str, place: Transform, width: float, height: float) -> None:
    """One character with its middle at the origin of ``place``."""
    fonts.outlines(fonts.TITLE).draw(
        character, TransformPen(pen, place.scale(width / 1000, height / 1000).translate(-500, -380))
    )
