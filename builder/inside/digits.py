"""Synthetic digits: integers from end to end, so that every torch on every processor makes the same bytes."""

from typing import Any, NamedTuple

from inside.raw import digest

# 5x7 bitmaps of 0-9: a byte per row, its low five bits are the pixels.
FONT = (
    "0e11131519110e040c040404040e0e11010204081f1f02040201110e02060a121f0202"
    "1f101e0101110e0608101e11110e1f0102040808080e11110e11110e0e11110f01020c"
)  # fmt: skip
MODULUS = 2147483647  # Park and Miller's generator; its products stay far below 2**63
TRAIN, TEST = 4096, 1024
PIXELS = 784
LANES = PIXELS + 4  # a lane per pixel's noise, then: shift down, shift right, ink, class


class Samples(NamedTuple):
    """Pixels as uint8 (count, 784), classes as int64 (count,); for training and for testing."""

    pixels: Any
    classes: Any
    test_pixels: Any
    test_classes: Any
    source: str


def integers(start, count):
    """`count` numbers of Park and Miller's generator with the other multiplier, as Python integers."""
    numbers = []
    for _ in range(count):
        start = start * 16807 % MODULUS
        numbers.append(start)
    return numbers


def draws(torch, count):
    """Random integers in [0, 2**31), shape (count, LANES): a step of all lanes per row."""
    lanes = torch.tensor(integers(20240229, LANES), dtype=torch.int64)
    rows = torch.empty((count, LANES), dtype=torch.int64)
    for row in range(count):
        lanes = torch.remainder(lanes * 48271, MODULUS)
        rows[row] = lanes
    return rows


def masks(torch):
    """Where the ink goes, 0 or 1, shape (90, 784): class * 9 + shift down * 3 + shift right."""
    flat = []
    rows = bytes.fromhex(FONT)
    for figure in range(10):
        glyph = rows[figure * 7 : figure * 7 + 7]
        for down in range(3):
            for right in range(3):
                image = [0] * PIXELS
                for y in range(21):
                    for x in range(15):
                        if glyph[y // 3] >> (4 - x // 3) & 1:
                            image[(y + 2 + down) * 28 + x + 5 + right] = 1
                flat.extend(image)
    return torch.tensor(flat, dtype=torch.int64).view(90, PIXELS)


def drawn(rows, shapes):
    """One block of images and classes: ink over noise, cut off at 255."""
    extra = rows[:, PIXELS:]
    down, right = extra[:, 0].remainder(3), extra[:, 1].remainder(3)
    ink, figure = extra[:, 2].remainder(64) + 64, extra[:, 3].remainder(10)
    noise = rows[:, :PIXELS].remainder(192)
    return (noise + shapes[figure * 9 + down * 3 + right] * ink.view(-1, 1)).clamp(max=255), figure


def samples(torch, train=TRAIN, test=TEST):
    """Digits to learn and digits to be tested on; fewer are the first ones of the same row."""
    rows, shapes = draws(torch, train + test), masks(torch)
    pixels = torch.empty((train + test, PIXELS), dtype=torch.uint8)
    classes = torch.empty(train + test, dtype=torch.int64)
    for first in range(0, train + test, 512):  # in blocks, to keep the memory small
        block, figures = drawn(rows[first : first + 512], shapes)
        pixels[first : first + 512] = block.to(torch.uint8)
        classes[first : first + 512] = figures
    return Samples(pixels[:train], classes[:train], pixels[train:], classes[train:], "digits")


def samples_digest(torch, made):
    """sha256 over all pixels and classes, both as bytes."""
    parts = (made.pixels, made.test_pixels, made.classes.to(torch.uint8), made.test_classes.to(torch.uint8))
    return digest(*parts)
