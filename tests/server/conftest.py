"""A running server of a module's own, for tests that ask it as a browser or a phone does."""

from collections.abc import Iterator

import httpx
import pytest
import redis

from tests.server.web.site import Site, make_people, running_site


@pytest.fixture(scope="module")
def site(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server whose store holds the fixed people and nothing else."""
    redis.Redis.from_url(broker_url).flushall()
    with running_site(own_store, broker_url, tmp_path_factory.mktemp("site")) as found:
        make_people(found.couch)
        yield found


@pytest.fixture
def nobody(site: Site) -> Iterator[httpx.Client]:
    """A visitor who is not signed in."""
    with site.visit() as client:
        yield client
