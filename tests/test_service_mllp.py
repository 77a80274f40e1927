"""The listener for HL7 v2 over MLLP, on real sockets."""

import asyncio
import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from labinterp.errors import InputError
from labinterp.service import mllp

HL7 = (
    "MSH|^~\\&|LIS|LAB|||||ORU^R01|{id}|P|2.5\rPID|||{id}||||19700131|F\rOBR|1\r"
    "OBX|1|NM|19123-9^Magnesium^LN||1.1|mg/dL|1.6-2.6|L|||F\r"
)


def message(number=1):
    return HL7.format(id=number).encode()


def framed(data):
    return mllp.START + data + mllp.END


@contextlib.contextmanager
def listening(target, **limits):
    """Listen in a thread; yields the port."""
    ready, box = threading.Event(), {}

    async def run():
        listener = mllp.Listener(target, limits=mllp.PeerLimits(**limits))
        server = await listener.start("127.0.0.1", 0)
        box["port"] = server.sockets[0].getsockname()[1]
        box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await box["stop"].wait()
        await listener.stop(server)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield box["port"]
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(20)
        assert not thread.is_alive()


@contextlib.contextmanager
def peer(port):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        yield connection


def reply(connection):
    """Return the code, the control id and the reason of the next acknowledgment."""
    found = b""
    while not found.endswith(mllp.END):
        part = connection.recv(1 << 16)
        if not part:
            raise ConnectionError
        found += part
    line = next(line for line in found.decode().split("\r") if line.startswith("MSA"))
    return [*line.split("|"), ""][1:4]


def ask(port, *parts):
    with peer(port) as connection:
        for part in parts:
            connection.sendall(part)
        return reply(connection)


def test_acknowledged_messages_have_their_answers(tmp_path):
    """Each message of a connection gets AA with its id, and its answer lies in the folder by then."""
    with listening(mllp.to_folder(tmp_path)) as port, peer(port) as connection:
        for number in range(1, 6):
            connection.sendall(framed(message(number)))
            assert reply(connection)[:2] == ["AA", str(number)]
            assert len(list(tmp_path.iterdir())) == number
    text = next(tmp_path.iterdir()).read_text()
    assert text.startswith("MSH|")
    assert "hypomagnesemia" in text


def test_message_that_comes_again_replaces_its_answer(tmp_path):
    """The same message twice is one answer."""
    with listening(mllp.to_folder(tmp_path)) as port:
        assert [ask(port, framed(message()))[0] for _ in range(2)] == ["AA", "AA"]
    assert len(list(tmp_path.iterdir())) == 1


def test_frames_may_come_in_any_pieces(tmp_path):
    """A frame that comes byte by byte, two in one piece, and bytes between frames are all taken."""
    with listening(mllp.to_folder(tmp_path)) as port:
        whole = framed(message())
        assert ask(port, *(whole[i : i + 1] for i in range(len(whole))))[0] == "AA"
        with peer(port) as connection:
            connection.sendall(b"\r\nnoise" + framed(message(2)) + b"\n" + framed(message(3)))
            assert [reply(connection)[1] for _ in range(2)] == ["2", "3"]


@pytest.mark.parametrize(
    "data",
    [b"", b"SECRET", b"MSH", b"MSH|^~\\&|", message().replace(b"ORU^R01", b"ADT^A01"), message()[:-8], b"\x00" * 50],
)
def test_what_cannot_be_read_is_rejected(tmp_path, data):
    """An unreadable message gets AR with a reason, writes nothing, and the connection goes on."""
    with listening(mllp.to_folder(tmp_path)) as port, peer(port) as connection:
        connection.sendall(framed(data))
        code, _, reason = reply(connection)
        assert code == "AR"
        assert reason
        assert "SECRET" not in reason
        assert not list(tmp_path.iterdir())
        connection.sendall(framed(message(9)))
        assert reply(connection)[:2] == ["AA", "9"]


def test_frame_that_is_interrupted_loses_nothing_else(tmp_path):
    """A frame that was never closed is passed over; the one behind it is taken."""
    with listening(mllp.to_folder(tmp_path)) as port:
        assert ask(port, mllp.START + b"MSH|broken" + framed(message(4)))[:2] == ["AA", "4"]


