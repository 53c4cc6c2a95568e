"""Copies of a store: `backup`, `restore`, and `admin adopt`, which says what a copy is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cli.terminal.output import REFUSED, UNAVAILABLE, USAGE, emit_json, emit_table, fail, narrate
from cli.terminal.session import Json, settings_or_fail
from cli.verbs import Parameter, Verbs
from domain.kernel.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from bootstrap.holding import Held
    from bootstrap.lacking import Missing

Done = TypeVar("Done")


def register(app: Verbs) -> None:
    """Add the two commands; `admin adopt` is added with its group."""
    app.command(backup)
    app.command(restore)


def adopt(
    *,
    original: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    practice: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json_: Json = False,
) -> None:
    """Say what a copied or restored store is; needed before it is worked with.

    For the embedded stack while it is stopped; for a database of your own while no worker runs,
    with HANDRAIL_OWNER_DATABASE_URL set. Then start it again, and run `handrail admin recover`.

    Args:
        original: It takes the place of the one it was made from, which never runs again. What may
            have been sent since the last moment it knows of is not sent, and listed.
        practice: It is a copy to practise with: no mail leaves it, ever.
        json_: One JSON object.
    """
    from embedded.backups import adopt_here

    done = _offline(adopt_here, practice=_which(original=original, practice=practice))
    if json_:
        emit_json(
            {"practice": done.practice, "since": done.since, "held": [vars(h) for h in done.held]}
        )
        return
    print(
        "Adopted as a copy to practise with: no mail leaves it."
        if practice
        else "Adopted as the original. The one it was made from must never run again."
    )
    if done.renumbered:
        print("The order of its log was brought into this cluster.")
    show_held(done.held)
    print("Start it, then run `handrail admin recover`.")


def backup(file: Path, /, *, json_: Json = False) -> None:
    """Write a copy of the whole store into one file, as it is at one moment.

    Work goes on meanwhile. The master key is not in it: keep that elsewhere. With a database of
    your own HANDRAIL_OWNER_DATABASE_URL must be set.

    Args:
        file: Where to; it must not be there yet.
        json_: One JSON object.
    """
    from embedded.backups import backup as take

    manifest = _offline(take, file=file)
    if json_:
        emit_json({"file": file} | manifest)
        return
    held = manifest["contents"]
    print(
        f"{file}: {counted(held['events'], 'event')} of {counted(held['streams'], 'stream')}, "
        f"{counted(held['receipts'], 'receipt')}, {counted(held['mails'], 'mail')}."
    )
    narrate("The master key is not in it: without that key nothing about people can be read.")


def restore(
    file: Path,
    /,
    *,
    original: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    practice: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    replace: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json_: Json = False,
) -> None:
    """Put a backup back, check all of it, and begin a life of its own for it.

    Into the embedded stack while it is stopped, or into a database of your own while no worker
    runs, with HANDRAIL_OWNER_DATABASE_URL set. Then start it, and run `handrail admin recover`.

    Args:
        file: What `handrail backup` wrote.
        original: It takes the place of the store it was made from, which never runs again. What
            may have been sent since the backup is not sent, and listed.
        practice: It is a copy to practise with: no mail leaves it, ever.
        replace: Take away the store that is there; without it, nothing is overwritten.
        json_: One JSON object.
    """
    from embedded.backups import restore_here

    done = _offline(
        restore_here,
        file=file,
        practice=_which(original=original, practice=practice),
        replace_=replace,
    )
    held = done.manifest["contents"]
    if json_:
        emit_json(
            {
                "taken_at": done.manifest["taken_at"],
                "contents": held,
                "practice": practice,
                "asked": list(done.asked),
                "missing": [vars(command) for command in done.missing],
                "held": [vars(notice) for notice in done.adopted.held],
            }
        )
        return
    print(
        f"Put back as of {done.manifest['taken_at'][:16]}: {counted(held['events'], 'event')} of "
        f"{counted(held['streams'], 'stream')}, as they were saved, every chain intact."
    )
    if done.missing:
        show_missing("Recorded after the backup, and not in it", done.missing)
    elif done.asked:
        print(f"Nothing was recorded after it, says {' and '.join(done.asked)}.")
    else:
        print("What was recorded after it nobody knows here.")
    show_held(done.adopted.held)
    print(
        "It is a copy to practise with: no mail leaves it."
        if practice
        else "It is the original from now on. The one it was made from must never run again."
    )
    print("Start it, then run `handrail admin recover`.")


def show_missing(title: str, missing: "Sequence[Missing]") -> None:
    """Commands to have given again."""
    emit_table(
        f"{title}: have them given again",
        ("When", "Command", "Stream", "Id"),
        [(f"{m.at:%Y-%m-%d %H:%M} UTC", m.kind, m.stream, m.command_id) for m in missing],
    )


def _which(*, original: bool, practice: bool) -> bool:
    """Whether a store is for practice; somebody must say so or the opposite."""
    if original == practice:
        fail(
            "Say which it is: --original if it takes the place of the one it was made from, or "
            "--practice if it is a copy to practise with.",
            USAGE,
        )
    return practice


def _offline(work: "Callable[..., Coroutine[Any, Any, Done]]", **arguments: Any) -> Done:
    """Work with a store that nobody serves, or say why that cannot be."""
    import asyncio

    import asyncpg

    from bootstrap.adopting import AtWork
    from bootstrap.logging import quiet
    from bootstrap.settings import SettingsError
    from embedded.backups import NotRestored
    from embedded.home import AlreadyRunningError
    from embedded.process import StartError
    from store.epochs import Unusable
    from store.migrations import StoreKindMismatch

    settings = settings_or_fail()
    quiet(settings)
    try:
        return asyncio.run(work(settings, say=narrate, **arguments))
    except (AtWork, AlreadyRunningError, NotRestored, StoreKindMismatch) as refused:
        fail(str(refused), REFUSED)
    except (SettingsError, StartError, Unusable) as wrong:
        fail(str(wrong), UNAVAILABLE)
    except (OSError, TimeoutError, asyncpg.PostgresError) as away:
        fail(f"The database does not answer or refuses: {away}. See handrail doctor.", UNAVAILABLE)


def show_held(held: "Sequence[Held]") -> None:
    """What is not sent, so that somebody can say it in another way."""
    if held:
        emit_table(
            "Not sent, because they may have been sent before: see handrail due",
            ("Stream", "Reminder", "Planned for"),
            [(h.stream, f"{h.item} {h.step}", f"{h.planned_for:%Y-%m-%d %H:%M} UTC") for h in held],
        )
