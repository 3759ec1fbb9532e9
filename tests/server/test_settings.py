"""Settings come from XUNGE_* variables only, say what is wrong with one, and are all described."""

import re
from pathlib import Path

import pytest

from server.settings import DESCRIPTIONS, from_environment, kept_secret

ROOT = Path(__file__).resolve().parents[2]


def test_empty_environment_gives_the_defaults(tmp_path: Path) -> None:
    settings = from_environment({"XUNGE_DATA": str(tmp_path)})
    assert (settings.port, settings.host, settings.couchdb_url, settings.demo) == (8000, "127.0.0.1", "", False)


def test_wrong_number_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="XUNGE_PORT"):
        from_environment({"XUNGE_DATA": str(tmp_path), "XUNGE_PORT": "eight"})


def test_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = kept_secret(tmp_path, "session")
    assert kept_secret(tmp_path, "session") == first
    assert len(first) > 40
    assert (tmp_path / "secrets" / "session").stat().st_mode & 0o077 == 0


def test_every_variable_the_code_reads_is_in_the_readme() -> None:
    source = (ROOT / "server" / "settings.py").read_text(encoding="utf-8")
    read = {f"XUNGE_{name}" for name in re.findall(r'(?:text|number)\("([A-Z_]+)"', source)}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert read == set(DESCRIPTIONS)
    assert not [name for name in read if f"`{name}`" not in readme]
