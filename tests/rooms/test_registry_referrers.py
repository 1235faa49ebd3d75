"""What is attached to a manifest, in the registry's list or in the index that stands in for it."""

import json
import threading

import pytest
from registry_server import Answer, Fault, client, error, serve, sha256

from builder.errors import InputError, OutsideError
from builder.registry.api import INDEX, MANIFEST, Referrer

SUBJECT = sha256(b"image")
TAG = SUBJECT.replace(":", "-")
SBOM, PROOF = "application/spdx+json", "application/vnd.in-toto+json"


def paper(kind: str, name: str = "x", subject: str = SUBJECT) -> bytes:
    """A manifest with a subject."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": 5},
        "annotations": {"name": name},
    }
    return json.dumps(document).encode()


@pytest.fixture(params=[True, False], ids=["list", "index"])
def server(request):
    """A registry that lists referrers itself, and one that does not."""
    with serve(lists=request.param) as running:
        yield running


@pytest.fixture
def old():
    with serve(lists=False) as running:
        yield running


def digests(registry, kind: str | None = None) -> set[str]:
    return {each.digest for each in registry.referrers("team/torch", SUBJECT, kind)}


def test_what_is_attached_is_listed(server):
    registry = client(server)
    one, two = paper(SBOM), paper(PROOF)
    assert registry.attach("team/torch", one, MANIFEST) == sha256(one)
    assert registry.attach("team/torch", two, MANIFEST) == sha256(two)
    assert digests(registry) == {sha256(one), sha256(two)}
    assert digests(registry, SBOM) == {sha256(one)}
    assert digests(registry, "other") == set()
    assert server.manifests["team/torch"][sha256(one)] == (one, MANIFEST)
    assert (TAG in server.manifests["team/torch"]) is not server.lists


def test_nothing_is_attached_to_what_nobody_knows(server):
    assert client(server).referrers("team/torch", SUBJECT) == ()


def test_attaching_again_changes_nothing(server):
    registry = client(server)
    registry.attach("team/torch", paper(SBOM), MANIFEST)
    before = json.dumps(server.manifests["team/torch"].get(TAG, [b""])[0].decode())
    registry.attach("team/torch", paper(SBOM), MANIFEST)
    assert json.dumps(server.manifests["team/torch"].get(TAG, [b""])[0].decode()) == before
    assert len(digests(registry)) == 1


def test_a_referrer_tells_what_it_is(old):
    body = paper(SBOM, name="papers")
    registry = client(old)
    registry.attach("team/torch", body, MANIFEST)
    assert registry.referrers("team/torch", SUBJECT) == (
        Referrer(
            digest=sha256(body),
            size=len(body),
            media_type=MANIFEST,
            artifact_type=SBOM,
            annotations=(("name", "papers"),),
        ),
    )


def test_the_config_tells_the_kind_of_older_artifacts(old):
    document = json.loads(paper(SBOM)) | {"artifactType": None, "config": {"mediaType": PROOF}}
    registry = client(old)
    registry.attach("team/torch", json.dumps(document).encode(), MANIFEST)
    assert [each.artifact_type for each in registry.referrers("team/torch", SUBJECT)] == [PROOF]


def index(*entries: dict) -> tuple[bytes, str]:
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}).encode(), INDEX


def entry(body: bytes) -> dict:
    return {
        "mediaType": MANIFEST,
        "digest": sha256(body),
        "size": len(body),
        "artifactType": PROOF,
        "urls": ["x"],
    }


def test_entries_of_others_stay_as_they_are(old):
    theirs = entry(paper(PROOF, name="theirs"))
    old.manifests["team/torch"] = {TAG: index(theirs)}
    client(old).attach("team/torch", paper(SBOM), MANIFEST)
    document = json.loads(old.manifests["team/torch"][TAG][0])
    assert document["manifests"][0] == theirs
    assert [each["digest"] for each in document["manifests"]] == [theirs["digest"], sha256(paper(SBOM))]


def test_an_entry_that_another_writer_lost_is_written_again(old):
    theirs = entry(paper(PROOF, name="theirs"))

    def overtaken(asked):
        answer = old.answer(asked)
        old.manifests["team/torch"][TAG] = index(theirs)  # written by somebody who read before us
        return answer

    old.faults.append(Fault("PUT", f"/manifests/{TAG}", overtaken, times=2))
    registry = client(old)
    registry.attach("team/torch", paper(SBOM), MANIFEST)
    assert digests(registry) == {theirs["digest"], sha256(paper(SBOM))}


def test_an_entry_that_another_writer_kept_is_not_written_again(old):
    theirs = entry(paper(PROOF, name="theirs"))

    def joined(asked):
        answer = old.answer(asked)
        ours = json.loads(asked.body)["manifests"]
        old.manifests["team/torch"][TAG] = index(*ours, theirs)
        return answer

    old.faults.append(Fault("PUT", f"/manifests/{TAG}", joined))
    client(old).attach("team/torch", paper(SBOM), MANIFEST)
    assert len(old.seen("PUT", TAG)) == 1


def test_threads_lose_no_entry(old):
    registry = client(old)
    papers = [paper(SBOM, name=str(number)) for number in range(8)]
    threads = [
        threading.Thread(target=registry.attach, args=("team/torch", body, MANIFEST)) for body in papers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests(registry) == {sha256(body) for body in papers}


def test_a_registry_that_lists_later_is_waited_for():
    def unsaid(asked):
        answer = server.answer(asked)
        answer.headers.pop("OCI-Subject")
        return answer

    nothing = Answer(200, {"Content-Type": INDEX}, index()[0])
    with serve(lists=True) as server:
        server.faults += [Fault("PUT", "", unsaid, times=2), Fault("GET", "/referrers/", nothing)]
        registry = client(server)
        registry.attach("team/torch", paper(SBOM), MANIFEST)
        assert digests(registry) == {sha256(paper(SBOM))}
        assert len(server.seen("PUT")) == 2


def test_the_subject_that_a_registry_names_is_enough():
    with serve(lists=True) as server:
        client(server).attach("team/torch", paper(SBOM), MANIFEST)
        assert server.seen("GET", "/referrers/") == []


@pytest.mark.parametrize(
    "answer", [error(404, "X"), error(405, "X"), Answer(501), Answer(200, body=b"<html>")]
)
def test_a_registry_without_a_list_is_known_by_its_answer(old, answer):
    old.faults.append(Fault("GET", "/referrers/", answer, times=9))
    registry = client(old)
    registry.attach("team/torch", paper(SBOM), MANIFEST)
    assert digests(registry) == {sha256(paper(SBOM))}


def test_all_pages_of_a_list_are_read(old):
    bodies = [paper(SBOM, name=str(number)) for number in range(3)]

    def page(number: int) -> Answer:
        link = f'</v2/team/torch/referrers/{SUBJECT}?page={number + 1}>; rel="next"'
        content = index(entry(bodies[number]))[0]
        return Answer(200, {"Content-Type": INDEX, **({"Link": link} if number < 2 else {})}, content)

    old.faults.append(
        Fault("GET", "/referrers/", lambda asked: page(int(asked.query.get("page", ["0"])[0])), times=3)
    )
    assert digests(client(old)) == {sha256(body) for body in bodies}


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (f"/v2/team/torch/referrers/{SUBJECT}", "more than 64 pages"),
        ("https://evil.example.org/x", "another host"),
    ],
)
def test_a_list_without_end_or_elsewhere_is_refused(old, link, words):
    answer = Answer(200, {"Content-Type": INDEX, "Link": f'<{link}>; rel="next"'}, index()[0])
    old.faults.append(Fault("GET", "/referrers/", answer, times=99))
    with pytest.raises(OutsideError, match=words):
        client(old).referrers("team/torch", SUBJECT)


@pytest.mark.parametrize(
    "document",
    [{}, {"manifests": 5}, {"manifests": [5]}, {"manifests": [{"digest": "../x", "size": 1}]},
     {"manifests": [{"digest": SUBJECT, "size": "1"}]}],
)  # fmt: skip
def test_a_list_of_nonsense_is_refused(old, document):
    old.manifests["team/torch"] = {TAG: (json.dumps(document | {"mediaType": INDEX}).encode(), INDEX)}
    with pytest.raises(OutsideError, match="the list of what is attached"):
        client(old).referrers("team/torch", SUBJECT)


def test_a_tag_that_holds_something_else_is_not_overwritten(old):
    old.manifests["team/torch"] = {TAG: (paper(PROOF), MANIFEST)}
    with pytest.raises(OutsideError, match="should hold an index"):
        client(old).attach("team/torch", paper(SBOM), MANIFEST)
    assert old.manifests["team/torch"][TAG] == (paper(PROOF), MANIFEST)


@pytest.mark.parametrize("body", [b"{}", b"x", b"[]", paper(SBOM, subject="latest")])
def test_only_what_has_a_subject_can_be_attached(old, body):
    with pytest.raises(InputError):
        client(old).attach("team/torch", body, MANIFEST)
    assert old.asked == []


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_what_passes_is_waited_for(server, method):
    server.faults.append(Fault(method, "/v2/", error(503, "UNAVAILABLE"), times=3))
    registry = client(server)
    registry.attach("team/torch", paper(SBOM), MANIFEST)
    assert digests(registry) == {sha256(paper(SBOM))}
