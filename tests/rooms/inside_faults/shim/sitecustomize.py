"""Breaks one thing at a time, by name, in the interpreter that runs the verifier and in its children."""

import importlib.util
import os
import sys

FAULTS = [name for name in os.environ.get("ENVBUILD_FAULTS", "").split(",") if name]


class AfterTorch:
    """Applies the faults as soon as torch has been imported."""

    def find_spec(self, name, path=None, target=None):
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_break(module):
            load(module)
            import device_faults
            import torch_faults

            for fault in FAULTS:
                for faults in (torch_faults, device_faults):
                    getattr(faults, fault, lambda torch: None)(module)

        spec.loader.exec_module = load_and_break
        return spec


if FAULTS:
    import plain_faults

    for fault in FAULTS:
        getattr(plain_faults, fault, lambda: None)()
    sys.meta_path.insert(0, AfterTorch())
