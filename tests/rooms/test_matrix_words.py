"""The words of a matrix: what is accepted and how it is then spelled, what is refused, and why."""

from contextlib import suppress

import pytest

from builder.matrix import amounts, packages, reference, storage, surroundings, words
from builder.matrix.spelling import WordError

ACCEPTED = [
    (
        words.os_name,
        {
            "ubuntu22.04": "ubuntu22.04",
            "ubuntu:22.04": "ubuntu22.04",
            "ubuntu-22.04": "ubuntu22.04",
            "debian:12": "debian12",
            "centos:7": "centos7",
            "centos:stream9": "centos-stream9",
            "centos-stream9": "centos-stream9",
            "quay.io/centos/centos:stream10": "centos-stream10",
            "rockylinux:9": "rocky9",
            "rockylinux/rockylinux:8": "rocky8",
            "almalinux:10": "alma10",
            "alma9": "alma9",
            "fedora42": "fedora42",
        },
    ),
    (words.python_version, dict.fromkeys(["3.6", "3.10", "3.11.9", "3.13t", "3.14.0t"])),
    (words.cuda_version, {"cpu": "cpu", "12.6": "12.6", "cu126": "12.6", "cu92": "9.2", "cu118": "11.8"}),
    (words.torch_version, dict.fromkeys(["1.13", "2.8", "2.8.0", "2.10.1"])),
    (
        words.os_pattern,
        {"centos*": "centos*", "ubuntu:22.04": "ubuntu22.04", "debian1[12]": "debian1[12]", "*": "*"},
    ),
    (
        words.version_pattern,
        dict.fromkeys(["2.8", "3.1?", "3.1[!02]", "<3.11", ">=2.1, <2.4", "==2.8.*", "3.13t"]),
    ),
    (words.cuda_pattern, {"cpu": "cpu", "cu126": "12.6", "12.*": "12.*", "<12": "<12"}),
    (
        reference.repository,
        dict.fromkeys(
            [
                "torch",
                "team/torch",
                "a.b:5000/x",
                "localhost/x",
                "[::1]:5000/x/y",
                "r.io/a__b/c-d--e",
                "x" * 255,
            ]
        ),
    ),
    (
        reference.tag_template,
        dict.fromkeys(["{os}-py{python}-{cuda}-torch{torch}", "{cuda}", "latest", "v1_{os}"]),
    ),
    (
        packages.pip_requirement,
        {
            "numpy": "numpy",
            " numpy >=1.26, <3 ": "numpy<3,>=1.26",
            "torchvision": "torchvision",
            "x[a,b]==1.*": "x[a,b]==1.*",
            "pip>=20; python_version < '3.9'": 'pip>=20; python_version < "3.9"',
        },
    ),
    (
        packages.system_package,
        dict.fromkeys(["git", "g++", "libstdc++-12-dev", "java-17-openjdk", "python3.11", "R"]),
    ),
    (
        surroundings.setting_name,
        dict.fromkeys(["A", "_x", "TORCH_HOME", "TOKENIZERS_PARALLELISM", "NCCL_DEBUG"]),
    ),
    (
        surroundings.setting_value,
        dict.fromkeys(["", "a b", "8.6;9.0", "it's", "#1", "{x}", "a@b", "ünï", "a=b,c"]),
    ),
    (storage.storage_folder, dict.fromkeys(["/models", "/a b/c/", "/a..b", "/.cache"])),
    (surroundings.user_name, dict.fromkeys(["app", "_x", "a-b_9", "a" * 32])),
    (amounts.size, {"3GB": 3 * 10**9, "1.5GiB": 3 * 2**29, "512 MiB": 2**29, "1KB": 1000}),
    (amounts.memory, {"256MiB": 2**28, "4GB": 4 * 10**9}),
    (amounts.duration, {"600": 600, "90s": 90, "10m": 600, "24h": 86400}),
    (amounts.count(1, 60000), {"1": 1, "60000": 60000}),
    (amounts.compute_capability, {"8.6": "8.6", "sm_86": "8.6", "sm_120": "12.0", "12.0": "12.0"}),
]


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        pytest.param(rule, text, text if expected is None else expected, id=f"{rule.__name__}-{text[:30]}")
        for rule, cases in ACCEPTED
        for text, expected in cases.items()
    ],
)
def test_accepted(rule, text, expected):
    assert rule(text) == expected


