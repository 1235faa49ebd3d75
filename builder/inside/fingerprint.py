"""What one build can be told by: layers, each with its own rule of comparison."""

import hashlib
import json
import platform
import struct

from inside import digits
from inside.raw import digest, weights_digest


def capability(torch):
    """The instruction set that torch chose, such as AVX2; None where it does not tell."""
    found = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
    return found() if found else None


def env_key(torch):
    """Reports with the same key may be compared bit by bit."""
    parts = [
        torch.__version__,
        torch.version.git_version,
        platform.machine(),
        processor(),
        capability(torch),
        1,
    ]
    return hashlib.sha256(json.dumps(parts).encode("ascii", "replace")).hexdigest()[:16]


def processor():
    """The processor's name."""
    try:
        with open("/proc/cpuinfo") as stream:
            names = [
                line.split(":", 1)[1].strip()
                for line in stream
                if line.startswith(("model name", "CPU part"))
            ]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def fingerprint(bench):
    """The layers. Compare `loss_curve` with a tolerance; equal hashes say more, different ones say little."""
    torch, made = bench.torch, bench.trained
    curve = struct.pack("<%dd" % len(made.losses), *made.losses)
    return {
        "source": bench.samples.source,
        "epochs": bench.epochs,
        "data_sha256": digits.samples_digest(torch, bench.samples),
        "init_sha256": made.init_sha256,
        "loss_curve": made.losses,
        "loss_curve_sha256": hashlib.sha256(curve).hexdigest(),
        "weights_sha256": weights_digest(made.model),
        "predictions_sha256": digest(made.outputs.argmax(1).to(torch.uint8)),
        "accuracy": made.accuracy,
        "env_key": env_key(torch),
    }
