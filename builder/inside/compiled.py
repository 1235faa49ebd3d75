"""torch.compile, and automatic mixed precision."""

import os
import shutil
import sysconfig

from inside import mlp
from inside.check import Check, inapplicable, judged
from inside.training import not_falling

COMPILERS = ("g++", "clang++", "c++")


def compiler():
    """The C++ compiler that inductor would take, or None."""
    named = os.environ.get("CXX")
    return next(
        (found for found in map(shutil.which, ((named,) if named else ()) + COMPILERS) if found), None
    )


def compile_spared(bench):
    """What torch.compile needs and this image does not have; None if it is all there."""
    if not hasattr(bench.torch, "compile"):
        return inapplicable("torch has no torch.compile before 2.0")
    if compiler() is None:
        return inapplicable("there is no C++ compiler in the image", needs="compiler")
    header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
    if not os.path.isfile(header):
        return inapplicable("Python's headers are not in the image: %s" % header, needs="headers")
    return None


def check_compile(bench):
    """The compiled model gives the outputs of the plain one."""
    torch = bench.torch
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", bench.file("inductor"))
    model = mlp.fresh(torch).eval()
    try:
        compiled = torch.compile(model)
    except RuntimeError as error:
        if "not supported" in str(error):  # for example torch before 2.4 on Python 3.12
            return inapplicable(str(error).splitlines()[0])
        raise
    pixels = bench.digits.test_pixels
    far = float((mlp.outputs(torch, compiled, pixels) - mlp.outputs(torch, model, pixels)).abs().max())
    wrong = [] if far <= 1e-5 else ["the compiled model's outputs are up to %.2g away" % far]
    return judged(wrong, {"distance": far, "compiler": compiler()}, {"distance": "<=1e-5"})


def autocast(torch, gpu):
    """The context for mixed precision on the GPU or the CPU, or None where torch has none."""
    if gpu:
        return torch.cuda.amp.autocast
    if not hasattr(torch, "autocast") or not hasattr(torch, "bfloat16"):
        return None
    return lambda: torch.autocast("cpu", dtype=torch.bfloat16)


def check_amp(bench):
    """The loss falls in mixed precision: on a GPU float16 with scaled gradients, on a CPU bfloat16."""
    torch, gpu = bench.torch, bench.gpu and bench.wants_cuda
    mixed = autocast(torch, gpu)
    if mixed is None:
        return inapplicable("torch has no mixed precision on CPUs before 1.10")
    device = "cuda:0" if gpu else "cpu"
    model = mlp.fresh(torch).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=mlp.RATE)
    scaler = torch.cuda.amp.GradScaler(enabled=gpu)
    losses, kinds = [], set()
    for epoch in range(3):
        total = 0.0
        for chosen in mlp.order(torch, len(bench.digits.pixels), epoch).split(mlp.BATCH):
            optimizer.zero_grad()
            with mixed():
                outputs = model(mlp.inputs(torch, bench.digits.pixels[chosen]).to(device))
                kinds.add(str(outputs.dtype))
                loss = torch.nn.functional.cross_entropy(
                    outputs.float(), bench.digits.classes[chosen].to(device)
                )
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total += loss.item()
        losses.append(total / 64)
    wrong = not_falling(losses)
    if kinds != {"torch.float16" if gpu else "torch.bfloat16"}:
        wrong.append("the outputs are %s, not of reduced precision" % ", ".join(sorted(kinds)))
    return judged(wrong, {"losses": losses, "device": device, "dtypes": kinds}, {"last": "< first"})


CHECKS = (
    Check(
        "compile",
        "torch.compile gives the plain model's outputs",
        "deep",
        True,
        check_compile,
        300,
        compile_spared,
    ),
    Check("amp.train", "training in mixed precision works", "deep", True, check_amp, 180),
)
