"""The copies that a mail catcher keeps: what names somebody erased is taken out of them too."""

import re
from collections.abc import Mapping
from pathlib import Path

_OUR_MAIL = re.compile(rb"<[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}@[^<>\s]{1,250}>")
_OWN = re.compile(rb"^message-id:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_ENVELOPE = re.compile(rb"\A(?:X-Envelope-[^\r\n]*\r?\n)*")


def forget(maildir: Path, mails: Mapping[str, bytes | None]) -> int:
    """Bring the copies of some mails up to what is kept of them, and remove reports about them.

    Args:
        maildir: A Maildir; one that is not there holds nothing.
        mails: Message-IDs, each with the mail as it is kept now; None where nothing is.

    Returns:
        How many files were written anew or removed.
    """
    wanted = {message_id.encode(): raw for message_id, raw in mails.items()}
    done = 0
    for part in ("new", "cur"):
        for path in sorted((maildir / part).glob("[!.]*")):
            raw = path.read_bytes()
            if not wanted.keys() & set(_OUR_MAIL.findall(raw)):
                continue
            own = _OWN.search(_HEAD_ENDS.split(raw, maxsplit=1)[0])
            if own is None or own[1] not in wanted:
                # Answers to a mail and others of its thread name its id; only a report of it, which
                # comes from no mail of ours, brings its text along.
                if own is not None and _OUR_MAIL.fullmatch(own[1]):
                    continue
                path.unlink()
            elif (kept := wanted[own[1]]) is None:
                path.unlink()
            else:
                envelope = _ENVELOPE.match(raw)
                anew = (envelope[0] if envelope else b"") + kept
                if anew == raw:
                    continue
                fresh = maildir / "tmp" / path.name
                fresh.write_bytes(anew)
                fresh.chmod(0o600)
                fresh.replace(path)
            done += 1
    return done
