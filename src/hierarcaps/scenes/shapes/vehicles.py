"""Vehicles."""

from hierarcaps.scenes.shapes.pen import GLASS, GOLD, INK, STEEL, WHITE, WOOD, Pen, shape


@shape
def _car(p: Pen) -> None:
    with p.merged():
        p.blob([(20, 50), (30, 30), (44, 25), (62, 26), (74, 36), (82, 50)], p.main)
        p.box(3, 46, 97, 74, p.main, 10)
    p.poly([(28, 47), (35, 34), (48, 32), (48, 47)], GLASS, 1.2)
    p.poly([(54, 47), (54, 32), (64, 33), (74, 47)], GLASS, 1.2)
    p.box(3, 62, 97, 67, p.dark, 2, edge=0)
    p.line([(51, 49), (51, 70)], p.ink, 1.4, 0)
    p.line([(55, 54), (60, 54)], p.ink, 2, 0)
    p.oval(92, 55, 4, 4, GOLD, edge=1)
    p.wheel(25, 74, 13)
    p.wheel(75, 74, 13)


@shape
def _bus(p: Pen) -> None:
    p.box(3, 16, 97, 80, p.main, 9)
    for x in (10, 28, 46):
        p.box(x, 26, x + 14, 46, GLASS, 2, edge=1.2)
    p.box(64, 26, 77, 76, GLASS, 2, edge=1.2)
    p.line([(70.5, 28), (70.5, 74)], p.ink, 1.4, 0)
    p.box(83, 26, 97, 50, GLASS, 2, edge=1.2)
    p.box(3, 54, 62, 60, p.light, 0, edge=0)
    p.oval(93, 66, 3.4, 4, GOLD, edge=1)
    p.wheel(24, 80, 12)
    p.wheel(77, 80, 12)


@shape
def _truck(p: Pen) -> None:
    p.box(40, 72, 96, 80, STEEL, 2)
    p.box(2, 20, 62, 76, p.main, 3)
    for x in (17, 32, 47):
        p.line([(x, 26), (x, 70)], p.dark, 2.4, 0)
    p.poly([(66, 36), (84, 36), (96, 56), (97, 78), (66, 78)], p.light)
    p.poly([(72, 41), (82, 41), (90, 56), (72, 56)], GLASS, 1.2)
    p.oval(94, 68, 3, 4, GOLD, edge=1)
    p.wheel(18, 80, 12)
    p.wheel(43, 80, 12)
    p.wheel(81, 80, 12)


@shape
def _train(p: Pen) -> None:
    for x, y, r in ((66, 9, 7), (54, 6, 5)):
        p.oval(x, y, r, r * 0.8, (236, 238, 244), edge=1)
    p.poly([(68, 38), (70, 24), (66, 18), (86, 18), (82, 24), (84, 38)], p.dark)
    p.box(30, 36, 92, 68, p.main, 12)
    for x in (56, 70):
        p.line([(x, 38), (x, 66)], GOLD, 3, 0.8)
    p.box(6, 20, 40, 72, p.main, 2)
    p.box(2, 14, 44, 23, p.dark, 4)
    p.box(13, 30, 33, 48, GLASS, 2, edge=1.2)
    p.oval(92, 48, 5, 6, GOLD, edge=1.4)
    p.poly([(86, 70), (99, 86), (80, 86)], STEEL)
    p.box(6, 66, 90, 76, p.dark, 2)
    p.wheel(22, 80, 14)
    for x in (50, 72):
        p.wheel(x, 84, 10)
    p.line([(22, 80), (72, 84)], STEEL, 3.4, 0.8)


@shape
def _boat(p: Pen) -> None:
    p.line([(50, 8), (50, 74)], WOOD, 4, 1.4)
    p.poly([(56, 8), (56, 64), (92, 64)], p.light)
    p.poly([(45, 16), (45, 64), (14, 64)], WHITE if p.main[2] < 240 else (222, 230, 240))
    p.blob([(4, 70), (50, 73), (97, 70), (88, 84), (78, 93), (22, 93), (12, 84)], p.main)
    p.curve([(9, 79), (50, 82), (92, 79)], p.dark, 4)


@shape
def _rocket(p: Pen) -> None:
    p.blob(
        [(40, 80), (34, 90), (44, 90), (50, 99), (56, 90), (66, 90), (60, 80)],
        (255, 150, 40),
        edge=1.2,
    )
    p.blob([(44, 80), (43, 87), (50, 93), (57, 87), (56, 80)], (255, 226, 90), edge=0)
    p.poly([(36, 54), (16, 74), (18, 88), (38, 78)], p.dark)
    p.poly([(64, 54), (84, 74), (82, 88), (62, 78)], p.dark)
    p.blob(
        [(50, 1), (64, 18), (70, 44), (66, 70), (60, 82), (40, 82), (34, 70), (30, 44), (36, 18)],
        p.main,
    )
    p.blob([(50, 1), (60, 12), (63.5, 22), (50, 25), (36.5, 22), (40, 12)], p.dark, edge=0.8)
    p.oval(50, 42, 10, 10, GLASS)
    p.oval(47, 39, 3, 3, WHITE, edge=0)
    p.box(46.5, 62, 53.5, 86, p.dark, 3, edge=1.2)


@shape
def _plane(p: Pen) -> None:
    p.poly([(56, 44), (32, 14), (44, 14), (76, 44)], p.dark)
    p.poly([(14, 46), (2, 18), (16, 18), (30, 44)], p.dark)
    p.blob(
        [(8, 42), (40, 38), (76, 38), (94, 46), (98, 54), (90, 61), (60, 64), (28, 60), (10, 52)],
        p.main,
    )
    p.poly([(50, 52), (20, 86), (34, 86), (74, 54)], p.dark)
    p.blob([(84, 42), (93, 45), (96, 50), (84, 50)], GLASS, edge=1)
    for x in (36, 46, 56, 66, 76):
        p.oval(x, 46, 2.6, 2.8, GLASS, edge=0.9)
    p.poly([(8, 50), (1, 62), (10, 62), (24, 54)], p.dark)


@shape
def _helicopter(p: Pen) -> None:
    p.line([(58, 18), (58, 30)], STEEL, 4, 1.2)
    p.line([(18, 15), (98, 15)], (84, 88, 98), 4.6, 1)
    p.poly([(40, 42), (4, 36), (4, 44), (40, 60)], p.main)
    p.poly([(2, 22), (12, 24), (14, 44), (4, 46)], p.dark)
    p.line([(36, 86), (90, 86), (96, 82)], (84, 88, 98), 4, 1)
    p.line([(48, 72), (46, 84)], (84, 88, 98), 3.4, 0.8)
    p.line([(74, 72), (77, 84)], (84, 88, 98), 3.4, 0.8)
    p.blob([(34, 44), (48, 30), (68, 28), (86, 40), (94, 58), (86, 72), (60, 77), (40, 70)], p.main)
    p.blob([(68, 33), (82, 40), (90, 56), (80, 59), (68, 57)], GLASS, edge=1.2)
    p.box(46, 40, 60, 56, GLASS, 3, edge=1.2)
    p.curve([(40, 66), (60, 70), (90, 64)], p.dark, 4)
    p.oval(8, 32, 3, 3, INK, edge=0)
