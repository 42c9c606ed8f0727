"""Plants and food."""

import math

from hierarcaps.scenes.shapes.pen import CREAM, GOLD, INK, LEAF, WHITE, WOOD, Pen, mix, shape


@shape
def _palm_tree(p: Pen) -> None:
    trunk = (176, 124, 74)
    p.blob([(45, 96), (46, 70), (52, 40), (58, 36), (58, 60), (58, 96)], trunk)
    for y, x in ((52, 53), (64, 51), (76, 51), (87, 51)):
        p.curve([(x - 4, y), (x, y + 2), (x + 5, y)], mix(trunk, INK, 0.4), 1.8)
    for points in (
        [(54, 32), (40, 16), (18, 16), (5, 36), (22, 30), (40, 34)],
        [(54, 32), (68, 14), (88, 18), (96, 38), (80, 30), (66, 34)],
        [(54, 34), (36, 30), (20, 42), (18, 64), (30, 50), (44, 42)],
        [(54, 34), (72, 30), (86, 44), (86, 66), (74, 50), (62, 42)],
        [(54, 34), (44, 18), (50, 3), (66, 4), (60, 14), (60, 26)],
    ):
        p.blob(points, p.main)
    p.curve([(50, 30), (34, 22), (16, 26)], p.dark, 2)
    p.curve([(58, 30), (74, 22), (88, 28)], p.dark, 2)
    p.oval(50, 39, 4.6, 4.6, WOOD, edge=1.2)
    p.oval(59, 40, 4.6, 4.6, WOOD, edge=1.2)


@shape
def _pine_tree(p: Pen) -> None:
    p.box(43, 80, 57, 97, WOOD, 1)
    for top, bottom, half in ((42, 84, 38), (22, 62, 31), (3, 40, 23)):
        p.poly(
            [
                (50, top),
                (50 + half, bottom),
                (50 + half * 0.4, bottom - 4),
                (50, bottom + 3),
                (50 - half * 0.4, bottom - 4),
                (50 - half, bottom),
            ],
            p.main,
        )
        p.poly(
            [
                (50, top + 5),
                (50 + half * 0.82, bottom - 3),
                (50 + half * 0.4, bottom - 5),
                (53, bottom),
            ],
            p.dark,
            0,
        )


def _stem(p: Pen, top: float) -> None:
    p.line([(50, top), (50, 94)], LEAF, 5, 1.4)


@shape
def _sunflower(p: Pen) -> None:
    _stem(p, 60)
    p.blob([(50, 88), (60, 74), (80, 70), (74, 86)], LEAF, edge=1.4)
    p.blob([(50, 94), (40, 82), (22, 78), (28, 92)], LEAF, edge=1.4)
    for ring, start, fill in ((28.0, 0.0, p.dark), (25.0, 0.5, p.main)):
        for step in range(12):
            angle = (step + start) * math.pi / 6
            x, y = 50 + ring * math.cos(angle), 36 + ring * math.sin(angle)
            p.oval(x, y, 11, 5.6, fill, math.degrees(angle), edge=1.1)
    p.oval(50, 36, 17, 17, (112, 66, 34))
    for x, y in ((44, 31), (52, 28), (58, 35), (49, 37), (42, 40), (55, 43), (48, 45)):
        p.oval(x, y, 1.8, 1.8, (190, 130, 70), edge=0)


@shape
def _tulip(p: Pen) -> None:
    _stem(p, 46)
    p.blob([(49, 95), (44, 72), (28, 54), (22, 50), (26, 76), (38, 92)], LEAF, edge=1.4)
    p.blob([(51, 95), (56, 76), (72, 58), (78, 54), (74, 80), (62, 92)], LEAF, edge=1.4)
    p.blob([(50, 56), (36, 40), (42, 16), (50, 4), (58, 16), (64, 40)], p.dark)
    p.blob([(50, 58), (30, 54), (22, 34), (27, 8), (42, 22), (51, 42)], p.main)
    p.blob([(50, 58), (70, 54), (78, 34), (73, 8), (58, 22), (49, 42)], p.main)
    p.curve([(32, 24), (32, 38), (38, 48)], p.light, 3)


@shape
def _cactus(p: Pen) -> None:
    with p.merged():
        p.box(37, 8, 63, 80, p.main, 12.9)
        p.box(10, 30, 26, 60, p.main, 7.9)
        p.box(10, 48, 46, 63, p.main, 7.4)
        p.box(74, 20, 90, 52, p.main, 7.9)
        p.box(56, 40, 90, 55, p.main, 7.4)
    for x, y0, y1 in ((45, 17, 74), (55, 17, 74), (18, 37, 54), (82, 27, 46)):
        p.line([(x, y0), (x, y1)], p.dark, 2.2, 0)
    p.poly([(28, 74), (72, 74), (66, 96), (34, 96)], (214, 120, 72))
    p.box(24, 70, 76, 79, (230, 140, 90), 2)
    for petal in range(5):
        turn = math.radians(72 * petal)
        p.oval(50 + 5 * math.cos(turn), 8 + 5 * math.sin(turn), 4, 4, (255, 130, 170), edge=0.9)
    p.oval(50, 8, 3, 3, GOLD, edge=0)


