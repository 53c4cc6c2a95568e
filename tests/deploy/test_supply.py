"""Offline: no secret is in the repository; every pinned package is known by hash and licence."""

import re
import subprocess
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "a cloud key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{35}\b",
    "a forge's token": r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{60,}|\bglpat-[\w-]{20,}",
    "a chat's or a payment's token": r"\bxox[abprs]-[\w-]{10,}|\b[sr]k_live_[A-Za-z0-9]{20,}",
    "a registry's token": r"\bpypi-[\w-]{50,}|\bnpm_[A-Za-z0-9]{36}\b",
    "a signed token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "a key of 32 bytes": r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9=])",
    "a password that is set": (
        r"(?i)\b\w*(?:password|passwd|secret|api_?key|token)\w*[\"']?\s*[:=]\s*"
        r"[\"'](?=[^\"']*\d)(?=[^\"']*[A-Za-z])[\w+/=-]{20,}[\"']"
    ),
    "a password in an address": r"\b\w+://[\w.%-]+:([^\s@/{}<>$'\"%…]{6,})@",
}
EXAMPLES = re.compile(r"password|PASSWORD|another|.*hunter2.*")
"""What stands for a password in a page or a test."""
_FEWEST = 8
"""A text of fewer different letters is no secret, but 32 times the same byte."""

PLANTED = {
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "a cloud key": "key = " + "AKIA" + "IOSFODNN7EXAMPLE",
    "a forge's token": "gh" + "p_" + "a1B2" * 9,
    "a chat's or a payment's token": "xox" + "b-1234567890-abcdef",
    "a registry's token": "pypi" + "-" + "AgEIcHlwaS5vcmc" * 4,
    "a signed token": "eyJhbGciOiJIUzI1" + ".eyJzdWIiOiIxMjM0" + ".SflKxwRJSMeKKF2QT4",
    "a key of 32 bytes": "HANDRAIL_KEY=" + "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA" + "=",
    "a password that is set": 'api_key: "' + "Zk4n0qLr8s2TjXw9Vb6y" + '"',
    "a password in an address": "postgresql://handrail_app:" + "Tr0ub4dor&3" + "@db.example.org/x",
}

LICENCES = re.compile(
    r"MIT|MIT-0|Apache|BSD|PSF|Python Software Foundation|MPL|Mozilla Public License"
)
"""Those under which a package may be used here; a new one is added on purpose."""
ELSEWHERE = {"colorama"}
"""Pinned for other platforms than this one may be, with what is known of their licence: BSD."""


def secrets_in(text: str) -> list[str]:
    """What a text holds that looks like a secret."""
    found = []
    for what, pattern in SECRETS.items():
        for match in re.finditer(pattern, text):
            if match.groups() and EXAMPLES.fullmatch(match[1]):
                continue
            if len(set(match[0])) < _FEWEST:
                continue
            found.append(f"{what}: {match[0][:12]}…")
    return found


@pytest.mark.parametrize("what", SECRETS)
def test_a_planted_secret_is_found(what: str) -> None:
    assert any(found.startswith(what) for found in secrets_in(f"x\n{PLANTED[what]}\ny"))


def test_no_tracked_file_holds_a_secret() -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if names.returncode:
        pytest.skip("not a checkout: there is nothing that says which files are the project's")
    tracked = [ROOT / name for name in names.stdout.split("\0") if name]
    assert len(tracked) > 500
    found = []
    for path in tracked:
        try:
            text = path.read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{path.relative_to(ROOT)}: {secret}" for secret in secrets_in(text)]
    assert found == []


def _pinned(name: str) -> dict[str, list[str]]:
    """Each package of a lock with the hashes of its files."""
    text = (ROOT / "requirements" / name).read_text("utf-8").replace("\\\n", " ")
    pins = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            package = re.match(r"([a-z0-9._-]+)==\S+", line)
            assert package, f"{name} pins no version: {line}"
            pins[package[1]] = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line)
    return pins


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt", "build.txt"])
def test_every_pinned_package_has_its_hashes_and_a_licence_we_may_use(name: str) -> None:
    pins = _pinned(name)
    assert len(pins) > 3
    assert [package for package, hashes in pins.items() if not hashes] == []
    unfit = []
    for package in pins:
        try:
            known = metadata(package)
        except PackageNotFoundError:
            if package not in ELSEWHERE:
                unfit.append(f"{package}: not installed, so that its licence is not known")
            continue
        classified = [c for c in known.get_all("Classifier") or [] if c.startswith("License ::")]
        named = [*(known.get_all("License-Expression") or []), *classified]
        licence = "; ".join(named or known.get_all("License") or [])
        if not licence or not LICENCES.search(licence) or re.search(r"\b[AL]?GPL", licence):
            unfit.append(f"{package}: {licence}")
    assert unfit == []
