"""A studio that runs, and those who mean it ill: refused, logged, and it lives on."""

import http.client
import io
import os
import re
import socket
import zipfile

import pytest

from microtwin.cli import app
from microtwin.images import sample_labels, save_image
from microtwin.studio.jobs import Queue, last_step
from studio import live


@pytest.fixture(scope="module")
def served(running):
    save_image(running.project / "phases" / "a.tif", sample_labels(1, shape=(64, 64))[0])
    (running.project / "reports" / "r.html").write_text("<script>alert(1)</script>")
    (running.project.parent / "secret.txt").write_text("secret")
    return running


def ask(served, path, method="GET", body=None, **headers):
    """Send a request as it is written, without a client that would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.putrequest(method, path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


TRICKS = [
    "/etc/passwd", "../secret.txt", "../../etc/passwd", "..%2Fsecret.txt", "%2Fetc%2Fpasswd",
    "images%2F..%2F..%2Fsecret.txt", "%252e%252e%252fsecret.txt", "..%5Csecret.txt", "%00", "",
    "file%3A%2F%2F%2Fetc%2Fpasswd", ".studio%2Fthumbs", "....%2F%2Fetc%2Fpasswd",
]  # fmt: skip


@pytest.mark.parametrize("route", ["file", "thumb", "slice", "mesh", "zip"])
@pytest.mark.parametrize("path", TRICKS)
def test_no_file_outside_the_project_is_read(served, route, path):
    status, _, body = ask(served, f"/{route}?path={path}")
    assert status in (400, 404)
    assert b"root:" not in body
    assert b"secret\n" not in body


@pytest.mark.parametrize(
    "path",
    ["/studio/../../../../etc/passwd", "/studio/%2e%2e/%2e%2e/server.py", "/../../etc/passwd",
     "/studio/..%2f..%2fserver.py", "/_nicegui/3/static/..%2f..%2fpage.py", "/%2e%2e/etc/passwd"],
)  # fmt: skip
def test_no_file_is_read_by_the_address_itself(served, path):
    status, _, body = ask(served, path)
    assert status in (400, 404)
    assert b"root:" not in body
    assert b"import" not in body


def test_refusals_are_logged_and_it_lives_on(served):
    ask(served, "/file?path=../secret.txt")
    ask(served, "/", origin="http://evil.example")
    assert "refused ../secret.txt" in served.log.replace("b'", "").replace("'", "")
    assert "another origin, 'http://evil.example'" in served.log
    assert ask(served, "/")[0] == 200


def test_no_name_of_a_file_forges_a_line_of_the_log(served):
    ask(served, "/file?path=a%0Amicrotwin:%20all%20is%20well%1B%5B2J")
    assert "\nmicrotwin: all is well" not in served.log
    assert "\x1b" not in served.log


def test_a_zip_holds_what_is_shown_and_leaves_nothing_behind(served):
    folder = served.project / "samples" / "z"
    (folder / ".hidden").mkdir(parents=True)
    for name in ("a.txt", ".b.txt", ".hidden/c.txt"):
        (folder / name).write_text(name)
    os.utime(folder / "a.txt", (0, 0))  # before there were zip files
    os.symlink(served.project.parent / "secret.txt", folder / "link.txt")
    body = ask(served, "/zip?path=samples/z")[2]
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == ["z/a.txt"]
    left = served.project / ".studio" / "downloads"
    live.wait_for(lambda: list(left.iterdir()) == [], 10)


def test_another_origin_and_another_name_are_refused(served):
    assert ask(served, "/", host="evil.example")[0] == 421
    for method in ("GET", "POST"):
        assert ask(served, "/language/es", method, origin="http://evil.example")[0] == 403
    upgrade = {
        "connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==", "origin": "http://evil.example",
    }  # fmt: skip
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert ask(served, path, **upgrade)[0] == 403
    own = {**upgrade, "origin": f"http://127.0.0.1:{served.port}"}
    assert handshake(served, path, own) == 101


def handshake(served, path, headers):
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(connection.recv(64).split()[1])


def test_ten_gigabytes_are_refused_before_they_come(served):
    path = "/_nicegui/client/x/upload/1"
    status, _, body = ask(served, path, "POST", content_length=str(10 * 2**30))
    assert status == 413
    assert b"more than 2097152" in body
    assert ask(served, "/")[0] == 200


def test_an_endless_upload_is_cut_off(served):
    """It declares no length, and would fill the disk."""
    page = ask(served, "/")[2].decode()
    upload = re.search(r"/_nicegui/client/[\w-]+/upload/\d+", page)[0]
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        head = (
            f"POST {upload} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())
        start = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
        sent = 0
        try:
            for chunk in [start, *[b"\0" * 2**16] * 2000]:
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                sent += len(chunk)
        except OSError:
            pass  # it has hung up
    assert sent < 64 * 2**20
    assert ask(served, "/")[0] == 200
    assert list((served.project / "images").iterdir()) == []


def test_what_a_project_holds_does_not_run_as_a_page_of_the_studio(served):
    _, headers, body = ask(served, "/file?path=reports/r.html")
    assert body == b"<script>alert(1)</script>"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    _, headers, _ = ask(served, "/file?path=reports/r.html&download=true")
    assert headers["content-disposition"].startswith("attachment")


def test_pictures_slices_and_surfaces_are_made(served):
    assert ask(served, "/thumb?path=phases/a.tif")[2].startswith(b"\xff\xd8")
    assert ask(served, "/slice?path=phases/a.tif&pattern=true")[2].startswith(b"\x89PNG")
    status, _, body = ask(served, "/mesh?path=phases/a.tif")
    assert (status, b"must be a volume" in body) == (400, True)
    assert ask(served, "/slice?path=phases/a.tif&axis=7")[0] == 400
    assert ask(served, "/slice?path=phases/a.tif&at=much")[0] == 422
    assert ask(served, "/slice?path=phases/a.tif&at=nan")[0] == 400
    assert ask(served, "/mesh?path=phases/a.tif&cut=nan")[0] == 400
    assert ask(served, f"/file?path={'a' * 5000}")[0] == 404
    assert ask(served, "/zip?path=phases")[2].startswith(b"PK")


def test_the_language_is_kept_and_leads_nowhere_else(served):
    status, headers, _ = ask(served, "/language/es?back=/train")
    assert (status, headers["location"]) == (303, "/train")
    cookie = headers["set-cookie"].partition(";")[0]
    assert "Entrenar" in ask(served, "/train", cookie=cookie)[2].decode()
    for back in ("//evil.example", "http://evil.example", "/%5Cevil.example"):
        assert ask(served, f"/language/es?back={back}")[1]["location"] == "/"


class Still(Queue):
    """A queue that leaves it to others to start what waits."""

    def advance(self):
        pass


def test_a_server_starts_what_waits_and_its_jobs_outlive_it(tmp_path):
    with live.studio(tmp_path / "short") as one:
        save_image(one.project / "phases" / "a.tif", sample_labels(1, shape=(64, 64))[0])
        words = ["anneal", "phases/a.tif", "--shape=64,64", "--max-lag=16", "-o", "twins/t.tif"]
        words += ["--tolerance=0", "--reheats=1000", "--max-seconds=6"]
        queue = Still(one.project)
        number = queue.submit(words, title="t", output="twins/t.tif").number
        live.wait_for(lambda: last_step(queue.folder_of(number)), 60)
    assert one.process.poll() is not None
    assert queue.get(number).state == "running"
    live.wait_for(lambda: queue.get(number).over, 60)
    assert queue.get(number).state == "done"
    assert (one.project / "twins" / "t.tif").exists()


def test_elsewhere_a_token_is_needed(tmp_path):
    with live.studio(tmp_path / "shared", host="0.0.0.0") as one:
        assert ask(one, "/")[0] == 401
        token = one.log.partition("token=")[2].split()[0]
        assert len(token) > 20
        status, headers, _ = ask(one, f"/?token={token}")
        assert status == 200
        cookie = headers["set-cookie"].partition(";")[0]
        assert b"Drop micrographs" in ask(one, "/", cookie=cookie)[2]
        assert ask(one, "/", cookie=cookie, origin="http://evil.example")[0] == 403


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--port", "70000"], "port must be between 0 and 65535, not 70000"),
        (["--max-upload", "0"], "max_upload must be at least 1, not 0"),
        (["--token", "a b;c"], "token must be at least 8 letters"),
        (["--at-once", "0"], "at_once must be between 1 and 64, not 0"),
        (["--host", "no.such.host.invalid"], "host and port must be free to listen on"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, capsys, words, complaint):
    with pytest.raises(SystemExit) as end:
        app(["serve", str(tmp_path / "p"), *words], prog_name="microtwin")
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"microtwin: {complaint}")
    assert len(said.splitlines()) == 1
