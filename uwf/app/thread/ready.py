"""All that the run of a thread in a shared store imports, so that it can be there before anybody knows which thread."""

from __future__ import annotations


def import_all() -> None:
    """Import it. May be called twice. What only some agents need is left to those that have one."""
    import uwf.agent.clients.event_lines
    import uwf.agent.kinds.command
    import uwf.agent.process.fifo
    import uwf.app.thread.run_log
    import uwf.app.thread.running
    import uwf.app.thread.wakes
    import uwf.app.unattended.poke
    import uwf.config.cache
    import uwf.config.records
    import uwf.engine.chain.cache
    import uwf.engine.chain.redact
    import uwf.engine.query.resolve
    import uwf.engine.query.threads
    import uwf.engine.run.attempt.reply
    import uwf.engine.run.context
    import uwf.engine.run.renewal
    import uwf.engine.upkeep.log.writer
    import uwf.store.object_cache
    import uwf.store.postgres
    import uwf.store.sql.writing
    import uwf.store.sqlite.writing  # noqa: F401  # to have imported them is all
