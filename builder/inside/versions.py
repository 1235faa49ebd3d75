"""Versions and version ranges as PEP 440 has them: parse, compare, match."""

import re

PATTERN = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>\d*))?"
    r"(?P<post>-(?P<post_bare>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$",
    re.IGNORECASE,
)
LETTERS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
CLAUSE = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*(\S+?)\s*$")
LAST = 1 << 62


class Version:
    """A parsed version; `key` orders as PEP 440 does, the local part last."""

    def __init__(self, text):
        match = PATTERN.match(text.strip())
        if match is None:
            raise ValueError("%r is not a version" % text)
        part = match.groupdict()
        self.epoch = int(part["epoch"] or 0)
        self.numbers = tuple(int(number) for number in part["release"].split("."))
        letter = (part["pre"] or "").lower()
        self.pre = (LETTERS.get(letter, letter), int(part["pre_number"] or 0)) if letter else None
        self.post = int(part["post_bare"] or part["post_number"] or 0) if part["post"] else None
        self.dev = int(part["dev_number"] or 0) if part["dev"] else None
        self.local = re.split(r"[-_.]", part["local"].lower()) if part["local"] else []

    @property
    def release(self):
        """The release's numbers without zeros at the end."""
        numbers = list(self.numbers)
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers)

    @property
    def public(self):
        """The order of this version without its local part."""
        if self.pre is not None:
            pre = (1,) + self.pre
        else:
            pre = (0,) if self.dev is not None and self.post is None else (2,)
        post = -1 if self.post is None else self.post
        return (self.epoch, self.release, pre, post, LAST if self.dev is None else self.dev)

    @property
    def key(self):
        """The order of this version."""
        local = tuple((1, int(word), "") if word.isdigit() else (0, 0, word) for word in self.local)
        return self.public + (local,)

    @property
    def early(self):
        """Whether this comes before its release."""
        return self.pre is not None or self.dev is not None


def starts_with(version, text):
    """Whether the version begins with the release in `text`, as `==text.*` asks."""
    prefix = Version(text)
    numbers = (version.numbers + (0,) * len(prefix.numbers))[: len(prefix.numbers)]
    return version.epoch == prefix.epoch and numbers == prefix.numbers


def equals(version, text):
    """`==`: a local part counts only if the clause has one."""
    if text.endswith(".*"):
        return starts_with(version, text[:-2])
    wanted = Version(text)
    return version.key == wanted.key if wanted.local else version.public == wanted.public


def fits(version, operator, text):
    """Whether the version fits one clause."""
    if operator == "==":
        return equals(version, text)
    if operator == "!=":
        return not equals(version, text)
    wanted = Version(text)
    if operator in ("<=", ">="):
        return (version.public <= wanted.public) if operator == "<=" else (version.public >= wanted.public)
    if operator == "~=":
        shorter = ".".join(str(number) for number in wanted.numbers[:-1])
        return version.public >= wanted.public and starts_with(version, "%d!%s" % (wanted.epoch, shorter))
    if operator == "<":  # 1.0rc1 is not <1.0
        bound = wanted if wanted.early else Version(text.split("+", 1)[0] + ".dev0")
        return version.public < bound.public
    kin = (version.epoch, version.release, version.pre) == (wanted.epoch, wanted.release, wanted.pre)
    later = version.post is not None and wanted.post is None  # 1.0.post1 is not >1.0
    return version.public > wanted.public and not (later and kin)


def matches(text, ranges):
    """Whether the version fits every comma-separated clause; early releases count. Raises ValueError."""
    for clause in (part for part in ranges.split(",") if part.strip()):
        match = CLAUSE.match(clause)
        if match is None:
            raise ValueError("%r is not a version range" % clause)
        operator, wanted = match.groups()
        if operator == "===":
            if text.strip().lower() != wanted.lower():
                return False
        elif not fits(Version(text), operator, wanted):
            return False
    return True


def same(one, other):
    """Whether two texts spell the same version; the local part counts only where both have one."""
    try:
        left, right = Version(one), Version(other)
    except ValueError:
        return one == other
    return left.key == right.key if left.local and right.local else left.public == right.public
