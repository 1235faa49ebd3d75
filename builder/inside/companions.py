"""torchvision and torchaudio: they import beside this torch, and an operation of each is right."""

import importlib
import importlib.util

from inside import versions
from inside.check import Check, inapplicable, judged

NAMES = ("torchvision", "torchaudio")


def use_torchvision(torch, module):
    """Non-maximum suppression, which lives in torchvision's own library."""
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 11.0, 11.0], [20.0, 20.0, 30.0, 30.0]])
    importlib.import_module("torchvision.ops")
    kept = module.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()
    return [] if kept == [0, 2] else ["torchvision.ops.nms kept %s, not [0, 2]" % kept]


def use_torchaudio(torch, module):
    """Resampling to the same rate, and a spectrogram's shape."""
    importlib.import_module("torchaudio.transforms")
    wave = torch.arange(800, dtype=torch.float32).remainder(16).view(1, 800)
    shape = tuple(module.transforms.Spectrogram(n_fft=64)(wave).shape)
    return (
        []
        if shape == (1, 33, 26)
        else ["torchaudio's spectrogram has the shape %s, not (1, 33, 26)" % (shape,)]
    )


USES = {"torchvision": use_torchvision, "torchaudio": use_torchaudio}


def cuda_major(module):
    """CUDA's major version that the module was built for, or None; torchvision tells 12080 for 12.8."""
    built = getattr(getattr(module, "version", None), "cuda", None)
    if isinstance(built, int):
        return built // 1000 if built > 0 else None
    return int(built.split(".")[0]) if built else None


def tried(torch, name, claimed):
    """(problems, version) of one companion."""
    try:
        module = importlib.import_module(name)
        found = str(module.__version__)
        problems = USES[name](torch, module)
    except Exception as error:
        return ["%s: %s: %s" % (name, type(error).__name__, error)], None
    if claimed and not versions.same(found, claimed):
        problems.append("%s says it is %s, not %s" % (name, found, claimed))
    built = cuda_major(module)
    if built and torch.version.cuda and built != int(torch.version.cuda.split(".")[0]):
        problems.append("%s is built for CUDA %d, torch for %s" % (name, built, torch.version.cuda))
    return problems, found


def claims(bench):
    """The claimed versions of the companions, by name."""
    return {name: text for name, text in bench.claim.get("packages") or () if name in NAMES}


def present(bench):
    """The companions that are installed or ought to be."""
    return [name for name in NAMES if name in claims(bench) or importlib.util.find_spec(name)]


def none_there(bench):
    """The outcome where there is nothing to import."""
    return None if present(bench) else inapplicable("neither torchvision nor torchaudio is installed")


def check_companions(bench):
    """What is installed or claimed of torchvision and torchaudio works with this torch."""
    claimed, wrong, values = claims(bench), [], {}
    for name in present(bench):
        problems, values[name] = tried(bench.torch, name, claimed.get(name))
        wrong += problems
    return judged(wrong, values, claimed, "take the release that belongs to this torch, from the same index")


CHECKS = (
    Check(
        "companions",
        "torchvision and torchaudio work with this torch",
        "static",
        True,
        check_companions,
        120,
        none_there,
    ),
)
