from __future__ import annotations

from support.lockfile_metadata import metadata, metadata_file, shipped_lockfiles


def test_each_shipped_lockfile_has_its_metadata_beside_it() -> None:
    """If this fails: `python3 tests/support/lockfile_metadata.py`."""
    lockfiles = shipped_lockfiles()
    assert len(lockfiles) == 3
    for lockfile in lockfiles:
        assert metadata_file(lockfile).read_text(encoding="utf-8") == metadata(lockfile)
