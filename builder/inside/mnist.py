"""MNIST from IDX files that the user mounted, plain or gzipped, without numpy."""

import gzip
import os
import struct

from inside.check import UnreadyError
from inside.digits import Samples
from inside.raw import filled

FILES = ("train-images", "train-labels", "t10k-images", "t10k-labels")


def located(folder, stem):
    """The path of a file such as `train-images-idx3-ubyte`, in the spellings that are about."""
    kind = "idx3" if stem.endswith("images") else "idx1"
    for joint in ("-", "."):
        for ending in ("", ".gz"):
            path = os.path.join(folder, "%s%s%s-ubyte%s" % (stem, joint, kind, ending))
            if os.path.isfile(path):
                return path
    raise UnreadyError("%s has no %s-%s-ubyte (or .gz)" % (folder, stem, kind))


def read(path):
    """(sizes, bytes) of an IDX file of unsigned bytes; a file that is cut off is refused."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as stream:
        head = stream.read(4)
        if len(head) != 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 3:
            raise ValueError("%s is not an IDX file of unsigned bytes" % path)
        sizes = struct.unpack(">%dI" % head[3], stream.read(4 * head[3]))
        body = stream.read()
    expected = 1
    for size in sizes:
        expected *= size
    if len(body) != expected:
        raise ValueError("%s holds %d bytes where its header says %d" % (path, len(body), expected))
    return sizes, body


def part(torch, folder, stem):
    """(pixels, classes) of the training or the test part."""
    sizes, pixels = read(located(folder, stem + "-images"))
    (count,), classes = read(located(folder, stem + "-labels"))
    if len(sizes) != 3 or sizes[1:] != (28, 28) or sizes[0] != count or count == 0:
        raise ValueError(
            "%s: %d images of %s and %d labels" % (stem, sizes[0], "x".join(map(str, sizes[1:])), count)
        )
    if max(classes) > 9:
        raise ValueError("%s has a label above 9" % stem)
    images = filled(torch, (count, 784), torch.uint8, pixels)
    return images, filled(torch, (count,), torch.uint8, classes).to(torch.int64)


def samples(torch, folder):
    """Everything in the folder."""
    pixels, classes = part(torch, folder, "train")
    test_pixels, test_classes = part(torch, folder, "t10k")
    return Samples(pixels, classes, test_pixels, test_classes, "mnist")
