"""What a registry says of how much may still be pulled; asking uses nothing up."""

import pytest
from registry_server import Answer, Fault, client, serve

from builder.errors import OutsideError
from builder.registry.api import Allowance

LIMITED = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600"}


def told(headers, status=200, **settings):
    with serve(**settings) as server:
        server.faults.append(Fault("HEAD", "/manifests/", Answer(status, headers)))
        found = client(server).allowance()
        assert [asked.method for asked in server.seen("HEAD", "/v2/ratelimitpreview/test/manifests/")] == [
            "HEAD"
        ]
        assert not server.seen("GET", "/manifests/")
        return found


@pytest.mark.parametrize("status", [200, 404, 429])
def test_the_headers_tell(status):
    assert told(LIMITED, status) == Allowance(most=100, left=76, seconds=21600)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"RateLimit-Limit": "100;w=21600"},
        {**LIMITED, "RateLimit-Remaining": "many"},
        {**LIMITED, "RateLimit-Limit": "9" * 40},
    ],
)
def test_what_says_nothing_or_nonsense_is_nothing(headers):
    assert told(headers) is None


def test_a_refusal_is_one():
    with serve() as server:
        server.faults.append(Fault("HEAD", "/manifests/", Answer(403)))
        with pytest.raises(OutsideError, match="asking how much may be pulled"):
            client(server).allowance()
