"""The files of the container name only what exists; whether they build is for a machine with a builder to say."""

import json
import re
import tomllib
from pathlib import Path

from labinterp.cli.serving import serve

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")


def test_copied_files_exist():
    """Every path that is copied from the project is there."""
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for path in line.split()[:-1]:
            assert (ROOT / path).exists(), path


def test_what_is_copied_is_sent_to_the_builder():
    """The list of what a builder gets has every path that is copied, and nothing that is not."""
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    assert sorted(kept) == sorted(path for line in lines for path in line.split()[:-1])


def test_the_health_check_asks_the_port_that_is_served():
    """The check of health is a program that compiles, and asks where the service listens, whatever port is set."""
    words = json.loads(re.search(r"^HEALTHCHECK .*? CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
    assert words[:2] == ["python", "-c"]
    compile(words[2], "check", "exec")
    assert "LABINTERP_PORT" in words[2]


def test_extras_exist():
    """Every extra that is installed is one of the project's."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    (named,) = re.findall(r"'\.\[([^\]]+)\]'", DOCKERFILE)
    assert set(named.split(",")) <= set(extras)


def test_settings_are_options_of_serve():
    """Every variable that is set is one that `labinterp serve` reads."""
    known = {parameter.envvar for parameter in serve.params}
    assert set(re.findall(r"\b(LABINTERP_[A-Z_]+)", DOCKERFILE + COMPOSE)) <= known


def test_container_has_no_rights():
    """The image runs as a user of its own, and the composition with nothing to write to and no capability."""
    assert re.search(r"^USER [1-9]", DOCKERFILE, re.MULTILINE)
    for part in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", '"127.0.0.1:8080:8080"'):
        assert part in COMPOSE
    assert "/health" in DOCKERFILE