REFUSED = [
    (
        words.os_name,
        ["", "Ubuntu22.04", "debian:bookworm", "ubuntu 22.04", "22.04", "a/b", "-x", "x" * 99],
        "",
    ),
    (words.python_version, ["3", "3.", "3.011", "3.x", "python3.11", "3.11-dev", "3.1٣", "4.0"], "write 3.N"),
    (words.python_version, ["2.7"], "only Python 3"),
    (words.python_version, [">=3.10", "~=3.10", "!=3.9", "<4"], "ranges belong in exclude"),
    (words.cuda_version, ["12", "12.6.3", "gpu", "cu1", "cu1264", "cuda12.6", "012.6", ""], "one dot"),
    (words.cuda_version, ["CPU", "Cpu"], "write cpu"),
    (words.cuda_version, ["rocm6.2"], "only cpu and CUDA"),
    (words.cuda_version, [">=12"], "ranges belong in exclude"),
    (words.torch_version, ["2", "v2.8", "2.08", "2.8.0.1", "torch2.8"], "write N.N"),
    (words.torch_version, ["2.8.0+cu126"], "the cuda axis chooses"),
    (words.torch_version, ["nightly", "latest", "2.9.0rc1", "2.9.0.dev20250101"], "only releases"),
    (words.os_pattern, ["Ubuntu*", "a|b", "deb[ian", "", "a b", "x" * 200], "a glob"),
    (words.os_pattern, [">=ubuntu20"], "ubuntu2*"),
    (words.version_pattern, ["3.x", "2.8 ", "[]", "[", "", "1,2", "*" * 200], "a glob"),
    (words.version_pattern, ["<<3", "=3.10", ">", "~=3", ">= a"], '"<3.11"'),
    (words.cuda_pattern, ["cu12*", "cu*", "cuda"], '"12.*"'),
    (
        reference.repository,
        ["", "/x", "x/", "a//b", "a b", "-x", "x_", "a..b", "f" * 64, "x" * 256, "a/$b"],
        "plain name",
    ),
    (reference.repository, ["team/torch:latest", "r.io:5000/x:1"], "leave out the tag"),
    (reference.repository, ["x@sha256:0123"], "'@'"),
    (reference.repository, ["Team/torch"], "write it in lower case: team/torch"),
    (reference.repository, ["https://r.io/x"], "leave out 'https://'"),
    (
        reference.tag_template,
        ["", "{os", "os}", "{{os}}", "a b", "-{os}", ".x", "$x", "x" * 101, "é"],
        "a tag is",
    ),
    (reference.tag_template, ["{os!r}", "{os:>9}", "{os.x}", "{0}", "{}", "{ os }"], ""),
    (reference.tag_template, ["team/x", "x:y"], "only the tag"),
    (packages.pip_requirement, ["-r x.txt", "--index-url=https://a:b@c/", "-e .", "-"], "indexes come from"),
    (
        packages.pip_requirement,
        ["./x", "../x", "/x", "~/x", "x.whl", "x/y.tar.gz", "C:\\x", "file:///x"],
        "no folder",
    ),
    (
        packages.pip_requirement,
        ["x @ https://u:p@h/x.whl", "x @ https://t@h/x", "x @ https://h/x?sig=1", "https://u:p@h/x.whl"],
        "netrc",
    ),
    (
        packages.pip_requirement,
        ["x @ file:///etc", "x @ git+https://h/x", "x @ http://h/x", "x @ https:///x", "x @ https://[::1/x"],
        "find-links",
    ),
    (
        packages.pip_requirement,
        ["x @ https://h/x-1-py3-none-any.whl", "x@https://h/x ; python_version<'4'", "https://h/x.whl"],
        "find-links",
    ),
    (packages.pip_requirement, ["x @ https://${TOKEN}@h/x", "x==$V", "$(id)"], "not expanded"),
    (
        packages.pip_requirement,
        ["", "x y", "x # y", "x>=", "numpy;", "x\\", "a=b", "<x>", "x`y`"],
        "requirements.txt",
    ),
    (
        packages.pip_requirement,
        ["torch", "torch==2.8", "Torch[x]", "torch @ https://h/torch.whl"],
        "the torch and cuda axes",
    ),
    (packages.system_package, ["-y", "--force", "-"], "options"),
    (packages.system_package, ["git-"], "apt would remove it"),
    (packages.system_package, ["git=1.2"], "the distribution chooses"),
    (
        packages.system_package,
        ["", "a b", "a;b", "$(x)", "@dev", "a:i386", "x*", "é", "../x", "x" * 200],
        "apt or dnf",
    ),
    (surroundings.setting_name, ["", "1A", "A-B", "A B", "A=B", "é", "A.B", "x" * 300], "letters, digits"),
    (
        surroundings.setting_name,
        ["PATH", "Path", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "BASH_ENV"],
        "remove",
    ),
    (
        surroundings.setting_name,
        ["BUILDKIT_SYNTAX", "SOURCE_DATE_EPOCH", "DOCKER_HOST", "UV_INDEX", "PIP_CERT"],
        "remove",
    ),
    (
        surroundings.setting_name,
        ["http_proxy", "NO_PROXY", "HOME", "ENVBUILD_X", "VIRTUAL_ENV", "ENV"],
        "remove",
    ),
    (
        surroundings.setting_name,
        ["HF_TOKEN", "TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_API_KEY", "db_password"],
        "docker run -e",
    ),
    (surroundings.setting_value, ["$HOME", "${A}", "`id`", "a\\", 'say "x"'], "nothing is expanded"),
    (surroundings.setting_value, ["https://u:p@h/", "x://t@h"], "before the '@'"),
    (storage.storage_folder, ["models", "./m", "~/m", " /m", ""], "an absolute path"),
    (storage.storage_folder, ["/models/../etc", "/..", "/a/.."], "without it"),
    (storage.storage_folder, ["/", "//", "/./"], "below it"),
    (storage.storage_folder, ["/$HOME", "/a\\b"], "nothing is expanded"),
    (surroundings.user_name, ["root", "www-data", "ubuntu", "nobody", "systemd-network"], "another name"),
    (
        surroundings.user_name,
        ["staff", "users", "games", "plugdev", "sudo", "wheel", "ssh_keys"],
        "another name",
    ),
    (surroundings.user_name, ["", "App", "1a", "-x", "a b", "a.b", "a" * 33, "é", "a$"], "lower-case letter"),
    (
        amounts.size,
        ["", "3", "3G", "3gb", "-3GB", "1e3GB", "1,5GB", "9" * 50 + "GB", "٣GB"],
        "a number and a unit",
    ),
    (amounts.duration, ["", "0", "-1", "25h", "1d", "1.5h", "10 m", "9" * 40], "at most 24h"),
    (amounts.count(1, 60000), ["0", "-1", "60001", "0x10", "01", "1.0", "٣", "", "9" * 5000], "for example"),
    (
        amounts.compute_capability,
        ["8", "86", "sm86", "9.0a", "8.60", "RTX", "0.1", "99.9", "75.0", "sm_750"],
        "8.6",
    ),
]


