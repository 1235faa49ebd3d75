"""Saving and loading: a fresh model with the loaded weights gives the saved one's outputs, bit for bit."""

import os
import pickle

from inside import mlp
from inside.check import Check, judged
from inside.raw import same


def loaded(torch, path):
    """(what the file holds, whether it was read weights-only). torch has the argument from 1.13 on."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True), True
    except TypeError:
        return torch.load(path, map_location="cpu"), False
    except pickle.UnpicklingError:  # quantized tensors are refused before torch 2.4; this file is our own
        return torch.load(path, map_location="cpu", weights_only=False), False


def saved(bench, model, name):
    """The path and the size in bytes of the model's saved state."""
    path = bench.file(name)
    bench.torch.save(model.state_dict(), path)
    return path, os.path.getsize(path)


def check_saving(bench):
    """state_dict -> file -> another model: same outputs, no key missing."""
    torch, made = bench.torch, bench.trained
    path, size = saved(bench, made.model, "model.pt")
    state, weights_only = loaded(torch, path)
    fresh = mlp.fresh(torch, seed=2)
    missing, unexpected = fresh.load_state_dict(state, strict=False)
    outputs = mlp.outputs(torch, fresh.eval(), bench.samples.test_pixels)
    wrong = ["%s is missing from the file" % key for key in missing]
    wrong += ["%s in the file is unexpected" % key for key in unexpected]
    if not same(outputs, made.outputs):
        far = float((outputs - made.outputs).abs().max())
        wrong.append("the loaded model's outputs differ from the saved one's by up to %g" % far)
    values = {"bytes": size, "weights_only": weights_only}
    return judged(wrong, values, {"difference": 0})


CHECKS = (Check("save.load", "saved and loaded weights give the same outputs", "basic", True, check_saving),)
