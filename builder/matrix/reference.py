"""Rules for the image's repository and its tags."""

from __future__ import annotations

import re

from builder.matrix.keys import AXES
from builder.matrix.spelling import WordError, nearest
from builder.names import TAG
from builder.yamldoc import shown

# github.com/distribution/reference, in lower case: [host[:port]/]component[/component]…
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]+\])"
_REPOSITORY = re.compile(rf"(?:{_HOST}(?::[0-9]{{1,5}})?/)?{_COMPONENT}(?:/{_COMPONENT})*")
_TAG_TEXT = re.compile(r"[A-Za-z0-9_.-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def repository(text: str) -> str:
    """`registry.example.com:5000/team/torch`: lower case, no tag, no digest."""
    if len(text) <= 255 and _REPOSITORY.fullmatch(text) and not re.fullmatch(r"[a-f0-9]{64}", text):
        return text
    hint = "write registry/team/name or a plain name"
    last = text.rpartition("/")[2]
    if "://" in text:
        hint = f"leave out '{shown(text.partition('://')[0])}://'"
    elif "@" in text:
        hint = "leave out what follows the '@'; a matrix names a repository, not one image"
    elif ":" in last:
        hint = "leave out the tag: tags are made from the cells, see `tags`"
    elif text != text.lower():
        hint = f"write it in lower case: {shown(text.lower())}"
    raise WordError(f"'{shown(text)}' is not an image repository", hint)


def tag_template(text: str) -> str:
    """Text of a tag with `{os}`, `{python}`, `{cuda}` and `{torch}` in it."""
    for name in _PLACEHOLDER.findall(text):
        if name not in AXES:
            meant = nearest(name, AXES)
            hint = f"did you mean '{{{meant}}}'?" if meant else "there are {os}, {python}, {cuda} and {torch}"
            raise WordError(f"'{{{shown(name)}}}' is nothing that a tag can hold", hint)
    around = _PLACEHOLDER.sub("", text)
    if not _TAG_TEXT.fullmatch(around) or not text or text[0] in ".-" or len(around) > 100:
        hint = (
            "a tag is letters, digits, '_', '.' and '-', not starting with '.' or '-', with {os} and the like"
        )
        if "/" in around or ":" in around:
            hint = "write only the tag; the repository stands under `image`"
        raise WordError(f"'{shown(text)}' is not a tag", hint)
    return text


def tag_pattern(text: str) -> str:
    """A tag, or a glob over tags such as `*-torch*`."""
    if not text or not _TAG_TEXT.fullmatch(re.sub(r"[*?]", "", text)):
        hint = 'write a tag, or a pattern with * in it, such as "*-torch*"'
        raise WordError(f"'{shown(text)}' is not a pattern for tags", hint)
    return text


def image(text: str) -> str:
    """An image: a repository with a tag (`registry.example.com/team/debian:12`), a digest, or both."""
    name, _, digest = text.partition("@")
    head, colon, tag = name.rpartition(":")
    repository(head if colon and "/" not in tag else name)
    if (colon and "/" not in tag and not TAG.fullmatch(tag)) or (
        "@" in text and not _DIGEST.fullmatch(digest)
    ):
        hint = "write registry/team/name:tag, with @sha256:… behind it if it must be one image for ever"
        raise WordError(f"'{shown(text)}' is not the name of an image", hint)
    return text
