"""Templates of pages."""

import pytest

from hierarcaps.publishing.markdown import filled


def test_a_template_is_filled():
    text = "# [[title]]\n\n[[body]], [a link](x), [[title]]\n"
    parts = {"title": "A \\1 title", "body": "[[title]]", "more": ""}
    assert filled(text, parts) == "# A \\1 title\n\n[[title]], [a link](x), A \\1 title\n"


def test_a_part_that_is_lacking_is_an_error():
    with pytest.raises(KeyError, match="body"):
        filled("[[body]]", {"title": ""})
