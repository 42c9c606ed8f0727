"""Captions that nobody wrote in good faith."""

HOSTILE = {
    "control": "a red\x00 car\x07\x1b[31m",
    "separator": "a red car => a car => vehicle",
    "long": "very " * 2500 + "long",
    "right_to_left": "סירה אדומה על הים",
    "override": "a red \u202ecar\u202c",
    "emoji": "a family 👨‍👩‍👧 on a beach",
    "html": "<script>alert('x')</script> a dog & a cat",
    "surrogate": "a broken \ud800 character",
    "blank": " \t\u2003\u3000 ",
    "symbols": "!!! ... ???",
    "lines": "a red car\non the street\u2028at night",
}
