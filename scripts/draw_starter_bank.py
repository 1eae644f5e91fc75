"""Draws the pictures of the starter bank into image_bank/starter.

    .venv/bin/python scripts/draw_starter_bank.py [FOLDER]

Every picture is a pictogram on a disc, 1080 x 1080, without words. Drawing again gives the same
pictures. ``catalogue.toml`` beside them is written by hand.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

SIZE = 1080
#: Drawn so many times larger and scaled down: Pillow's own lines have jagged edges.
FINER = 4
STROKE = 26.0

INK = "#1F2E3D"
PAPER = "#FFFDF7"
SHADE = "#E4E8E6"

TEAL, BLUE, CORAL = "#1F7A78", "#2F5F9E", "#D2604A"
AMBER, GREEN, PLUM = "#C98A1B", "#4A8756", "#705A98"

Point = tuple[float, float]
Colour = str


class Pen:
    """Draws in units of the finished picture; lines have round ends and corners."""

    def __init__(self, background: Colour) -> None:
        self.image = Image.new("RGB", (SIZE * FINER, SIZE * FINER), background)
        self._draw = ImageDraw.Draw(self.image)
        self.accent = background
        self.disc((540, 540), 440, PAPER)

    def disc(self, at: Point, radius: float, fill: Colour) -> None:
        """A filled circle."""
        x, y = at
        self._draw.ellipse(_finer(x - radius, y - radius, x + radius, y + radius), fill=fill)

    def ring(self, at: Point, radius: float, width: float = STROKE, colour: Colour = INK) -> None:
        """A circle's line, outside ``radius`` by half of its width."""
        x, y = at
        r = radius + width / 2
        self._draw.ellipse(
            _finer(x - r, y - r, x + r, y + r), outline=colour, width=round(width * FINER)
        )

    def line(self, points: Sequence[Point], width: float = STROKE, colour: Colour = INK) -> None:
        """A line through the points."""
        flat = [value for point in points for value in _finer(*point)]
        self._draw.line(flat, fill=colour, width=round(width * FINER), joint="curve")
        for point in points:
            self.disc(point, width / 2, colour)

    def shape(
        self,
        points: Sequence[Point],
        fill: Colour,
        outline: Colour | None = INK,
        width: float = STROKE,
    ) -> None:
        """A filled area, with a line around it."""
        self._draw.polygon([value for point in points for value in _finer(*point)], fill=fill)
        if outline is not None:
            self.line([*points, points[0]], width, outline)

    def box(
        self,
        corner: Point,
        size: Point,
        fill: Colour,
        *,
        radius: float = 34,
        outline: Colour | None = INK,
        width: float = STROKE,
    ) -> None:
        """A rectangle with round corners."""
        (x, y), (w, h) = corner, size
        half = width / 2 if outline else 0
        self._draw.rounded_rectangle(
            _finer(x - half, y - half, x + w + half, y + h + half),
            radius=(radius + half) * FINER,
            fill=fill,
            outline=outline,
            width=round(width * FINER) if outline else 0,
        )

    def arc(
        self,
        at: Point,
        radius: float,
        turn: tuple[float, float],
        width: float = STROKE,
        colour: Colour = INK,
    ) -> None:
        """A part of a circle's line, in degrees, clockwise from the right."""
        begin, end = turn
        steps = max(8, round(abs(end - begin)))
        self.line(
            [polar(at, radius, begin + (end - begin) * n / steps) for n in range(steps + 1)],
            width,
            colour,
        )

    def save(self, place: Path) -> None:
        """Scales the drawing down and writes it."""
        small = self.image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        # So few colours are in it that a palette loses nothing that can be seen.
        small.quantize(128, dither=Image.Dither.NONE).save(place, "PNG", optimize=True)


def _finer(*values: float) -> tuple[float, ...]:
    return tuple(value * FINER for value in values)


def polar(at: Point, radius: float, degrees: float) -> Point:
    """The point in a direction, clockwise from the right."""
    turn = math.radians(degrees)
    return at[0] + radius * math.cos(turn), at[1] + radius * math.sin(turn)


