"""HTML as a test looks at it."""

import re
from html.parser import HTMLParser

VOID = ("meta", "br", "circle", "line", "polyline", "input")


class Page(HTMLParser):
    """A page: its tags, which must close in order, its attributes, its text without styles and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        """In one line."""
        return re.sub(r"\s+", " ", "".join(self.texts))

    @property
    def loads(self) -> list[str]:
        """What a browser would fetch."""
        return [value for _, name, value in self.attributes if name in ("src", "href", "data")]

    def values(self, tag: str, name: str) -> set[str]:
        """The values that an attribute has on tags of this name."""
        return {value for at, key, value in self.attributes if (at, key) == (tag, name)}
