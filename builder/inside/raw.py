"""The raw bytes of tensors, without numpy and without torch's storages (their interface changed)."""

import ctypes
import hashlib


def content(tensor):
    """A CPU copy of the tensor as bytes."""
    tensor = tensor.detach().cpu().contiguous()
    return ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())


def filled(torch, shape, dtype, source):
    """A new tensor that holds the bytes of `source`."""
    tensor = torch.empty(shape, dtype=dtype)
    size = tensor.numel() * tensor.element_size()
    if len(source) != size:
        raise ValueError("%d bytes for a tensor of %d" % (len(source), size))
    ctypes.memmove(tensor.data_ptr(), source, size)
    return tensor


def digest(*tensors):
    """sha256 over the bytes of the tensors, in order."""
    total = hashlib.sha256()
    for tensor in tensors:
        total.update(content(tensor))
    return total.hexdigest()


def weights_digest(model):
    """sha256 over the model's weights, in order of their names."""
    state = model.state_dict()
    return digest(*[state[name] for name in sorted(state)])


def same(one, other):
    """Whether two tensors hold the same bytes."""
    return (
        tuple(one.shape) == tuple(other.shape) and one.dtype == other.dtype and content(one) == content(other)
    )
