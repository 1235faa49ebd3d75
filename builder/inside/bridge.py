"""The bridge between numpy and torch."""

import importlib
import importlib.util

from inside.check import Check, failed, inapplicable, judged


def check_bridge(bench):
    """Numbers go from torch to numpy and back.

    A torch built for numpy 1 imports beside numpy 2, trains, and fails at every `.numpy()`.
    """
    torch = bench.torch
    claimed = "numpy" in dict(bench.claim.get("packages") or ())
    if not claimed and importlib.util.find_spec("numpy") is None:
        return inapplicable("numpy is not installed")
    hint = "torch before 2.3 needs numpy<2"
    try:
        numpy = importlib.import_module("numpy")
        values = {"numpy": numpy.__version__}
        there = torch.arange(6, dtype=torch.float32).view(2, 3).numpy()
        back = torch.from_numpy(numpy.arange(6, dtype="int64").reshape(2, 3) * 2)
    except Exception as error:
        return failed("%s: %s" % (type(error).__name__, error), hint=hint)
    wrong = []
    if there.tolist() != [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]:
        wrong.append("torch to numpy gave %s" % there.tolist())
    if back.tolist() != [[0, 2, 4], [6, 8, 10]]:
        wrong.append("numpy to torch gave %s" % back.tolist())
    return judged(wrong, values, hint=hint)


CHECKS = (Check("numpy.bridge", "numbers go from torch to numpy and back", "static", True, check_bridge),)
