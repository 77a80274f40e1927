import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from labinterp.errors import InputError
from labinterp.service import processes, serve
from service_client import PANEL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at as Linux shows them")
CLIENTS, EACH = 64, 2


def until(true, seconds=20.0):
    """Wait for something to become true; say whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if true():
                return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def served(tmp_path, workers=2):
    """Serve from a process with workers; yields it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "labinterp", "serve", "--port", str(port), "--workers", str(workers)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)  # noqa: S603 - this interpreter, our code
    base = f"http://127.0.0.1:{port}"
    try:
        assert until(lambda: log_of(tmp_path).count("Started server process") >= workers)
        assert until(lambda: httpx.get(f"{base}/health").status_code == 200)
        yield process, base
    finally:
        process.kill()
        process.wait(20)


def log_of(tmp_path):
    return (tmp_path / "log").read_text()


def workers_of(tmp_path):
    return [int(number) for number in re.findall(r"Started server process \[(\d+)\]", log_of(tmp_path))]


def lives(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def crowd(base):
    """Return the statuses that many clients at once get."""
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(limits=limits, timeout=60, base_url=base) as client:
        asked = [client.post("/interpret", json=PANEL) for _ in range(CLIENTS * EACH)]
        return [answer.status_code for answer in await asyncio.gather(*asked)]


def test_many_clients_of_several_workers_are_answered_and_counted_together(tmp_path):
    """Of 64 clients at once none is lost, any worker's `/metrics` counts all of them, and SIGTERM leaves nothing behind."""
    with served(tmp_path) as (process, base):
        assert set(asyncio.run(crowd(base))) == {200}
        for _ in range(4):
            counts = httpx.get(f"{base}/metrics").text
            line = f'labinterp_requests_total{{method="POST",route="interpret",status="200"}} {CLIENTS * EACH}.0'
            assert line in counts
            assert "labinterp_pending 0.0" in counts
        numbers = workers_of(tmp_path)
        folders = folders_of(process.pid)
        process.terminate()
        assert process.wait(20) == 0
        assert not any(map(lives, numbers))
        assert folders
        assert not any(folder.exists() for folder in folders)


def folders_of(number):
    """Return the folders of counts that the children of a process were told of."""
    found = set()
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if file.read_text().rpartition(")")[2].split()[1] == str(number):
                told = re.search(rb"PROMETHEUS_MULTIPROC_DIR=([^\0]+)", file.with_name("environ").read_bytes())
                found |= {Path(told[1].decode())} if told else set()
    return found


def test_worker_that_dies_is_replaced(tmp_path):
    """Where a worker is killed another takes its place, and the service goes on."""
    with served(tmp_path) as (process, base):
        os.kill(workers_of(tmp_path)[0], signal.SIGKILL)
        assert until(lambda: len(workers_of(tmp_path)) == 3)
        assert httpx.post(f"{base}/interpret", json=PANEL).status_code == 200
        assert "labinterp_pending 0.0" in httpx.get(f"{base}/metrics").text
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "a worker ended with -9" in log_of(tmp_path)


def test_workers_end_with_what_started_them(tmp_path):
    """Where the process that started them is killed, no worker goes on."""
    with served(tmp_path) as (process, _):
        folders = folders_of(process.pid)
        process.kill()
        assert until(lambda: not any(map(lives, workers_of(tmp_path))))
    for folder in folders:  # nobody is left to remove them
        shutil.rmtree(folder)


def test_what_cannot_start_is_not_started_again():
    """A worker that gives up at once ends all, and its code is the answer; the signals are as they were."""
    before = signal.getsignal(signal.SIGTERM)
    assert processes.run(2, sys.exit, (3,), 10) == 3
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("count", [0, 65, "two", True])
def test_number_of_processes_is_checked(count):
    """A number of processes that cannot be is refused before anything is started."""
    with pytest.raises(InputError, match="processes"):
        serve(processes=count)
