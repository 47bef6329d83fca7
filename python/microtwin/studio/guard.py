"""Who may talk to the studio: checked before any page or route sees a request.

A page of another site must not steer a studio that runs on the reader's own machine. It could send
requests there (cross-origin), or have its own name point there (DNS rebinding). So the names that
requests are addressed to are checked, and where they come from, websockets included. On any but
this machine's own address a token is asked for.
"""

import hmac
import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "microtwin_token"
SMALL = 65_536  # bytes that any request but an upload may bring
UPLOADS = re.compile(r"^/_nicegui/client/[^/]+/upload/[^/]+$")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Whatever a page holds, nothing is fetched from elsewhere. Vue compiles templates in the browser.
POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    b"connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'none'; "
    b"base-uri 'self'; form-action 'self'; object-src 'none'"
)


class TooLarge(Exception):
    """A request brought more bytes than it may."""


class Guard:
    """Lets through what may come in, and adds the headers that keep browsers careful.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    names : collection of str
        Host names, beside ``localhost`` and addresses in numbers, by which it may be called.
    token : str or None
        What a browser must know; None where it is not needed.
    cookie : str
        Under which name it keeps that. Cookies know no ports, so studios beside each other need
        names of their own.
    max_upload : int
        Largest upload in bytes.
    """

    def __init__(
        self,
        app: App,
        *,
        names: tuple[str, ...] = (),
        token: str | None = None,
        cookie: str = COOKIE,
        max_upload: int = 1024 * 2**20,
    ) -> None:
        self.app = app
        self._names = {"localhost", *(name.lower() for name in names)}
        self._token = token
        self._cookie = cookie
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): v for name, v in scope["headers"]}
        texts = {name: value.decode("latin-1") for name, value in headers.items()}
        refusal = self._refusal(scope, texts)
        if refusal is not None:
            await self._refuse(scope, send, *refusal)
            return
        if self._token is not None and not self._knows(texts.get("cookie", "")):
            await self._ask_token(scope, send)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        await self._pass(scope, receive, send, texts)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return a status and a reason, or None for what may pass."""
        host = headers.get("host", "")
        if not self._is_mine(host):
            return 421, f"the host {host!r} is none of this studio's names"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return 403, f"called from another origin, {origin!r}"
        # Browsers say where a request comes from; following a link is all that others may do.
        site = headers.get("sec-fetch-site", "none")
        followed = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"
        if site in ("cross-site", "same-site") and not followed:
            return 403, f"called from another site ({site})"
        if scope["type"] == "websocket" and origin is None and "sec-fetch-site" in headers:
            return 403, "a websocket without an origin"
        path = scope["path"]
        if "\0" in path or "\\" in path or ".." in path.split("/"):
            return 400, f"the path {path!r} leads elsewhere"
        return None

    def _is_mine(self, host: str) -> bool:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:\d{1,5})?", host)
        if match is None:
            return False
        name = match[1].lower()
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name in self._names
        return True  # a number is nobody's name: nothing can be made to point there

    def _knows(self, cookie: str) -> bool:
        try:
            morsel = SimpleCookie(cookie).get(self._cookie)
        except CookieError:
            return False
        return morsel is not None and self._is_token(morsel.value)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), str(self._token).encode())

    async def _ask_token(self, scope: Scope, send: Send) -> None:
        """Take a token from the address, keep it as a cookie, and take it out of the address."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token", "")
        if scope["type"] == "http" and scope["method"] == "GET" and self._is_token(given):
            cookie = f"{self._cookie}={given}; Path=/; HttpOnly; SameSite=Strict"
            # A redirect would still count as coming from elsewhere, without the strict cookie.
            page = (
                '<!doctype html><meta charset="utf-8"><title>microtwin</title>'
                "<script>location.replace(location.pathname + location.search.replace("
                '/([?&])token=[^&]*&?/, "$1").replace(/[?&]$/, ""))</script>'
                "<noscript>Open this address again without the token.</noscript>"
            )
            await _answer(send, 200, page.encode(), [(b"set-cookie", cookie.encode("latin-1"))])
            log.info("a browser was let in to %a", scope["path"][:200])
            return
        await self._refuse(
            scope, send, 401, "a token is needed: open the address that microtwin serve told"
        )

    async def _refuse(self, scope: Scope, send: Send, status: int, reason: str) -> None:
        client = (scope.get("client") or ("?",))[0]
        log.warning("refused %s %s: %s", client, scope["path"][:200].encode(), reason)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
            return
        await _answer(send, status, f"microtwin: {reason}\n".encode(), plain=True)

    async def _pass(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        """Hand a request on, and count what it brings."""
        upload = scope["method"] == "POST" and UPLOADS.match(scope["path"]) is not None
        most = self._max_upload if upload else SMALL
        if scope["path"].startswith("/_nicegui_ws/"):
            most = 2**22  # events, where there is no websocket
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            await self._refuse(scope, send, 413, f"{length} bytes, more than {most}")
            return
        seen = 0
        answered = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLarge
            return message

        async def careful(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                known = {name.lower() for name, _ in message.get("headers", ())}
                extra = [(n, v) for n, v in HEADERS if n not in known]
                if b"content-security-policy" not in known:
                    extra.append((b"content-security-policy", POLICY))
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            await self.app(scope, counted, careful)
        except TooLarge:
            if answered:
                raise
            await self._refuse(scope, send, 413, f"more than {most} bytes")


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]] | None = None,
    *,
    plain: bool = False,
) -> None:
    kind = b"text/plain; charset=utf-8" if plain else b"text/html; charset=utf-8"
    start = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
        *HEADERS,
        *(headers or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
