"""What a reader finds in a piece of HTML that the reports made."""

import base64

from bs4 import BeautifulSoup

from hierarcaps.report.markup import Html


def soup(html: Html) -> BeautifulSoup:
    return BeautifulSoup(html.text, "html.parser")


def drawings(html: Html) -> list[str]:
    """Return the SVG of each drawn panel."""
    sources = [image["src"].split(",", 1) for image in soup(html).find_all("img")]
    return [base64.b64decode(data).decode() for kind, data in sources if "svg" in kind]