@pytest.mark.parametrize(
    ("rule", "text", "hint"),
    [
        pytest.param(rule, text, hint, id=f"{rule.__name__}-{text[:30]}")
        for rule, cases, hint in REFUSED
        for text in cases
    ],
)
def test_refused(rule, text, hint):
    with pytest.raises(WordError) as caught:
        rule(text)
    assert hint in caught.value.hint
    assert caught.value.hint
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "text",
    [
        "--index-url=https://me:s3cret@host/simple",
        "-e git+https://s3cret@host/x",
        "x @ https://me:s3cret@host/x.whl",
        "x @ https://host/x.whl?token=s3cret",
        "x @ https://host/x.whl?token=s3cret y z",
        "x @ https://me:s3cret@[::1/x.whl",
        "x @ https://me:s3cret@host/$V",
        "https://me:s3cret@host/x.whl",
    ],
)
def test_no_message_repeats_a_credential(text):
    with pytest.raises(WordError) as caught:
        packages.pip_requirement(text)
    assert "s3cret" not in caught.value.message + caught.value.hint


@pytest.mark.timeout(60)
def test_no_text_takes_a_rule_exponential_time():
    """Texts that are nearly right, on which a careless expression backtracks for years."""
    nearly = (
        "a-" * 127 + "!",
        "a" * 254 + "!",
        "a." * 127,
        "[!0]" * 60 + "!",
        "{os}" * 60 + "!",
        "1." * 2000,
    )
    for rule in {rule for rule, _, _ in REFUSED}:
        for text in nearly:
            with suppress(WordError):
                rule(text)
