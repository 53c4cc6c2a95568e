"""A pinned package with a known weakness is found, with nothing but a file on this disk."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.weaknesses import audit, main, pinned


def a_record(name: str = "Some_Package", **more: Any) -> dict[str, Any]:
    events = more.pop("events", [{"introduced": "0"}, {"fixed": "2.0"}])
    part = {
        "package": {"ecosystem": more.pop("ecosystem", "PyPI"), "name": name},
        "ranges": [{"type": more.pop("type", "ECOSYSTEM"), "events": events}],
        "versions": more.pop("versions", []),
    }
    modified = "2026-11-20T10:00:00Z"
    return {"id": "PYSEC-1", "summary": "Bad", "modified": modified, "affected": [part]} | more


def an_archive(at: Path, *records: dict[str, Any]) -> Path:
    path = at / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return path


SPANS = [
    pytest.param({}, {"1.9", "0.1", "2.0rc1"}, {"2.0", "2.0.1", "10.0"}, id="until it was mended"),
    pytest.param(
        {"events": [{"introduced": "1.0"}, {"last_affected": "1.5"}]},
        {"1.0", "1.5"}, {"0.9", "1.5.1"}, id="the last one affected",
    ),
    pytest.param(
        {"events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2"}, {"fixed": "2.3"}]},
        {"1.1", "2.0", "2.2"}, {"1.2", "1.9", "2.3"}, id="mended twice",
    ),
    pytest.param(
        {"events": [{"introduced": "10.0"}]}, {"10.0", "11"}, {"9.0"}, id="never mended",
    ),
    pytest.param(
        {"type": "GIT", "versions": ["1.4"]}, {"1.4"}, {"1.5"}, id="named one by one",
    ),
    pytest.param(
        {"events": [{"introduced": "2004d"}]}, {"1.0"}, set(), id="cannot be compared",
    ),
    pytest.param({"withdrawn": "2026-01-01"}, set(), {"1.0"}, id="withdrawn"),
    pytest.param({"name": "other"}, set(), {"1.0"}, id="of another package"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "weak", "sound"), SPANS)
def test_a_version_is_weak_where_a_record_says_so(
    record: dict[str, Any], weak: set[str], sound: set[str], tmp_path: Path
) -> None:
    osv = an_archive(tmp_path, a_record(**record))
    for version in weak | sound:
        found = audit(osv, {"some-package": version}).found
        assert bool(found) == (version in weak), version


def test_what_is_pinned_here_is_held_against_the_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = pinned()
    assert {"asyncpg", "temporalio", "pydantic", "pytest", "hatchling"} <= pins.keys()
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "x.json").write_text(
        json.dumps(a_record("asyncpg", events=[{"introduced": "0"}, {"fixed": "9999"}]))
    )
    assert main([str(tmp_path / "records")]) == 1
    said = capsys.readouterr().out
    assert f"asyncpg {pins['asyncpg']}: PYSEC-1 Bad (mended in 9999)" in said
    assert "1 records up to 2026-11-20: 1 weaknesses" in said
    older = a_record("asyncpg", versions=["0.0.1"], type="GIT")
    assert main([str(an_archive(tmp_path, older))]) == 0


def test_without_records_nothing_is_said_to_be_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.zip"
    damaged.write_text("no archive")
    for osv in ([], ["absent.zip"], [str(damaged)], [str(an_archive(tmp_path))],
                [str(an_archive(tmp_path, a_record(ecosystem="npm")))]):  # fmt: skip
        assert main(osv) == 2, osv
        assert "PyPI" in capsys.readouterr().err
