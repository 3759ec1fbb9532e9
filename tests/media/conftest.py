"""What the upload tests share: a site of their own, a phone, and photographs small enough to be quick."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media.photographs import camera_jpeg
from tests.media.upload_site import Phone, serving


@pytest.fixture(scope="session")
def photo_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A camera's JPEG of a few hundred kilobytes."""
    return camera_jpeg(tmp_path_factory.mktemp("photo") / "small.jpg", width=1600, height=1200).read_bytes()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One running site for all tests that do not stop it: its URL and where it keeps everything."""
    folder = tmp_path_factory.mktemp("site")
    with serving(folder) as url:
        yield url, folder


@pytest.fixture
def folder(site: tuple[str, Path]) -> Path:
    """The site's folder, empty."""
    for path in site[1].iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return site[1]


@pytest.fixture
def phone(site: tuple[str, Path], folder: Path) -> Iterator[Phone]:
    """Device d1 of worker1, talking to that site."""
    one = Phone(site[0])
    yield one
    one.http.close()
