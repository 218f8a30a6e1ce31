from __future__ import annotations

import pytest

from device.credentials.links import Link, parse

LINKS: dict[str, tuple[str, Link]] = {
    "all its parts": ("https://a.example/b/c?d=e&f#g?h#i", Link("a.example", "https://a.example", "/b/c", "d=e&f", "g?h#i")),
    "only a host": ("https://a.example", Link("a.example", "https://a.example", "", "", "")),
    "a question in the fragment": ("https://a.example/#b?id=c", Link("a.example", "https://a.example", "/", "", "b?id=c")),
    "a query without a path": ("http://a.example?b", Link("a.example", "http://a.example", "", "b", "")),
    "capitals": ("HTTPS://A.EXAMPLE/B", Link("a.example", "https://a.example", "/B", "", "")),
    "a dot behind the host": ("https://a.example./b", Link("a.example", "https://a.example", "/b", "", "")),
    "a port": ("https://a.example:8081/b", Link("a.example", "https://a.example:8081", "/b", "", "")),
    "the scheme's own port": ("https://a.example:443/b", Link("a.example", "https://a.example", "/b", "", "")),
    "the other scheme's port": ("http://a.example:443/b", Link("a.example", "http://a.example:443", "/b", "", "")),
    "a colon without a port": ("https://a.example:/b", Link("a.example", "https://a.example", "/b", "", "")),
    "what a wedge scanner adds": ("\ufeffhttps://a.example/b\r\n", Link("a.example", "https://a.example", "/b", "", "")),
    "another host in the query": ("https://a.example/?x=b.example", Link("a.example", "https://a.example", "/", "x=b.example", "")),
    "other letters behind the host": ("https://a.example/ễ", Link("a.example", "https://a.example", "/ễ", "", "")),
    "a backslash behind the host": ("https://a.example/\\b", Link("a.example", "https://a.example", "/\\b", "", "")),
}

# They are links, and no host can be told: browsers and parsers differ, or there is none.
DOUBTFUL = {
    "a name before an at sign": "https://b.example@a.example/",
    "a password before an at sign": "https://b.example:443@a.example/",
    "a backslash": "https://a.example\\@b.example/",
    "a backslash before the path": "https://a.example\\b",
    "an escaped letter": "https://%61.example/",
    "letters of another script": "https://а.example/",  # noqa: RUF001 - a Cyrillic a
    "wide letters": "https://a.ｅxample/",  # noqa: RUF001
    "a letter that is a K in lower case": "https://\u212aa.example/",
    "a long s": "https://a.example\u017f/",
    "an ideographic dot": "https://a。example/",
    "a blank": "https://a.example /",
    "two dots behind": "https://a.example../",
    "an empty label": "https://a..example/",
    "a number of version 6": "https://[2001:db8::1]/",
    "one label": "https://localhost/",
    "a port of letters": "https://a.example:80a/",
    "a port of six digits": "https://a.example:000443/",
    "no host": "https://",
    "no host before a path": "https:///a.example/",
}

NO_LINKS = {
    "no slashes": "https:a.example",
    "one slash": "https:/a.example",
    "backslashes": "https:\\\\a.example",
    "another scheme": "ftp://a.example/",
    "a scheme that begins alike": "httpsx://a.example/",
    "a long s in the scheme": "http\u017f://a.example/",
    "text before it": "see https://a.example/",
    "a blank before it": " https://a.example/",
    "a line end inside": "https://a.exa\nmple/",
    "a tab inside": "https://a.exa\tmple/",
    "nothing": "",
}


@pytest.mark.parametrize(("text", "expected"), LINKS.values(), ids=LINKS.keys())
def test_a_link_is_taken_apart_exactly(text: str, expected: Link) -> None:
    assert parse(text.encode()) == expected


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_doubtful_host_is_no_host(text: str) -> None:
    link = parse(text.encode())
    assert link is not None
    assert link.host == ""


@pytest.mark.parametrize("text", NO_LINKS.values(), ids=NO_LINKS.keys())
def test_another_text_is_no_link(text: str) -> None:
    assert parse(text.encode()) is None


def test_bytes_that_are_no_text_are_no_link() -> None:
    assert parse(b"https://a.example/\xff") is None


def test_what_a_link_opens_is_not_shown() -> None:
    assert "secret" not in repr(parse(b"https://a.example/secret1?token=secret2#secret3"))
