"""Who is let in: own names, own origin, the token, and no more bytes than allowed."""

import asyncio
import logging

import pytest

from microtwin.studio.guard import COOKIE, Guard

UPLOAD = "/_nicegui/client/abc/upload/5"


class Inner:
    """An application that reads all it is sent, and remembers that it was asked."""

    def __init__(self):
        self.calls, self.read = [], 0

    async def __call__(self, scope, receive, send):
        self.calls.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        more = True
        while more:
            message = await receive()
            self.read += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})


def ask(guard, path="/", *, method="GET", kind="http", query="", chunks=(b"",), **headers):
    """Send one request; return (status, headers, body), or the code of a closed websocket."""
    named = {"host": "127.0.0.1:8765", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": kind, "method": method, "path": path, "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in named.items() if v is not None],
        "client": ("127.0.0.1", 5),
    }  # fmt: skip
    sent, parts = [], list(chunks)

    async def receive():
        body = parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    first = sent[0]
    if kind == "websocket":
        return first["type"], first.get("code")
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return first["status"], dict(first["headers"]), body


@pytest.fixture
def inner():
    return Inner()


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST", "[::1]:8765"])
def test_its_own_names_are_answered(inner, host):
    assert ask(Guard(inner), host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example:8765", "127.0.0.1.evil.example", "localhost.evil", "", "a b", "[::1", None],
)
def test_other_names_are_refused_so_that_none_can_be_made_to_point_here(inner, host, caplog):
    assert ask(Guard(inner), host=host)[0] == 421
    assert inner.calls == []
    assert "refused" in caplog.text


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8765", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_is_refused_and_logged(inner, origin, method, caplog):
    with caplog.at_level(logging.WARNING):
        assert ask(Guard(inner), method=method, origin=origin)[0] == 403
    assert inner.calls == []
    assert "another origin" in caplog.text


def test_a_websocket_of_another_origin_is_closed(inner):
    guard = Guard(inner)
    closed = ("websocket.close", 1008)
    assert ask(guard, kind="websocket", origin="http://evil.example") == closed
    assert ask(guard, kind="websocket", host="evil.example") == closed
    assert ask(guard, kind="websocket", origin="http://127.0.0.1:8765")[0] == "websocket.accept"


def test_what_another_site_embeds_is_refused_but_its_links_may_be_followed(inner):
    guard = Guard(inner)
    assert ask(guard, sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403
    assert ask(guard, sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 200
    assert (
        ask(guard, method="POST", sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 403
    )
    assert ask(guard, sec_fetch_site="same-origin", sec_fetch_mode="cors")[0] == 200


@pytest.mark.parametrize("path", ["/studio/../../etc/passwd", "/..", "/a\\..\\b", "/a\0b"])
def test_paths_that_lead_elsewhere_are_refused(inner, path):
    assert ask(Guard(inner), path)[0] == 400


def test_answers_forbid_what_browsers_would_fetch_elsewhere_and_frames(inner):
    headers = ask(Guard(inner))[1]
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_an_upload_is_refused_by_the_length_that_it_declares(inner):
    guard = Guard(inner, max_upload=1000)
    ten_gigabytes = str(10 * 2**30)
    assert ask(guard, UPLOAD, method="POST", content_length=ten_gigabytes)[0] == 413
    assert ask(guard, UPLOAD, method="POST", content_length="many")[0] == 413
    assert inner.calls == []


def test_an_upload_that_declares_no_length_is_counted_as_it_comes(inner):
    guard = Guard(inner, max_upload=1000)
    chunks = [b"x" * 400] * 5 + [b""]
    assert ask(guard, UPLOAD, method="POST", chunks=chunks)[0] == 413
    assert inner.read <= 1000
    assert ask(guard, UPLOAD, method="POST", chunks=[*chunks[:2], b""])[0] == 200


def test_other_requests_bring_hardly_anything(inner):
    guard = Guard(inner, max_upload=10**9)
    assert ask(guard, "/thumb", method="POST", content_length=str(10**6))[0] == 413


class TestToken:
    def guard(self, inner):
        return Guard(inner, token="secret-token", names=("microscope.lab",))

    def test_without_it_nothing_is_answered(self, inner):
        status, _, body = ask(self.guard(inner))
        assert status == 401
        assert b"token is needed" in body
        assert ask(self.guard(inner), query="token=guess")[0] == 401
        assert ask(self.guard(inner), cookie=f"{COOKIE}=guess")[0] == 401
        assert ask(self.guard(inner), cookie="\x7f;=;;", host="microscope.lab")[0] == 401
        assert ask(self.guard(inner), kind="websocket") == ("websocket.close", 1008)
        assert inner.calls == []

    def test_it_is_taken_from_the_address_once_and_then_from_the_cookie(self, inner):
        status, headers, _ = ask(self.guard(inner), query="token=secret-token")
        assert status == 200
        cookie = headers[b"set-cookie"].decode()
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert inner.calls == []
        kept = cookie.partition(";")[0]
        assert ask(self.guard(inner), cookie=f"other=1; {kept}")[2] == b"inside"

    def test_it_does_not_open_to_other_origins(self, inner):
        guard = self.guard(inner)
        cookie = f"{COOKIE}=secret-token"
        assert ask(guard, cookie=cookie, origin="http://evil.example")[0] == 403
        assert ask(guard, cookie=cookie, host="evil.example")[0] == 421
        assert ask(guard, cookie=cookie, host="microscope.lab")[0] == 200

    def test_studios_beside_each_other_do_not_share_a_cookie(self, inner):
        one = Guard(inner, token="secret-token", cookie="microtwin_token_1")
        other = Guard(inner, token="other-token", cookie="microtwin_token_2")
        cookies = "microtwin_token_1=secret-token; microtwin_token_2=other-token"
        assert ask(one, cookie=cookies)[0] == ask(other, cookie=cookies)[0] == 200
        assert ask(one, cookie="microtwin_token_2=secret-token")[0] == 401
