"""Dynamic int8 quantization: smaller, nearly as right, and really done. So small a net gets no faster."""

import importlib
import time
from typing import Any, Callable, NamedTuple

from inside import mlp
from inside.check import Check, UnreadyError, judged, warned
from inside.raw import same
from inside.rowwise import rowwise
from inside.saving import loaded, saved

PLACES = ("torch.ao.quantization", "torch.quantization")
ENGINES = ("x86", "fbgemm", "onednn", "qnnpack")
RATIO, AGREEMENT, DROP = 0.35, 0.98, 0.02
BATCH, PASSES = 128, 21  # of a latency: samples at once, and how often
LIMITS = {"size_ratio": "<%g" % RATIO, "agreement": ">=%g" % AGREEMENT, "accuracy_drop": "<=%g" % DROP}


class Way(NamedTuple):
    """One way to quantize: its name, a function from a model to a quantized copy, a test of its layers."""

    api: str
    quantize: Callable[[Any], Any]
    replaced: Callable[[Any], bool]


def eager(names):
    """(place, module) of the first quantization module that has all the names.

    Asked by attribute: in torch 1.10 `torch.ao.quantization` imports, but half of it is missing.
    """
    for place in PLACES:
        try:
            module = importlib.import_module(place)
        except ImportError:
            continue
        if all(hasattr(module, name) for name in names):
            return place, module
    return None, None


def engine(torch):
    """Make sure that a quantized engine is chosen, and give its name."""
    backend = torch.backends.quantized
    if backend.engine == "none":
        usable = [name for name in ENGINES if name in backend.supported_engines]
        if not usable:
            raise UnreadyError("torch has no quantized engine: %s" % list(backend.supported_engines))
        backend.engine = usable[0]
    return backend.engine


def eager_way(torch):
    """torch's own dynamic quantization, or None where it is gone."""
    place, module = eager(("quantize_dynamic",))
    if module is None:
        return None

    def quantize(model):
        return module.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    def replaced(layer):
        return "quantized.dynamic" in type(layer).__module__ and type(layer).__name__ == "Linear"

    return Way(place, quantize, replaced)


def torchao_way():
    """torchao's, or None where it is not installed or spells things in another way."""
    try:
        module = importlib.import_module("torchao.quantization")
        change, config = module.quantize_, module.Int8DynamicActivationInt8WeightConfig
    except (ImportError, AttributeError):
        return None

    def quantize(model):
        copy = mlp.twin(model)
        change(copy, config())
        return copy

    def replaced(layer):
        return type(layer.weight.data).__name__ not in ("Tensor", "Parameter")

    return Way("torchao.quantization", quantize, replaced)


def builtin_way(torch):
    """Our own, with plain int8 tensors: shows that integers work, not that the image can quantize."""
    return Way(
        "builtin", lambda model: rowwise(torch, model), lambda layer: type(layer).__name__ == "RowwiseLinear"
    )


def way(torch):
    """The best way that this image has."""
    return eager_way(torch) or torchao_way() or builtin_way(torch)


def latencies(torch, pixels, *models):
    """The median time of a forward pass of each model over a batch, in ms, taken in turns.

    Told, never judged: it is the machine's as much as the image's.
    """
    batch, times = pixels[:BATCH], [[] for _ in models]
    for _ in range(PASSES):
        for number, model in enumerate(models):
            begun = time.perf_counter()
            mlp.outputs(torch, model, batch)
            times[number].append(time.perf_counter() - begun)
    return [round(sorted(kept)[PASSES // 2] * 1e3, 4) for kept in times]


def measured(bench, quantized, name):
    """What the gates look at."""
    torch, made, samples = bench.torch, bench.trained, bench.samples
    answers = mlp.outputs(torch, quantized, samples.test_pixels)
    _, whole = saved(bench, made.model, name + "-float.pt")
    path, small = saved(bench, quantized, name + "-int8.pt")
    agreement = float((answers.argmax(1) == made.outputs.argmax(1)).sum().item()) / len(answers)
    right = mlp.accuracy(answers, samples.test_classes)
    float_ms, int8_ms = latencies(torch, samples.test_pixels, made.model, quantized)
    return answers, path, {
        "size_ratio": round(small / whole, 4),
        "agreement": agreement,
        "accuracy": right,
        "accuracy_drop": round(made.accuracy - right, 6),
        "largest_error": float((answers - made.outputs).abs().max()),
        "bytes": small,
        "float_ms": float_ms,
        "int8_ms": int8_ms,
    }  # fmt: skip


def beyond(values):
    """Which gates the values do not pass."""
    wrong = []
    if not values["size_ratio"] < RATIO:
        wrong.append("the saved size is %.3f of the float model's" % values["size_ratio"])
    if not values["agreement"] >= AGREEMENT:
        wrong.append("it gives the float model's class for only %.4f of the samples" % values["agreement"])
    if not values["accuracy_drop"] <= DROP:
        wrong.append("the share of right answers drops by %.4f" % values["accuracy_drop"])
    return wrong


def reloaded(torch, how, path):
    """A fresh model, quantized likewise, with the file's state; and whether that was read weights-only."""
    state, weights_only = loaded(torch, path)
    fresh = how.quantize(mlp.fresh(torch, seed=2).eval())
    options = {"assign": True} if how.api.startswith("torchao") else {}
    fresh.load_state_dict(state, **options)
    return fresh, weights_only


def check_dynamic(bench):
    """Quantize the trained model, save it, load it, and hold it against the float one."""
    torch = bench.torch
    how, name = way(torch), engine(torch)
    quantized = how.quantize(bench.trained.model)
    answers, path, values = measured(bench, quantized, "dynamic")
    classes = [
        "%s.%s" % (type(layer).__module__, type(layer).__name__) for layer in (quantized[0], quantized[2])
    ]
    values.update(api=how.api, engine=name, layers=classes)
    wrong = beyond(values)
    if not all(how.replaced(layer) for layer in (quantized[0], quantized[2])):
        wrong.append("the layers are %s: nothing was quantized" % " and ".join(sorted(set(classes))))
    again, values["weights_only"] = reloaded(torch, how, path)
    if not same(mlp.outputs(torch, again, bench.samples.test_pixels), answers):
        wrong.append("the loaded quantized model gives other outputs than the saved one")
    if not wrong and how.api == "builtin":
        return warned(
            "neither torch nor torchao can quantize here; a built-in stand-in was used", values, LIMITS
        )
    return judged(wrong, values, LIMITS)


CHECKS = (
    Check(
        "quantize.dynamic", "the model can be quantized to int8 and stays right", "basic", True, check_dynamic
    ),
)
