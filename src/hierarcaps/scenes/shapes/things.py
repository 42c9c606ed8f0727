"""Buildings, toys, furniture and clothing."""

import math

from hierarcaps.scenes.shapes.pen import (
    CREAM,
    GLASS,
    GOLD,
    INK,
    STEEL,
    WHITE,
    WOOD,
    Pen,
    mix,
    shape,
)  # fmt: skip

NIGHT_WINDOW = (255, 232, 150)


@shape
def _house(p: Pen) -> None:
    p.box(68, 10, 80, 36, p.dark)
    p.box(14, 44, 86, 95, p.main)
    p.poly([(50, 6), (98, 46), (90, 52), (10, 52), (2, 46)], p.dark)
    p.box(42, 64, 60, 95, WOOD, 2)
    p.oval(56, 80, 1.8, 1.8, GOLD, edge=0)
    for x in (21, 66):
        p.box(x, 60, x + 14, 76, GLASS, edge=1.3)
        p.line([(x + 7, 60), (x + 7, 76)], p.ink, 1.3, 0)
        p.line([(x, 68), (x + 14, 68)], p.ink, 1.3, 0)
    p.oval(50, 34, 6.4, 6.4, GLASS, edge=1.3)


@shape
def _castle(p: Pen) -> None:
    p.line([(50, 2), (50, 16)], WOOD, 2, 0.8)
    p.poly([(51, 1), (66, 5), (51, 10)], (230, 70, 70), 0.9)
    for x0, x1, top in ((34, 66, 24), (18, 82, 56), (4, 30, 34), (70, 96, 34)):
        step = (x1 - x0) / 5
        points: list[tuple[float, float]] = [(x0, 96)]
        for i in range(5):
            y = top - 8 if i % 2 == 0 else top
            points += [(x0 + i * step, y), (x0 + (i + 1) * step, y)]
        p.poly([*points, (x1, 96)], p.light if x0 == 34 else p.main)
    p.blob([(39, 96), (39, 80), (50, 68), (61, 80), (61, 96)], (96, 62, 40), edge=1.3)
    for x, y in ((17, 50), (83, 50), (50, 38)):
        p.box(x - 3.4, y - 7, x + 3.4, y + 7, INK, 3.3, edge=0)
    for x, y in ((10, 70), (20, 80), (78, 74), (88, 84), (28, 66), (68, 66)):
        p.line([(x, y), (x + 5, y)], p.dark, 2, 0)


@shape
def _lighthouse(p: Pen) -> None:
    p.poly([(56, 22), (99, 8), (99, 36)], (255, 240, 160), 0)
    p.poly([(44, 22), (1, 8), (1, 36)], (255, 240, 160), 0)
    p.poly([(36, 34), (64, 34), (72, 94), (28, 94)], WHITE if p.main[2] < 240 else (196, 204, 216))
    for y0, y1 in ((42, 54), (66, 79)):
        left, right = (lambda y: 36 - (y - 34) * 8 / 60), (lambda y: 64 + (y - 34) * 8 / 60)
        p.poly([(left(y0), y0), (right(y0), y0), (right(y1), y1), (left(y1), y1)], p.main, 0.9)
    p.box(42, 16, 58, 33, GOLD)
    p.line([(50, 17), (50, 32)], p.ink, 1.4, 0)
    p.poly([(36, 17), (50, 2), (64, 17)], p.main)
    p.box(32, 31, 68, 37, p.main, 1)
    p.box(45, 82, 55, 94, WOOD, 3, edge=1.2)
    p.blob([(14, 97), (24, 88), (50, 93), (78, 88), (88, 97)], (132, 128, 128))


@shape
def _skyscraper(p: Pen) -> None:
    p.line([(50, 0), (50, 14)], STEEL, 2.4, 0.9)
    p.box(38, 10, 62, 30, p.dark)
    p.box(26, 24, 74, 97, p.main)
    for y in range(31, 84, 10):
        for x in (32, 43, 54, 65):
            lit = (x + y) % 3 == 0
            p.box(x - 1, y, x + 5, y + 6, NIGHT_WINDOW if lit else GLASS, edge=0.6)
    p.box(44, 86, 56, 97, INK, edge=0.8)


@shape
def _windmill(p: Pen) -> None:
    p.poly([(36, 40), (64, 40), (74, 96), (26, 96)], p.main)
    p.blob([(34, 42), (38, 28), (50, 22), (62, 28), (66, 42)], p.dark)
    p.box(44, 76, 56, 96, WOOD, 4, edge=1.3)
    p.oval(50, 62, 4.6, 4.6, GLASS, edge=1.2)
    for angle in (45, 135, 225, 315):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))

        def at(
            along: float, across: float, cos: float = cos, sin: float = sin
        ) -> tuple[float, float]:
            return 50 + along * cos - across * sin, 36 + along * sin + across * cos

        p.poly([at(12, 0), at(47, 0), at(47, 13), at(12, 11)], CREAM, 1.2)
        for along in (21, 30, 39):
            p.line([at(along, 1), at(along, 12)], WOOD, 1.2, 0)
        p.line([at(0, 0), at(48, 0)], WOOD, 3, 0.8)
    p.oval(50, 36, 4.6, 4.6, p.ink, edge=0)


