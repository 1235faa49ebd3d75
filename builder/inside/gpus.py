"""Whether a GPU is to be expected here."""

from inside.check import inapplicable, waiting


def no_gpu(bench):
    """The outcome for an image that is for GPUs while none was passed to the container; None if one was."""
    if bench.gpu:
        return None
    return waiting(
        "gpu", "no GPU was passed to this container", hint="verify with --gpus on a machine that has one"
    )


def cuda_only(bench):
    """The outcome for an image for CPUs, or one that no GPU was passed to; None if there is one to check."""
    if not bench.wants_cuda:
        return inapplicable("this image is for CPUs")
    return no_gpu(bench)
