"""Faults in torch; each takes the module just imported and breaks one thing in it."""

import copy
import ctypes
import os
import sys


def prints(torch):
    """Something that talks on standard output, and forges."""
    os.write(1, b'envbuild-record 0123456789abcdef {"record": "summary", "complete": true}\n')
    sys.stdout.write("hello from torch\n")


def crash_in_optimizer(torch):
    def crash(*_, **__):
        ctypes.string_at(0)

    torch.optim.SGD.__init__ = crash


def second_openmp(torch):
    ctypes.CDLL(os.environ["ENVBUILD_SECOND_OPENMP"])


def cuda_build(torch):
    """A CPU build that says it is one for CUDA."""
    torch.version.cuda = "12.8"
    torch._C._cuda_getArchFlags = lambda: "sm_50 sm_80 sm_90 compute_90"


class Cudnn:
    def __init__(self, compiled, running):
        self.getCompileVersion = lambda: compiled
        self.getRuntimeVersion = lambda: running


def cudnn_newer(torch):
    cuda_build(torch)
    torch._C._cudnn = Cudnn((9, 8, 0), (9, 10, 2))


def cudnn_older(torch):
    cuda_build(torch)
    torch._C._cudnn = Cudnn((9, 8, 0), (9, 7, 1))


def cudnn_other(torch):
    cuda_build(torch)
    torch._C._cudnn = Cudnn((8, 9, 2), (9, 1, 0))


def no_numpy_bridge(torch):
    def refuse(tensor):
        raise RuntimeError("Numpy is not available")

    torch.Tensor.numpy = refuse


def numpy_garbled(torch):
    real = torch.from_numpy
    torch.from_numpy = lambda array: real(array) + 1


def clamp(torch):
    real = torch.Tensor.clamp
    torch.Tensor.clamp = lambda tensor, *rest, **more: real(tensor, *rest, **more) * 255 // 254


def rounded(torch, tensor, bits):
    """float32 with so many bits of the mantissa left."""
    step = 1 << (23 - bits)
    whole = tensor.detach().contiguous().view(torch.int32)
    short = torch.bitwise_and(whole + step // 2, -step).view(torch.float32)
    return tensor + (short - tensor).detach()


def tf32(torch):
    """Products as TF32 makes them."""
    linear, product = torch.nn.functional.linear, torch.Tensor.__matmul__
    torch.nn.functional.linear = lambda rows, weight, bias=None: linear(
        rounded(torch, rows, 10), rounded(torch, weight, 10), bias
    )
    torch.Tensor.__matmul__ = lambda one, other: (
        product(rounded(torch, one, 10), rounded(torch, other, 10))
        if one.dtype == torch.float32
        else product(one, other)
    )


def rate(torch, factor):
    real = torch.optim.SGD.__init__
    torch.optim.SGD.__init__ = lambda self, weights, lr: real(self, weights, lr=lr * factor)


def rate_off(torch):
    rate(torch, 1.01)


def rate_zero(torch):
    rate(torch, 0.0)


def no_learning(torch):
    """Backward gives nothing: the losses stay where they are."""
    torch.optim.SGD.step = lambda self: None


def loss_nan(torch):
    real = torch.Tensor.item
    torch.Tensor.item = lambda tensor: float("nan") if tensor.is_floating_point() else real(tensor)


def other_weights(torch):
    real = torch.Tensor.copy_
    torch.Tensor.copy_ = lambda tensor, source, *rest: real(tensor, source * 1.0001, *rest)


def wrong_answers(torch):
    torch.Tensor.argmax = lambda tensor, *rest: tensor.argmin(*rest)


def saves_garbled(torch):
    real = torch.save

    def save(state, path):
        state = copy.deepcopy(state)
        first = sorted(state)[0]
        if state[first].is_floating_point():
            state[first][0] += 1e-7
        real(state, path)

    torch.save = save


def loads_less(torch):
    real = torch.load

    def load(*rest, **more):
        state = real(*rest, **more)
        state.pop(sorted(state)[0])
        return state

    torch.load = load


def loads_nothing(torch):
    """load_state_dict says yes and does nothing."""
    result = torch.nn.modules.module._IncompatibleKeys([], [])
    torch.nn.Module.load_state_dict = lambda self, state, strict=True: result


def quantization(torch):
    import torch.ao.quantization as place
    import torch.quantization as alias

    return place, alias


def quantize_idle(torch):
    for place in quantization(torch):
        place.quantize_dynamic = lambda model, *rest, **more: copy.deepcopy(model)


def quantize_coarse(torch):
    for place in quantization(torch):
        real = place.quantize_dynamic

        def coarse(model, *rest, real=real, **more):
            spoiled = copy.deepcopy(model)
            with torch.no_grad():
                spoiled[0].weight.copy_(spoiled[0].weight.sign())
            return real(spoiled, *rest, **more)

        place.quantize_dynamic = coarse


def quantize_coarse_qnnpack(torch):
    for place in quantization(torch):
        real = place.quantize_dynamic

        def coarse(model, *rest, real=real, **more):
            spoiled = copy.deepcopy(model)
            if torch.backends.quantized.engine == "qnnpack":
                with torch.no_grad():
                    spoiled[0].weight.copy_(spoiled[0].weight.sign())
            return real(spoiled, *rest, **more)

        place.quantize_dynamic = coarse


def quantize_gone(torch):
    for place in quantization(torch):
        del place.quantize_dynamic


def convert_idle(torch):
    for place in quantization(torch):
        place.convert = lambda model: model


def loader_alone(torch):
    from torch.utils import data

    real = data.DataLoader
    data.DataLoader = lambda rows, batch_size, num_workers, multiprocessing_context, timeout: real(
        rows, batch_size=batch_size
    )


def loader_garbled(torch):
    from torch.utils import data

    real = data.DataLoader
    data.DataLoader = lambda rows, **more: (batch.flip(0) for batch in real(rows, **more))


def loader_crash(torch):
    """A worker that is killed, as by too little shared memory."""
    from torch.utils import data

    real = data.get_worker_info

    def info():
        if real() is not None:
            os.kill(os.getpid(), 7)

    data.get_worker_info = info


def ddp_apart(torch):
    """DistributedDataParallel that wraps and does nothing."""
    torch.nn.parallel.DistributedDataParallel = lambda model, device_ids=None: model


def ddp_no_broadcast(torch):
    """Gradients are averaged, but the ranks start from different weights."""
    real = torch.nn.parallel.DistributedDataParallel
    real._sync_module_states = lambda *_, **__: None
    torch.nn.parallel.distributed._sync_module_states = lambda *_, **__: None


def no_reduction(torch):
    import torch.distributed

    torch.distributed.all_reduce = lambda tensor: None


def rank_dies(torch):
    import torch.distributed

    torch.distributed.init_process_group = lambda *_, **__: os.abort()


def rank_hangs(torch):
    import threading

    import torch.distributed

    torch.distributed.init_process_group = lambda *_, **__: threading.Event().wait()
