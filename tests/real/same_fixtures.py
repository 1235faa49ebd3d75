"""The small lock, made once for all modules that name this file in `pytest_plugins`."""

from collections.abc import Iterator

import pytest
from engine_members import address
from interpreter import mirror, with_its_own_prefix
from small_lock import Small
from small_wheels import offered
from workplace import supply, workplace


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The lock, and a place at the Docker engine that has all of its files."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "python").mkdir()
    listing = mirror(folder / "python", with_its_own_prefix("3.11"))
    settings = {**offered(folder / "wheels"), "UV_PYTHON_DOWNLOADS_JSON_URL": str(listing)}
    with workplace(folder / "job", address("docker"), env=settings) as job:
        found = Small(job=job, matrix=folder / "job" / "small.yaml")
        assert found.write("small") == found.matrix
        supply(job, found.matrix, found.mirror)
        yield found
