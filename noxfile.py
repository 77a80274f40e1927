"""The sessions that must hold before a change lands, and those for a release. Run: nox, or nox -s lint.

`.ci/run` calls `lint`, `docs`, `lowest` and `cov-3.13`, the last two with `-- --quick`: without what is slow and
makes no answer.
"""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests-3.11", "lint", "docs"]
nox.options.reuse_existing_virtualenvs = True

ALL = ("-e", ".[all,test]")
RUN = ("python", "-m", "pytest")
HELD_WHOLE = ("kernel", "reading", "reasoning")
SLOW = (
    "docs_browser", "engines_restart", "engines_spark", "examples_data", "examples_integration",
    "outside_tools", "report_browser", "service_mllp", "service_page_browser", "service_server",
)  # fmt: skip
"""Files of tests that start servers, browsers, Java or many processes; the whole suite runs them."""
BRANCHES_OF_ALL, BRANCHES_OF_HELD = 95, 100


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the suite with what the resolver picks."""
    session.install(*ALL)
    session.run(*RUN, *chosen(session))


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the suite with the lowest versions that are declared."""
    session.install("-c", "constraints/lowest.txt", *ALL)
    session.run(*RUN, *chosen(session))


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """Run the suite with the newest versions there are, pre-releases too."""
    session.install("--upgrade", "--pre", *ALL)
    session.run(*RUN, *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Hold style and types."""
    session.install("-e", ".[all,test]", *groups("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e", ".[all]", *groups("docs"))
    session.run("sphinx-build", "-q", "-W", "-b", "html", "docs", str(Path(session.create_tmp()) / "docs"))


@nox.session(python=["3.11", "3.12", "3.13"])
def cov(session: nox.Session) -> None:
    """Hold that tests reach every branch of the rooms where an answer is made, and nearly all elsewhere."""
    session.install(*ALL, *groups("test"))
    session.run(*RUN, "--cov=labinterp", "--cov-branch", "--cov-report=", *chosen(session))
    session.run("coverage", "report", f"--fail-under={BRANCHES_OF_ALL}", "--format=total")
    inside = ",".join(f"*/labinterp/{room}/*" for room in HELD_WHOLE)
    held = ("--show-missing", "--skip-covered", f"--fail-under={BRANCHES_OF_HELD}")
    session.run("coverage", "report", f"--include={inside}", *held)


def chosen(session: nox.Session) -> list[str]:
    """Return what to hand to pytest; `--quick` leaves out the slow files."""
    if "--quick" not in session.posargs:
        return session.posargs
    rest = [argument for argument in session.posargs if argument != "--quick"]
    return [*rest, *(f"--ignore=tests/test_{name}.py" for name in SLOW)]


def groups(*names: str) -> list[str]:
    """Return the packages of dependency groups of `pyproject.toml`."""
    return nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *names)