def curve(*points: Point, steps: int = 40) -> list[Point]:
    """A Bézier curve of any degree."""
    found: list[Point] = []
    for step in range(steps + 1):
        t, level = step / steps, list(points)
        while len(level) > 1:
            level = [
                (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
                for a, b in itertools.pairwise(level)
            ]
        found.append(level[0])
    return found


def person(pen: Pen, x: float, y: float, scale: float, fill: Colour) -> None:
    """A head with shoulders; ``y`` is where the shoulders end."""
    width, head = 120 * scale, 62 * scale
    top = y - 150 * scale
    shoulders = [
        (x - width, y),
        *[polar((x, y - 30 * scale), width, degree) for degree in range(180, 361, 4)],
        (x + width, y),
    ]
    pen.shape(shoulders, fill)
    pen.disc((x, top - head * 0.95), head + STROKE / 2, INK)
    pen.disc((x, top - head * 0.95), head - STROKE / 2, PAPER)


def tick(pen: Pen, at: Point, size: float, colour: Colour, width: float = STROKE) -> None:
    """A check mark around a point."""
    x, y = at
    pen.line(
        [
            (x - size * 0.5, y),
            (x - size * 0.12, y + size * 0.38),
            (x + size * 0.55, y - size * 0.42),
        ],
        width,
        colour,
    )


def opening_hours(pen: Pen) -> None:
    """A sign that hangs on a door, with a clock on it."""
    pen.line([(400, 380), (540, 230), (680, 380)], 18)
    pen.disc((540, 230), 24, pen.accent)
    pen.box((280, 380), (520, 420), pen.accent, radius=60)
    pen.disc((540, 590), 165, PAPER)
    pen.ring((540, 590), 165)
    for hour in range(0, 360, 30):
        reach = 118 if hour % 90 == 0 else 130
        pen.line([polar((540, 590), reach, hour), polar((540, 590), 138, hour)], 10)
    pen.line([(540, 490), (540, 590), (608, 640)], 22)
    pen.disc((540, 590), 22, pen.accent)


def where_to_find_us(pen: Pen) -> None:
    """A folded map with a pin in it."""
    left, middle, right = 250, (433, 633), 830
    pen.shape([(left, 470), (433, 530), (433, 830), (left, 770)], SHADE)
    pen.shape([(433, 530), (633, 470), (633, 770), (433, 830)], PAPER)
    pen.shape([(633, 470), (right, 530), (right, 830), (633, 770)], SHADE)
    pen.line([(300, 700), (433, 650), (middle[1], 710), (780, 650)], 16, pen.accent)
    centre = (540, 360)
    pin = [polar(centre, 150, degree) for degree in range(150, 391, 4)]
    pen.shape([*pin, (540, 650)], pen.accent)
    pen.disc(centre, 62, PAPER)
    pen.ring(centre, 62, 20)


def contact(pen: Pen) -> None:
    """A card with a person, a telephone, an envelope and a globe."""
    pen.box((235, 330), (610, 420), PAPER, radius=44)
    person(pen, 390, 660, 0.85, pen.accent)
    pen.box((585, 410), (190, 120), SHADE, radius=16, width=18)
    pen.line([(590, 418), (680, 480), (770, 418)], 16)
    handset = curve((600, 600), (605, 690), (690, 690), steps=30)
    pen.line(handset, 34, INK)
    pen.disc((602, 600), 32, INK)
    pen.disc((690, 688), 32, INK)
    pen.arc((640, 650), 62, (-80, 0), 14, pen.accent)
    pen.arc((640, 650), 102, (-80, 0), 14, pen.accent)


def queue(pen: Pen) -> None:
    """Three people in a row, and an hourglass over them."""
    person(pen, 325, 790, 0.75, SHADE)
    person(pen, 755, 790, 0.75, SHADE)
    person(pen, 540, 830, 1.1, pen.accent)
    top, bottom, half = 190, 430, 95
    pen.shape([(540 - half, top), (540 + half, top), (540, 310)], PAPER)
    pen.shape([(540 - half, bottom), (540 + half, bottom), (540, 310)], PAPER)
    pen.shape([(540 - 45, top + 62), (540 + 45, top + 62), (540, 300)], pen.accent, None)
    pen.shape([(540 - 62, bottom - 22), (540 + 62, bottom - 22), (540, 370)], pen.accent, None)
    pen.line([(540 - half - 20, top), (540 + half + 20, top)], 32)
    pen.line([(540 - half - 20, bottom), (540 + half + 20, bottom)], 32)


def documents(pen: Pen) -> None:
    """A clipboard with a list, and an identity card."""
    pen.box((290, 260), (400, 540), PAPER, radius=40)
    pen.box((400, 215), (180, 90), pen.accent, radius=24)
    for row in range(3):
        y = 400 + row * 110
        tick(pen, (370, y), 62, pen.accent)
        pen.line([(450, y), (610, y)], 20)
    pen.box((530, 620), (310, 210), SHADE, radius=30)
    pen.disc((615, 700), 38, pen.accent)
    pen.shape(
        [(560, 790), *[polar((615, 790), 55, d) for d in range(180, 361, 6)], (670, 790)],
        pen.accent,
        None,
    )
    pen.line([(710, 690), (790, 690)], 18)
    pen.line([(710, 740), (790, 740)], 18)


def payment(pen: Pen) -> None:
    """A bank card with the waves of contactless payment, and coins."""
    pen.box((220, 400), (500, 320), pen.accent, radius=44)
    pen.shape([(207, 480), (733, 480), (733, 550), (207, 550)], INK, None)
    pen.line([(285, 640), (410, 640)], 22, PAPER)
    for radius in (45, 88, 131):
        pen.arc((560, 270), radius, (-45, 45), 24)
    for number, y in enumerate((790, 720, 650)):
        pen.box((620, y - 35), (230, 70), PAPER if number % 2 else SHADE, radius=35, width=22)


def accessibility(pen: Pen) -> None:
    """A person in a wheelchair."""
    pen.disc((455, 255), 62, INK)
    pen.arc((500, 640), 205, (20, 250), 40, pen.accent)
    pen.line([(465, 370), (485, 590), (665, 590), (745, 790)], 54)
    pen.line([(474, 460), (650, 460)], 42)
    pen.line([(745, 790), (800, 770)], 42)


def parking(pen: Pen) -> None:
    """A parking sign over a car."""
    pen.box((390, 180), (300, 300), pen.accent, radius=50)
    pen.line([(490, 415), (490, 245), (560, 245)], 40, PAPER)
    pen.arc((560, 300), 55, (-90, 90), 40, PAPER)
    pen.line([(490, 355), (560, 355)], 40, PAPER)
    pen.shape([(360, 650), (430, 545), (650, 545), (720, 650)], SHADE)
    pen.line([(540, 545), (540, 650)], 20)
    pen.box((270, 650), (540, 120), pen.accent, radius=46)
    for x in (390, 690):
        pen.disc((x, 775), 66, INK)
        pen.disc((x, 775), 26, PAPER)
    pen.disc((310, 700), 17, PAPER)
    pen.disc((770, 700), 17, PAPER)


def calendar(pen: Pen) -> None:
    """A leaf of a calendar, without anything on it."""
    pen.box((270, 290), (540, 510), PAPER, radius=44)
    pen.box((270, 290), (540, 120), pen.accent, radius=44)
    pen.shape([(283, 370), (797, 370), (797, 423), (283, 423)], pen.accent, None)
    pen.line([(270, 423), (810, 423)], STROKE)
    for x in (400, 680):
        pen.line([(x, 240), (x, 330)], 40)


def holiday(pen: Pen) -> None:
    """A calendar with a fir tree and a star on it."""
    calendar(pen)
    pen.box((515, 715), (50, 50), INK, radius=4, outline=None)
    for top, bottom, half in ((500, 590, 75), (550, 660, 105), (605, 725, 135)):
        pen.shape([(540, top), (540 + half, bottom), (540 - half, bottom)], pen.accent, None)
    star = [polar((540, 500), 46 if n % 2 == 0 else 19, n * 36 - 90) for n in range(10)]
    pen.shape(star, INK, None)
    for x, y in ((360, 500), (720, 520), (345, 640), (735, 660)):
        for turn in (0, 60, 120):
            pen.line([polar((x, y), 26, turn), polar((x, y), 26, turn + 180)], 9)


def appointment(pen: Pen) -> None:
    """A calendar of which one day is ticked, with a clock."""
    calendar(pen)
    for row in range(3):
        for column in range(4):
            x, y = 325 + column * 112, 475 + row * 100
            chosen = (row, column) == (1, 1)
            pen.box((x, y), (72, 60), pen.accent if chosen else SHADE, radius=14, outline=None)
    tick(pen, (473, 606), 46, PAPER, 16)
    pen.disc((760, 750), 128, INK)
    pen.disc((760, 750), 102, PAPER)
    pen.line([(760, 690), (760, 750), (805, 778)], 20)


def thank_you(pen: Pen) -> None:
    """A heart in a speech bubble."""
    pen.shape([(400, 720), (400, 880), (570, 720)], PAPER)
    pen.box((230, 270), (620, 480), PAPER, radius=110)
    pen.shape([(413, 715), (413, 850), (556, 715)], PAPER, None)
    heart = [
        (
            540 + 11.2 * 16 * math.sin(t) ** 3,
            488
            - 11.2
            * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)),
        )
        for t in (math.tau * n / 120 for n in range(120))
    ]
    pen.shape(heart, pen.accent)