@shape
def _teddy_bear(p: Pen) -> None:
    for s in (-1, 1):
        p.oval(50 + s * 24, 12, 11, 11, p.main)
        p.oval(50 + s * 24, 12, 5.5, 5.5, p.pale, edge=0)
        p.oval(50 + s * 30, 62, 9, 15, p.main, -s * 35)
        p.oval(50 + s * 22, 88, 13, 10, p.main)
        p.oval(50 + s * 24, 89, 6, 5, p.pale, edge=0)
    p.oval(50, 72, 25, 23, p.main)
    p.oval(50, 74, 14, 14, p.pale, edge=0)
    p.oval(50, 31, 30, 26, p.main)
    p.oval(50, 41, 13, 10, p.pale, edge=0.8)
    p.oval(38, 27, 3.8, 4.4, INK, edge=0.6)
    p.oval(62, 27, 3.8, 4.4, INK, edge=0.6)
    p.oval(50, 36.5, 5, 3.6, INK, edge=0)
    p.curve([(44, 44), (50, 47), (56, 44)], INK, 1.8)
    p.poly(
        [(50, 57), (36, 51), (36, 64)],
        (226, 56, 70) if p.main[1] > 80 or p.main[2] > 80 else (70, 150, 230),
        1.1,
    )
    p.poly(
        [(50, 57), (64, 51), (64, 64)],
        (226, 56, 70) if p.main[1] > 80 or p.main[2] > 80 else (70, 150, 230),
        1.1,
    )


@shape
def _ball(p: Pen) -> None:
    other = WHITE if min(p.main) < 225 else (224, 230, 240)
    p.oval(50, 50, 46, 46, p.main)
    for start in (20, 140, 260):
        wedge: list[tuple[float, float]] = [(44, 40)]
        for step in range(9):
            angle = math.radians(start + step * 7.5)
            wedge.append((50 + 46 * math.cos(angle), 50 + 46 * math.sin(angle)))
        p.poly(wedge, other, 1.1)
    p.oval(44, 40, 8, 8, other, edge=1.1)
    p.oval(30, 24, 8, 5, WHITE, -40, edge=0)


@shape
def _kite(p: Pen) -> None:
    p.curve([(50, 64), (44, 74), (56, 84), (48, 92), (54, 99)], p.ink, 2.4)
    for x, y, fill in ((48, 74, GOLD), (53, 89, p.light)):
        p.poly([(x, y), (x - 11, y - 6), (x - 11, y + 6)], fill, 1.1)
        p.poly([(x, y), (x + 11, y - 6), (x + 11, y + 6)], fill, 1.1)
    p.poly([(50, 2), (84, 30), (50, 66), (16, 30)], p.main)
    p.poly([(50, 2), (84, 30), (50, 30)], p.light, 0)
    p.poly([(50, 66), (16, 30), (50, 30)], p.dark, 0)
    p.line([(50, 2), (50, 66)], p.ink, 1.8, 0)
    p.line([(16, 30), (84, 30)], p.ink, 1.8, 0)


@shape
def _robot(p: Pen) -> None:
    p.line([(50, 14), (50, 6)], STEEL, 3, 1)
    p.oval(50, 5, 4.6, 4.6, (240, 70, 70), edge=1.2)
    for s in (-1, 1):
        p.line([(50 + s * 28, 58), (50 + s * 40, 66), (50 + s * 40, 76)], STEEL, 6, 1.5)
        p.oval(50 + s * 40, 79, 6.4, 6.4, p.dark)
        p.box(50 + s * 14 - 7, 82, 50 + s * 14 + 7, 94, STEEL, 1)
        p.box(50 + s * 16 - 11, 89, 50 + s * 16 + 11, 97, p.dark, 3)
        p.box(50 + s * 31 - 4, 22, 50 + s * 31 + 4, 36, STEEL, 2)
    p.box(26, 52, 74, 85, p.main, 4)
    p.box(22, 13, 78, 48, p.main, 7)
    p.box(29, 20, 71, 42, (36, 44, 60), 5, edge=1)
    for x in (40, 60):
        p.oval(x, 29, 5.4, 5.4, (120, 240, 250), edge=0)
    p.line([(42, 38), (58, 38)], (120, 240, 250), 2.2, 0)
    p.box(36, 59, 64, 77, p.light, 2, edge=1.2)
    for x, fill in ((43, (230, 60, 60)), (50, GOLD), (57, (60, 180, 90))):
        p.oval(x, 68, 2.8, 2.8, fill, edge=0.6)


