"""Faults of GPUs and compilers that are not there, put into torch after it was imported."""

import contextlib
import sys

from torch_faults import cuda_build


def fake_gpu(torch):
    """Two GPUs that are really the CPU."""
    cuda_build(torch)
    cuda = torch.cuda
    cuda.is_available, cuda.device_count = (lambda: True), (lambda: 2)
    cuda.get_device_name, cuda.get_device_capability = (lambda device=0: "fake"), (lambda device=0: (8, 0))
    cuda.synchronize, cuda.set_device = (lambda device=0: None), (lambda device=0: None)

    def here(real):
        def move(self, *rest, **more):
            rest = tuple("cpu" if str(one).startswith("cuda") else one for one in rest)
            return real(self, *rest, **more)

        return move

    torch.Tensor.to, torch.nn.Module.to = here(torch.Tensor.to), here(torch.nn.Module.to)

    class Replicas(torch.nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, rows):
            return torch.cat([self.module(half) for half in rows.chunk(2)])

    torch.nn.DataParallel = Replicas
    fake_nccl(torch)


def fake_nccl(torch):
    import torch.distributed

    join, wrap = torch.distributed.init_process_group, torch.nn.parallel.DistributedDataParallel
    torch.distributed.init_process_group = lambda backend, **more: join("gloo", **more)
    torch.nn.parallel.DistributedDataParallel = lambda model, device_ids=None: wrap(model)


def replicas_wrong(torch):
    real = torch.nn.DataParallel.forward
    torch.nn.DataParallel.forward = lambda self, rows: real(self, rows) * 1.001


def gpu_asserts(torch):
    def refuse(*_):
        raise RuntimeError("CUDA error: device-side assert triggered")

    torch.Tensor.__setitem__ = refuse


def gpu_silent(torch):
    torch.Tensor.__setitem__ = lambda *_: None


def gpu_lost(torch):
    torch.cuda.is_available = lambda: False


def compile_wrong(torch):
    torch.compile = lambda model: lambda rows: model(rows) * 1.001


def compile_same(torch):
    torch.compile = lambda model: model


def no_mixed_precision(torch):
    torch.autocast = lambda *_, **__: contextlib.nullcontext()


def not_importable(torch):
    sys.modules.pop("torch", None)
    raise ImportError("libtorch_cpu.so: undefined symbol: broken")


def gpu_count(torch):
    torch.cuda.device_count = lambda: 1


def many_threads(torch):
    torch.get_num_threads = lambda: 8