def announcement(pen: Pen) -> None:
    """A megaphone."""
    pen.line([(430, 650), (470, 810), (540, 800), (510, 640)], 30)
    pen.shape([(430, 640), (470, 805), (535, 795), (505, 640)], SHADE)
    pen.shape([(400, 430), (690, 280), (690, 760), (400, 640)], pen.accent)
    pen.box((270, 430), (130, 210), PAPER, radius=40)
    pen.line([(690, 250), (690, 790)], 34)
    for begin, end in (
        ((770, 400), (840, 350)),
        ((780, 520), (870, 520)),
        ((770, 640), (840, 690)),
    ):
        pen.line([begin, end], 28)


def price_list(pen: Pen) -> None:
    """A list with prices, and a tag with a euro sign."""
    pen.box((255, 240), (400, 560), PAPER, radius=40)
    for row in range(4):
        y = 340 + row * 95
        pen.line([(325, y), (435 + 30 * (row % 2), y)], 20)
        pen.line([(550, y), (595, y)], 20, pen.accent)
    pen.shape([(480, 670), (580, 540), (825, 540), (825, 800), (580, 800)], pen.accent)
    pen.disc((558, 670), 24, PAPER)
    pen.arc((723, 670), 68, (45, 315), 24, PAPER)
    pen.line([(618, 650), (708, 650)], 18, PAPER)
    pen.line([(618, 690), (708, 690)], 18, PAPER)


PICTURES: dict[str, tuple[Colour, Callable[[Pen], None]]] = {
    "opening-hours": (TEAL, opening_hours),
    "where-to-find-us": (CORAL, where_to_find_us),
    "contact": (BLUE, contact),
    "queue": (AMBER, queue),
    "documents-needed": (PLUM, documents),
    "payment-methods": (GREEN, payment),
    "accessibility": (BLUE, accessibility),
    "parking": (BLUE, parking),
    "holiday-notice": (GREEN, holiday),
    "appointment": (TEAL, appointment),
    "thank-you": (CORAL, thank_you),
    "announcement": (AMBER, announcement),
    "price-list": (PLUM, price_list),
}


def main(arguments: list[str]) -> None:
    """Draws all of them."""
    here = Path(__file__).parents[1] / "image_bank" / "starter"
    folder = Path(arguments[0]) if arguments else here
    folder.mkdir(parents=True, exist_ok=True)
    for name, (background, draw) in PICTURES.items():
        pen = Pen(background)
        draw(pen)
        pen.save(folder / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
