"""HTML pages, read for what they hold."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "image", "rect", "line", "input", "hr"}


class Page(HTMLParser):
    """Collects tags with their attributes, text, and whether tags are closed as opened."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def assert_stands_alone(text):
    """Check that a page loads nothing, runs nothing, and is well formed."""
    page = Page(text)
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:"), (tag, name, value[:80])
    assert not page.all("script")
    assert not page.all("iframe")
    for remote in ("http://", "https://", "url(", "@import"):
        assert remote not in text
    assert page.open == []
    return page
