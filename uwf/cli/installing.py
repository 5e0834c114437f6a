"""`uwf daemon install` and `uwf worker install`: the file of a supervisor, written, shown or taken away."""

from __future__ import annotations

from uwf.cli.command import opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context
    from uwf.daemon.install import Service

DETAIL = (
    "A systemd user unit, on macOS a launchd agent. Nothing is begun: the commands that do that are printed. PATH, "
    "UWF_HOST and UWF_STORE stay as they are now."
)
UNINSTALL = opt("--uninstall", help="Take the file away again.")
DRY_RUN = opt("--dry-run", help="Print what would be written.")


def installed(ctx: Context, service: Service, *, uninstall: bool, dry_run: bool) -> None:
    """Do with the file what the command line asks for, and say so."""
    from uwf.daemon import install

    if dry_run:
        ctx.out.answer({"path": service.path, "text": service.text}, draw=service.text)
        return
    commands = service.end if uninstall else service.begin
    if uninstall:
        is_done, did = install.remove(service), "removed"
    else:
        is_done, did = True, "written"
        install.write(service)
    said = f"{did}: {service.path}\n" if is_done else ""
    answer = {"path": service.path, did: is_done, "commands": list(commands)}
    ctx.out.answer(answer, draw=said + "\n".join(commands))
    if not is_done:
        ctx.out.note(f"there was no {service.path}")
