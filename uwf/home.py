"""Every path below a home, named once. A home is the folder of `--home` or `UWF_HOME`; it need not exist.

| path                   | what                                           | whose                               |
|------------------------|------------------------------------------------|-------------------------------------|
| `config.toml`, `.lock` | the settings, and who changes them             | the home                            |
| `store.db`             | objects and refs                               | the home                            |
| `store.db-*`           | its WAL, its mark, the lock of gc and backup   | the home, named by the store        |
| `threads.lock`         | one byte a thread: who runs it                 | this machine: locks of its processes |
| `slots/`               | one file a slot: how many agents run           | this machine                        |
| `logs/THREAD.log`      | what runs print that nobody looks at           | the home                            |
| `daemon.lock`          | which daemon leads, and which ones wait        | this machine: locks of its processes |
| `daemon.sock`          | whoever commits something wakes the daemon     | this machine, gone with the daemon  |
| `daemon.json`          | how the daemon stood last                      | this machine: for `daemon status`   |
| `logs/DAY-NNN.jsonl`   | what all processes of the home did             | the home                            |
| `spool/`               | output of agents that is too long for memory   | this machine, gone with its writer  |
| `events/`              | events that any program renames into it; `refused/` | the home, until they are taken in |
| `replies/`             | replies that could not be stored; room for one | the home, until they are taken in   |
| `schemas/`, `cache/`   | made anew when missing                         | this machine                        |
| `backups/`             | backups of the days and weeks                  | the home, where no other folder is set |
| `drill.new-PID/`       | where a backup is tried                        | this machine, gone with its writer  |
| `replaced/TIME/`       | stores whose place a backup has taken          | the home, until a person removes it |
| `worktrees/THREAD`     | its worktree, and the lock of whoever makes it | this machine: git has the rest      |
| `demo/`                | the projects that `uwf demo` tidied            | the home                            |
"""

from __future__ import annotations

import os

from uwf import owned

CONFIG, CONFIG_LOCK = "config.toml", "config.lock"
STORE = "store.db"
THREAD_LOCKS = "threads.lock"
SLOTS, SPOOL, SCHEMAS, CACHE, DEMOS = "slots", "spool", "schemas", "cache", "demo"
LOGS = "logs"
REPLIES = "replies"
EVENTS, REFUSED_EVENTS = "events", os.path.join("events", "refused")
BACKUPS, REPLACED = "backups", "replaced"
WORKTREES = "worktrees"
DAEMON_LOCK, DAEMON_SOCKET, DAEMON_STATE = "daemon.lock", "daemon.sock", "daemon.json"


def config_file(home: str) -> str:
    return os.path.join(home, CONFIG)


def config_lock(home: str) -> str:
    return os.path.join(home, CONFIG_LOCK)


def config_cache(home: str) -> str:
    return os.path.join(cache(home), "config.msgpack")


def cache(home: str) -> str:
    return os.path.join(home, CACHE)


def store_file(home: str) -> str:
    return os.path.join(home, STORE)


def thread_locks(home: str) -> str:
    return os.path.join(home, THREAD_LOCKS)


def slots(home: str) -> str:
    return os.path.join(home, SLOTS)


def spool(home: str) -> str:
    return os.path.join(home, SPOOL)


def logs(home: str) -> str:
    return os.path.join(home, LOGS)


def log(home: str, thread: str) -> str:
    return os.path.join(home, LOGS, f"{thread}.log")


def log_index(home: str) -> str:
    return os.path.join(home, CACHE, "log.db")


def object_cache(home: str) -> str:
    return os.path.join(home, CACHE, "objects.db")


def events(home: str) -> str:
    return os.path.join(home, EVENTS)


def refused_events(home: str) -> str:
    return os.path.join(home, REFUSED_EVENTS)


def replies(home: str) -> str:
    return os.path.join(home, REPLIES)


def worktrees(home: str) -> str:
    return os.path.join(home, WORKTREES)


def worktree(home: str, thread: str) -> str:
    return os.path.join(home, WORKTREES, thread)


def worktree_lock(home: str, thread: str) -> str:
    return os.path.join(home, WORKTREES, f"{thread}.lock")


def backups(home: str) -> str:
    return os.path.join(home, BACKUPS)


def daemon_lock(home: str) -> str:
    return os.path.join(home, DAEMON_LOCK)


def daemon_socket(home: str) -> str:
    return os.path.join(home, DAEMON_SOCKET)


def daemon_state(home: str) -> str:
    return os.path.join(home, DAEMON_STATE)


def schemas(home: str) -> str:
    return os.path.join(home, SCHEMAS)


def demos(home: str) -> str:
    return os.path.join(home, DEMOS)


def made(folder: str) -> str:
    """`folder`, made for this user alone when it is not there."""
    owned.make_folder(folder)
    return folder
