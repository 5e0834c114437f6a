"""A PostgreSQL for a run of tests: a temporary cluster on a Unix socket, and a fresh database for each test.

All workers of a run share one cluster. A keeper process begins it, and ends it with its folder as soon as nobody uses
it any more: each user holds a shared lock, which the system takes away with the process. So nothing stays behind, also
when a run is killed. It runs as the user `postgres` where tests are run by root, whom PostgreSQL refuses.
"""

from __future__ import annotations

import fcntl
import functools
import glob
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

ROLE = "uwf"
TEMPLATE = "uwf_template"
PATIENCE_S = 60.0

_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
_numbers = count(1)


def missing() -> str | None:
    """Why there can be no PostgreSQL here, in words; None when there can."""
    try:
        import psycopg  # noqa: F401  # whether it is there is what is asked
    except ImportError as error:
        return f"psycopg is not installed ({error}): pip install 'uwf[postgres]'"
    if binaries() is None:
        return "PostgreSQL's initdb is not installed: apt-get install postgresql"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL does not run as root, and there is no user postgres or no setpriv"
    return None


class Cluster:
    """A running PostgreSQL, which lives as long as some process has opened it. See `open_cluster`."""

    def __init__(self, folder: str, users: int) -> None:
        self.folder = folder
        self._users = users  # the lock is held by this descriptor

    def url(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{database}?host={self.folder}"

    def run(self, sql: str, database: str = "postgres") -> None:
        """Statements of the administrator."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The address of a database of its own, made like the template; it is gone afterwards, whoever is in it."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        """As when the machine of the server is switched off. Not for a cluster that others use, too."""
        _control(self.folder, "-m", "immediate", "stop")

    def be_late(self) -> None:
        """From now on what does not wait for the disk comes there late."""
        self.run("ALTER SYSTEM SET wal_writer_delay = '10s'")
        self.run("SELECT pg_reload_conf()")

    def start(self) -> None:
        """Once more, after `stop`."""
        _control(self.folder, "start")

    def close(self) -> None:
        os.close(self._users)


@functools.cache
def shared() -> Cluster:
    """The one cluster of this run of tests. It ends with the last process of the run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    return open_cluster(os.path.join(tempfile.gettempdir(), f"uwf-pg-{run[:12]}"))


@contextmanager
def alone(*, is_safe: bool = False) -> Iterator[Cluster]:
    """A cluster that nobody else uses, which may be stopped. Skips the test where there can be none."""
    import pytest  # the keeper does without

    why = missing()
    if why is not None:
        pytest.skip(f"no PostgreSQL: {why}")
    folder = os.path.join(tempfile.gettempdir(), f"uwf-pg-{os.urandom(6).hex()}")
    cluster = open_cluster(folder, is_safe=is_safe)
    try:
        yield cluster
    finally:
        cluster.close()


def open_cluster(folder: str, *, is_safe: bool = False) -> Cluster:
    """The cluster in `folder`, begun where none runs there; to be called when nothing is `missing`.

    It keeps nothing over a power cut unless it `is_safe`, which takes its time. The path is short: it is that of the
    socket, too.
    """
    while True:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        try:
            users, starting = (
                os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT)
                for name in ("users", "starting")
            )
            fcntl.flock(users, fcntl.LOCK_SH)
            if os.path.samestat(os.fstat(users), os.stat(f"{folder}/users")):
                break
        except FileNotFoundError:
            pass  # it was just ending: begin another
    fcntl.flock(starting, fcntl.LOCK_EX)
    cluster = Cluster(folder, users)
    if not os.path.exists(f"{folder}/ready"):
        _start(folder, is_safe)
        _make_template(cluster)
        open(f"{folder}/ready", "w").close()
    os.close(starting)
    return cluster


def _make_template(cluster: Cluster) -> None:
    """A store with nothing in it. The database sorts by the rules of a language, where it can: that a store does not
    is up to its tables.
    """
    try:
        how = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        cluster.run(f"CREATE DATABASE {TEMPLATE} {how}")
    except Exception:  # older than PostgreSQL 15, or made without ICU
        cluster.run(f"CREATE DATABASE {TEMPLATE}")
    from uwf.store.postgres import migrate

    migrate(cluster.url(TEMPLATE))


def _start(folder: str, is_safe: bool) -> None:
    """The keeper is no child of whoever happens to begin it: tests count theirs."""
    words = [sys.executable, os.path.abspath(__file__), folder, *(["safe"] if is_safe else [])]
    failed = f"{folder}/failed"
    with open(f"{folder}/log", "ab") as log:
        subprocess.run(
            ["sh", "-c", '{ "$@" || : >"$0"; } &', failed, *words],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE_S
    while not os.path.exists(f"{folder}/begun"):
        if os.path.exists(failed) or time.monotonic() > deadline:
            with open(f"{folder}/log", errors="replace") as told:
                raise RuntimeError(f"PostgreSQL did not begin in {folder}:\n{told.read()[-2000:]}")
        time.sleep(0.02)


def _keep(folder: str, is_safe: bool) -> None:
    """The keeper: PostgreSQL runs until no process holds the lock of its users."""
    programs, become, data = binaries(), _unprivileged() or [], f"{folder}/data"
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    options = {"listen_addresses": "", "unix_socket_directories": folder}
    options |= {} if is_safe else {"shared_buffers": "32MB", **_FAST}
    words = ["-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    try:
        subprocess.run(
            [*become, f"{programs}/initdb", "-D", data, *words],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        with open(f"{data}/postgresql.conf", "a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        _control(folder, "start")
        open(f"{folder}/begun", "w").close()
        with open(f"{folder}/users") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            with suppress(subprocess.CalledProcessError):
                _control(folder, "-m", "immediate", "stop")
            os.rename(
                folder, f"{folder}-ended"
            )  # whoever comes now finds nothing, not a half of it
            shutil.rmtree(f"{folder}-ended", ignore_errors=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{error}") from error


def _control(folder: str, *words: str) -> None:
    become, log = _unprivileged() or [], f"{folder}/postgres.log"
    pg_ctl = [*become, f"{binaries()}/pg_ctl", "-D", f"{folder}/data", "-s", "-w", "-l", log]
    subprocess.run([*pg_ctl, *words], check=True, cwd=folder)


def binaries() -> str | None:
    """The folder of initdb and pg_ctl, which Debian does not put on the path: that of the newest PostgreSQL."""
    found = shutil.which("initdb")
    if found is not None:
        return os.path.dirname(os.path.realpath(found))
    of_debian = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    return max((os.path.dirname(path) for path in of_debian), key=_version, default=None)


def _version(binaries: str) -> float:
    return float(binaries.split("/")[-2])


def _unprivileged() -> list[str] | None:
    """What to put in front of a command so that it does not run as root; None where it need not, or cannot."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        return None
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return None
    return [setpriv, "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]


if __name__ == "__main__":
    _keep(sys.argv[1], "safe" in sys.argv[2:])
