"""Two OSes with one environment share its layers: in the engine, on disk, and in a registry."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import registry
import workplace
from engine_members import address
from small_lock import THIRTEEN, TWELVE, Small
from workplace import Built

pytest_plugins = ("same_fixtures",)
pytestmark = pytest.mark.real


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both cells, and the layers that are theirs together: the lowest ones."""

    twelve: Built
    thirteen: Built

    @property
    def environment(self) -> tuple[str, ...]:
        """By diff_id, from the lowest on."""
        lists = ([piece.diff_id for piece in one.image.layers] for one in (self.twelve, self.thirteen))
        return tuple(one for one, other in zip(*lists, strict=False) if one == other)

    @property
    def own(self) -> tuple[str, ...]:
        """What the second cell has above that."""
        return tuple(piece.diff_id for piece in self.thirteen.image.layers)[len(self.environment) :]


@pytest.fixture(scope="module")
def pair(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with workplace.workplace(folder / "job", address("docker"), mirror=small.mirror) as job:
        found = workplace.build(job, small.matrix)
        yield Pair(twelve=found[TWELVE], thirteen=found[THIRTEEN])


def test_the_environment_lies_below_what_is_per_os(pair: Pair) -> None:
    labels = [piece.label for piece in pair.thirteen.image.layers]
    assert [label.split()[0] for label in labels[-2:]] == ["base", "system"]
    assert len(pair.own) == 2
    assert len(pair.environment) == len(labels) - 2 > 2
    assert not {piece.diff_id for piece in pair.twelve.image.layers}.intersection(pair.own)


def test_the_engine_tells_so(pair: Pair) -> None:
    for built in (pair.twelve, pair.thirteen):
        assert built.told["RootFS"]["Layers"] == [piece.diff_id for piece in built.image.layers]


def test_in_the_engine_the_second_adds_its_base_and_packages(pair: Pair) -> None:
    """What an image has alone, as the engine counts it: none of the environment, all of the rest."""
    client = pair.thirteen.job.client
    stored = next(one for one in client.df()["Images"] if one["Id"] == pair.thirteen.image.stored)
    alone = stored["Size"] - stored["SharedSize"]
    sizes = unpacked(client, pair.thirteen)
    assert alone == sum(sizes[diff_id] for diff_id in pair.own)
    assert stored["SharedSize"] == sum(sizes[diff_id] for diff_id in pair.environment) > 10_000_000


def unpacked(client: docker.DockerClient, built: Built) -> dict[str, int]:
    """The bytes of each layer's files as the engine counts them. Each step of our history is a layer."""
    steps = [step["Size"] for step in reversed(client.api.history(built.image.stored))]
    return dict(zip((piece.diff_id for piece in built.image.layers), steps, strict=True))


def test_on_disk_each_layer_lies_once(pair: Pair) -> None:
    wanted = {piece.diff_id: piece for one in (pair.twelve, pair.thirteen) for piece in one.image.layers}
    tars = list(workplace.layer(pair.twelve.job, "sha256:0").parent.glob("*.tar"))
    assert {f"sha256:{path.stem}": path.stat().st_size for path in tars} == {
        diff_id: piece.size for diff_id, piece in wanted.items()
    }


def test_to_a_registry_each_layer_goes_once(pair: Pair, tmp_path: Path) -> None:
    client = pair.twelve.job.client
    with registry.running(tmp_path / "registry") as place:
        first = place.push(client, pair.twelve.image.tags[0], "team/torch", "twelve")
        before = place.blobs
        second = place.push(client, pair.thirteen.image.tags[0], "team/torch", "thirteen")
        sent = {digest: size for digest, size in place.blobs.items() if digest not in before}
    environment, own = len(pair.environment), len(pair.own)
    assert layers(first)[:environment] == layers(second)[:environment]
    assert {*layers(second)[-own:], second["config"]["digest"]} <= set(sent)
    assert len(sent) == own + 2  # the config and the manifest
    assert second["config"]["digest"] == pair.thirteen.image.id
    assert not set(sent) & set(layers(second)[:environment])


def layers(manifest: dict[str, Any]) -> list[str]:
    """Their digests, the lowest first."""
    return [one["digest"] for one in manifest["layers"]]
