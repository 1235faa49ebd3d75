"""The rest of quantization: every engine, and static quantization with calibration."""

from inside import mlp
from inside.check import Check, inapplicable, judged
from inside.quantization import ENGINES, LIMITS, beyond, eager, eager_way, engine, measured

STATIC = ("QuantStub", "DeQuantStub", "fuse_modules", "get_default_qconfig", "prepare", "convert")


def check_engines(bench):
    """Dynamic quantization passes its gates on every engine that torch supports here."""
    torch, how = bench.torch, eager_way(bench.torch)
    if how is None:
        return inapplicable("torch has no eager quantization any more")
    backend, values, wrong = torch.backends.quantized, {}, []
    before = backend.engine
    try:
        for name in (one for one in ENGINES if one in backend.supported_engines):
            backend.engine = name
            _, _, values[name] = measured(bench, how.quantize(bench.trained.model), "engine-" + name)
            wrong += ["%s: %s" % (name, problem) for problem in beyond(values[name])]
    finally:
        backend.engine = before
    return judged(wrong if values else ["torch supports no engine"], values, LIMITS)


def static(torch, module, model, pixels):
    """A statically quantized copy of the model, calibrated on the pixels."""
    name = engine(torch)
    whole = torch.nn.Sequential(module.QuantStub(), *list(mlp.twin(model)), module.DeQuantStub()).eval()
    fused = module.fuse_modules(whole, [["1", "2"]])
    fused.qconfig = module.get_default_qconfig("fbgemm" if name == "onednn" else name)
    prepared = module.prepare(fused)
    for first in range(0, len(pixels), 256):
        mlp.outputs(torch, prepared, pixels[first : first + 256])
    return module.convert(prepared)


def check_static(bench):
    """Static quantization passes the same gates."""
    torch = bench.torch
    place, module = eager(STATIC)
    if module is None:
        return inapplicable("torch has no eager quantization any more")
    quantized = static(torch, module, bench.trained.model, bench.samples.pixels[:1024])
    _, _, values = measured(bench, quantized, "static")
    kind = type(quantized[1])
    values.update(api=place, engine=engine(torch), layer="%s.%s" % (kind.__module__, kind.__name__))
    wrong = beyond(values)
    if "quantized" not in kind.__module__:
        wrong.append("the first layer is %s: nothing was quantized" % values["layer"])
    return judged(wrong, values, LIMITS)


CHECKS = (
    Check("quantize.engines", "int8 stays right on every quantized engine", "deep", True, check_engines),
    Check("quantize.static", "static quantization stays right", "deep", True, check_static),
)