@shape
def _chair(p: Pen) -> None:
    p.box(70, 58, 78, 90, p.dark, 1)
    p.box(32, 58, 40, 90, p.dark, 1)
    p.box(24, 4, 33, 66, p.main, 2)
    p.box(67, 4, 76, 66, p.main, 2)
    p.box(24, 10, 76, 22, p.main, 3)
    p.box(26, 30, 74, 40, p.main, 2)
    p.poly([(22, 54), (78, 54), (88, 68), (12, 68)], p.light)
    p.box(12, 67, 88, 75, p.main, 2)
    p.box(14, 74, 23, 97, p.main, 1)
    p.box(77, 74, 86, 97, p.main, 1)


@shape
def _sofa(p: Pen) -> None:
    for x in (14, 80):
        p.box(x, 80, x + 7, 92, WOOD, 1)
    p.box(12, 22, 88, 70, p.main, 11)
    p.line([(50, 28), (50, 54)], p.ink, 1.6, 0)
    p.box(16, 54, 50, 72, p.light, 5)
    p.box(50, 54, 84, 72, p.light, 5)
    p.box(10, 68, 90, 84, p.main, 4)
    p.box(1, 42, 19, 84, p.main, 8)
    p.box(81, 42, 99, 84, p.main, 8)


@shape
def _table(p: Pen) -> None:
    p.box(24, 46, 31, 76, p.dark, 1)
    p.box(69, 46, 76, 76, p.dark, 1)
    p.box(8, 44, 18, 90, p.main, 2)
    p.box(82, 44, 92, 90, p.main, 2)
    p.box(6, 40, 94, 54, p.main, 2)
    p.poly([(18, 26), (82, 26), (98, 42), (2, 42)], p.light)
    p.box(38, 47, 62, 53, p.dark, 1, edge=1)
    p.oval(50, 50, 1.6, 1.6, GOLD, edge=0)


@shape
def _bed(p: Pen) -> None:
    p.box(2, 22, 12, 90, WOOD, 3)
    p.box(88, 46, 98, 90, WOOD, 3)
    p.box(8, 66, 92, 82, mix(WOOD, WHITE, 0.2), 1)
    p.box(10, 52, 90, 70, WHITE, 5)
    p.blob([(12, 44), (20, 38), (34, 40), (36, 50), (28, 55), (14, 54)], WHITE)
    p.blob([(36, 54), (40, 46), (64, 43), (86, 46), (90, 54), (90, 74), (60, 76), (36, 74)], p.main)
    p.blob([(36, 54), (39, 47), (50, 45), (51, 60), (50, 75), (37, 74)], p.light, edge=1)


@shape
def _lamp(p: Pen) -> None:
    p.line([(50, 46), (50, 88)], STEEL, 5, 1.4)
    p.oval(50, 70, 6, 8, STEEL, edge=1.4)
    p.blob([(26, 96), (32, 88), (50, 85), (68, 88), (74, 96)], STEEL)
    p.oval(50, 51, 26, 6, (255, 246, 190), edge=1)
    p.poly([(34, 4), (66, 4), (88, 50), (12, 50)], p.main)
    p.poly([(34, 4), (45, 4), (34, 50), (12, 50)], p.light, 0)
    p.line([(68, 51), (68, 64)], GOLD, 1.8, 0.6)
    p.oval(68, 66, 2.6, 2.6, GOLD, edge=0.8)


@shape
def _shirt(p: Pen) -> None:
    p.poly(
        [
            (34, 8),
            (66, 8),
            (82, 14),
            (99, 42),
            (82, 52),
            (76, 44),
            (76, 95),
            (24, 95),
            (24, 44),
            (18, 52),
            (1, 42),
            (18, 14),
        ],
        p.main,
    )
    p.blob([(35, 8), (50, 22), (65, 8), (50, 9)], p.dark, edge=1.2)
    p.line([(24, 44), (25, 34)], p.ink, 1.6, 0)
    p.line([(76, 44), (75, 34)], p.ink, 1.6, 0)
    p.box(56, 36, 69, 50, p.light, 1, edge=1)
    p.box(24, 86, 76, 90, p.dark, 0, edge=0)


@shape
def _hat(p: Pen) -> None:
    p.oval(50, 76, 48, 15, p.main)
    p.oval(50, 73, 40, 9, p.dark, edge=0)
    p.blob([(22, 74), (24, 36), (34, 20), (50, 25), (66, 20), (76, 36), (78, 74), (50, 80)], p.main)
    band = (226, 60, 66) if min(p.main) > 200 or p.main[0] < 170 else CREAM
    p.blob([(22, 62), (50, 68), (78, 62), (79, 74), (50, 81), (21, 74)], band, edge=1.2)


@shape
def _boot(p: Pen) -> None:
    p.blob(
        [
            (26, 8),
            (62, 8),
            (62, 30),
            (62, 52),
            (80, 60),
            (96, 72),
            (97, 88),
            (60, 90),
            (22, 90),
            (24, 50),
        ],
        p.main,
    )
    p.box(20, 84, 98, 96, mix(p.dark, INK, 0.5), 3)
    p.box(22, 4, 66, 20, p.light, 4)
    p.curve([(26, 72), (44, 70), (50, 84)], p.dark, 2)
    for y in (32, 42, 52):
        p.line([(48, y), (62, y + 1)], CREAM, 3, 0.9)
