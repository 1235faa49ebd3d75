"""The data, and training on them: held against numbers that a sound build gives."""

import math

from inside import digits, golden
from inside.check import Check, failed, inapplicable, judged, passed

TOLERANCE = 1e-5  # releases and processors differ by 1e-7, float64 by 7e-7; TF32 makes 2.5e-4 at least
REDUCED = 5e-3  # TF32 and bfloat16 stay below; another learning rate or other weights do not
FALL = 0.99  # a fall by less is rounding


def check_digits(bench):
    """The synthetic digits have the right bytes: integer arithmetic, indexing and this file are sound."""
    found = digits.samples_digest(bench.torch, bench.digits)
    limits = {"sha256": golden.DATA_SHA256}
    if found != golden.DATA_SHA256:
        return failed(
            "the digits' sha256 is another: integer arithmetic went wrong", {"sha256": found}, limits
        )
    return passed({"sha256": found}, limits)


def check_mnist(bench):
    """The mounted MNIST files can be read."""
    if not bench.config.get("mnist"):
        return inapplicable("no MNIST files were mounted")
    made = bench.samples
    return passed({"train": len(made.pixels), "test": len(made.test_pixels), "folder": bench.config["mnist"]})


def distance(losses):
    """The largest difference to the golden curve, over the epochs that both have."""
    return max(abs(mine - known) for mine, known in zip(losses, golden.CURVE))  # noqa: B905 - Python 3.6


def not_falling(losses):
    """What is wrong with a curve in itself."""
    if not all(math.isfinite(loss) for loss in losses):
        return ["a loss is not a number"]
    if len(losses) > 1 and losses[-1] > FALL * losses[0]:
        return ["the loss does not fall: %.4f at first, %.4f at last" % (losses[0], losses[-1])]
    return []


def compared(losses, tolerance, values):
    """The outcome of holding losses against the golden curve."""
    wrong = not_falling(losses)
    limits = {"distance": "<=%g" % tolerance}
    if wrong:
        return failed(wrong[0], values, limits)
    far = distance(losses)
    values = dict(values, distance=far)
    if far <= tolerance:
        return passed(values, limits)
    hint = "TF32 or another reduced precision is probably on"
    if far > REDUCED:
        hint = "the arithmetic of this build is not sound"
    return failed("the losses are up to %.2g away from the known ones" % far, values, limits, hint)


def check_curve(bench):
    """The mean loss of every epoch is the known one; on MNIST, the loss falls."""
    made = bench.trained
    values = {"losses": made.losses, "source": bench.samples.source, "epochs": len(made.losses)}
    if bench.samples.source == "mnist":
        return judged(not_falling(made.losses), values, {"last": "< first"})
    if made.init_sha256 != golden.INIT_SHA256:
        return failed("the initial weights have another sha256", dict(values, init_sha256=made.init_sha256))
    return compared(made.losses, TOLERANCE, values)


def floor(bench):
    """The share of right answers to expect."""
    if bench.samples.source == "mnist":
        return 0.80
    return golden.ACCURACY[min(bench.epochs, len(golden.ACCURACY)) - 1] - 0.01


def check_accuracy(bench):
    """The model is right on samples that it has not seen."""
    found, least = bench.trained.accuracy, floor(bench)
    wrong = (
        []
        if found >= least
        else ["it is right on %.4f of the test samples, %.4f are expected" % (found, least)]
    )
    return judged(wrong, {"accuracy": found, "source": bench.samples.source}, {"accuracy": ">=%.4f" % least})


CHECKS = (
    Check("data.digits", "the synthetic digits have the right bytes", "basic", True, check_digits),
    Check("data.mnist", "the mounted MNIST files can be read", "basic", True, check_mnist),
    Check("train.curve", "training gives the known losses", "basic", True, check_curve),
    Check("train.accuracy", "the trained model is right on unseen samples", "basic", True, check_accuracy),
)