def test_long_message_is_rejected_and_not_kept(tmp_path):
    """A message beyond the limit gets AR once it ends, and the next one is taken."""
    with listening(mllp.to_folder(tmp_path), max_bytes=1000) as port, peer(port) as connection:
        connection.sendall(framed(message() + b"NTE|1||" + b"x" * 300_000))
        assert reply(connection)[0] == "AR"
        connection.sendall(framed(message(2)))
        assert reply(connection)[:2] == ["AA", "2"]


def test_answer_that_cannot_be_kept_is_an_error(tmp_path):
    """Where the answer cannot be written the message gets AE, so that its sender keeps it."""

    def full(_name, _data):
        raise OSError(28, "SECRET")

    with listening(full) as port:
        code, control, reason = ask(port, framed(message(7)))
    assert (code, control) == ("AE", "7")
    assert "SECRET" not in reason


def test_connections_are_bounded(tmp_path):
    """A connection beyond the limit is closed, and another may come once one has gone."""
    with listening(mllp.to_folder(tmp_path), connections=1) as port:
        with peer(port) as first:
            first.sendall(framed(message()))
            assert reply(first)[0] == "AA"
            with pytest.raises(ConnectionError):
                ask(port, framed(message(2)))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionError):
                assert ask(port, framed(message(3)))[0] == "AA"
                break


def test_slow_and_silent_connections_are_closed(tmp_path):
    """A message that was begun must come in time, and a silent connection is closed."""
    with listening(mllp.to_folder(tmp_path), timeout=0.3, idle=0.3) as port:
        for sent in (b"", mllp.START + b"MSH|"):
            with peer(port) as connection:
                connection.sendall(sent)
                assert connection.recv(10) == b""


def test_answers_are_forwarded():
    """With a web address the answer is posted; what is refused there is AE."""
    seen, status = [], [200]

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.headers["content-type"], self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        target = mllp.to_url(f"http://127.0.0.1:{server.server_port}/", "application/hl7-v2", 10)
        with listening(target) as port:
            assert ask(port, framed(message()))[0] == "AA"
            status[0] = 503
            assert ask(port, framed(message()))[0] == "AE"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert seen[0][0] == "application/hl7-v2"
    assert b"hypomagnesemia" in seen[0][1]


def test_unusable_targets_are_refused(tmp_path):
    """A folder that is none and an address that is none are refused before anything is taken."""
    with pytest.raises(InputError):
        mllp.to_folder(tmp_path / "none")
    with pytest.raises(InputError):
        mllp.to_url("file:///etc/passwd", "text/plain", 1)


def test_reason_is_escaped():
    """Separators in a reason or an id cannot make a segment of their own."""
    made = mllp.acknowledgment(b"MSH|^~\\&|a|b|||||ORU|i\x00d|P|2.5", "AR", "a|b^c\r\nd\\")
    assert b"MSA|AR|i d|a\\F\\b\\S\\c  d\\E\\" in made


def started(folder):
    """Start the command; returns the process and its port."""
    command = [sys.executable, "-m", "labinterp", "listen", "--port", "0", "--to", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))  # noqa: S603 - our own
    line = process.stderr.readline()
    return process, int(line.rpartition(":")[2])


def test_nothing_is_lost_when_the_listener_is_killed(tmp_path):
    """Whatever was acknowledged before a kill has its answer; the rest is sent again to the next one."""
    count, acknowledged, number, kills = int(os.environ.get("LABINTERP_SOAK", "120")), set(), 0, 0
    while number < count:
        process, port = started(tmp_path)
        try:
            with contextlib.suppress(ConnectionError), peer(port) as connection:
                while number < count:
                    connection.sendall(framed(message(number)))
                    if number and number % (count // 3) == 0 and kills < number // (count // 3):
                        kills += 1
                        process.send_signal(signal.SIGKILL)
                    code, control, _ = reply(connection)
                    assert (code, control) == ("AA", str(number))
                    acknowledged.add(number)
                    number += 1
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            process.stderr.close()
    assert kills >= 2
    assert acknowledged == set(range(count))
    texts = [path.read_bytes().decode() for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert sorted(int(text.split("PID|1||")[1].split("\r")[0]) for text in texts) == list(range(count))
    assert process.returncode == 0