@shape
def _apple(p: Pen) -> None:
    p.blob(
        [
            (50, 32),
            (66, 22),
            (88, 30),
            (93, 54),
            (82, 82),
            (64, 95),
            (50, 91),
            (36, 95),
            (18, 82),
            (7, 54),
            (12, 30),
            (34, 22),
        ],
        p.main,
    )
    p.curve([(50, 34), (50, 20), (56, 8)], WOOD, 5, 1.4)
    p.blob([(55, 20), (66, 6), (86, 6), (76, 20), (64, 24)], LEAF, edge=1.4)
    p.curve([(38, 30), (50, 36), (62, 30)], p.ink, 1.8)
    p.oval(26, 46, 6, 12, p.light, 20, edge=0)


@shape
def _banana(p: Pen) -> None:
    p.blob(
        [
            (84, 8),
            (92, 14),
            (92, 40),
            (78, 68),
            (50, 86),
            (20, 88),
            (6, 80),
            (10, 73),
            (34, 70),
            (58, 54),
            (72, 30),
            (78, 14),
        ],
        p.main,
    )
    p.curve([(88, 22), (82, 46), (62, 68), (34, 79), (12, 80)], p.dark, 2.6)
    p.poly([(80, 14), (80, 2), (90, 2), (92, 14)], (120, 84, 40), 1.2)
    p.blob([(5, 76), (11, 74), (12, 83), (6, 84)], (90, 62, 36), edge=1)


@shape
def _strawberry(p: Pen) -> None:
    p.blob(
        [
            (50, 22),
            (74, 20),
            (90, 36),
            (84, 62),
            (66, 86),
            (50, 97),
            (34, 86),
            (16, 62),
            (10, 36),
            (26, 20),
        ],
        p.main,
    )
    seed = (255, 232, 150) if sum(p.main) < 620 else (190, 120, 40)
    for x, y in (
        (30, 46),
        (50, 42),
        (70, 46),
        (22, 58),
        (40, 60),
        (60, 60),
        (78, 58),
        (32, 73),
        (50, 76),
        (68, 73),
        (50, 89),
    ):
        p.oval(x, y, 2.3, 3.3, seed, edge=0)
    p.blob(
        [
            (50, 32),
            (42, 22),
            (32, 36),
            (30, 22),
            (14, 26),
            (28, 12),
            (50, 14),
            (72, 12),
            (86, 26),
            (70, 22),
            (68, 36),
            (58, 22),
        ],
        LEAF,
    )
    p.line([(50, 14), (52, 4)], LEAF, 4.4, 1.4)


@shape
def _cake(p: Pen) -> None:
    for x in (34, 50, 66):
        p.line([(x, 24), (x, 36)], (120, 190, 250), 4.4, 1)
        p.blob([(x, 6), (x + 4, 16), (x, 21), (x - 4, 16)], (255, 170, 40), edge=1)
    p.oval(50, 90, 47, 7, (226, 230, 238))
    p.box(12, 58, 88, 90, p.main, 4)
    p.blob(
        [
            (12, 56),
            (50, 53),
            (88, 56),
            (88, 64),
            (80, 71),
            (72, 64),
            (62, 72),
            (50, 64),
            (38, 72),
            (28, 64),
            (20, 71),
            (12, 64),
        ],
        CREAM,
        edge=1.2,
    )
    p.box(24, 36, 76, 58, p.main, 4)
    p.blob(
        [
            (24, 35),
            (50, 33),
            (76, 35),
            (76, 42),
            (68, 49),
            (59, 42),
            (50, 49),
            (41, 42),
            (32, 49),
            (24, 42),
        ],
        CREAM,
        edge=1.2,
    )


@shape
def _ice_cream(p: Pen) -> None:
    cone = (232, 174, 100)
    p.poly([(27, 52), (73, 52), (50, 99)], cone)
    for line in (
        [(38, 54), (58, 82)],
        [(52, 54), (63, 70)],
        [(62, 54), (42, 82)],
        [(48, 54), (37, 70)],
    ):
        p.line(line, (176, 116, 56), 1.8, 0)
    with p.merged():
        p.oval(50, 32, 27, 25, p.main)
        for x in (29, 43, 57, 71):
            p.oval(x, 50, 8.4, 7.6, p.main)
    p.oval(38, 22, 6, 8, p.light, 30, edge=0)
    p.curve([(53, 2), (60, -2), (66, 0)], (110, 60, 50), 2)
    p.oval(
        51,
        8,
        7.6,
        7.6,
        (216, 40, 60) if p.main[1] > 90 or p.main[2] > 90 else (255, 120, 160),
        edge=1.4,
    )
    p.oval(48.6, 5.6, 2, 2, WHITE, edge=0)


@shape
def _pizza(p: Pen) -> None:
    p.poly([(10, 26), (90, 26), (50, 98)], p.main)
    p.blob(
        [
            (4, 20),
            (20, 8),
            (50, 4),
            (80, 8),
            (96, 20),
            (92, 31),
            (70, 24),
            (50, 22),
            (30, 24),
            (8, 31),
        ],
        (206, 140, 76),
    )
    topping = (204, 48, 44) if p.main[1] > 100 or p.main[2] > 90 else (255, 214, 90)
    for x, y, r in ((36, 40, 8.6), (63, 42, 8.6), (50, 66, 8)):
        p.oval(x, y, r, r, topping, edge=1.3)
        p.oval(x - 2, y - 2.5, 2.4, 2, mix(topping, WHITE, 0.5), edge=0)
    for x, y in ((50, 33), (48, 51), (76, 33), (23, 33), (57, 56)):
        p.oval(x, y, 3, 1.8, LEAF, 30, edge=0.5)
