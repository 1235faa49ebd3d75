"""Settings that name folders → the folders that must be there for the user to write to."""

from __future__ import annotations

from builder.recipe.quoting import folder

# As PyTorch, Triton, NVIDIA, Hugging Face, Matplotlib, Numba, pip, uv, freedesktop.org and POSIX name them.
STORAGE = frozenset(
    {
        "TORCH_HOME",
        "TORCH_EXTENSIONS_DIR",
        "TORCHINDUCTOR_CACHE_DIR",
        "PYTORCH_KERNEL_CACHE_PATH",
        "TRITON_CACHE_DIR",
        "TRITON_HOME",
        "CUDA_CACHE_PATH",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_DATASETS_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "TRANSFORMERS_CACHE",
        "MPLCONFIGDIR",
        "NUMBA_CACHE_DIR",
        "PIP_CACHE_DIR",
        "UV_CACHE_DIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "TMPDIR",
    }
)


def folders_txt(settings: tuple[tuple[str, str], ...]) -> bytes:
    """The absolute folders that storage settings name, one a line, each once, sorted.

    A relative one depends on where a program starts, and is left to it.
    """
    found = {folder(name, value) for name, value in settings if name in STORAGE and value.startswith("/")}
    return "".join(f"{path}\n" for path in sorted(found)).encode()
