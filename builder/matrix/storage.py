"""Settings that name folders to write to, and the rule for their values."""

from __future__ import annotations

from pathlib import PurePosixPath

from builder.matrix.spelling import WordError
from builder.matrix.surroundings import setting_value
from builder.yamldoc import shown

# As PyTorch, Triton, NVIDIA, Hugging Face, Matplotlib, Numba, freedesktop.org and POSIX name them.
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
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "TMPDIR",
    }
)


def storage_folder(text: str) -> str:
    """The absolute path of a folder below `/`: it is made in the image, for the user to write to."""
    setting_value(text)
    if not text.startswith("/"):
        hint = "write an absolute path, for example /models, or remove the setting"
        raise WordError(f"'{shown(text)}' is not an absolute path", hint)
    path = PurePosixPath(text)
    if ".." in path.parts:
        raise WordError(f"'{shown(text)}' holds '..'", "write the path without it, for example /models")
    if not path.name:
        hint = "name a folder below it, for example /models"
        raise WordError(f"'{shown(text)}' is the whole file system", hint)
    return text
