"""The workbench: what several checks share, made once and on demand."""

import os
import shutil
import tempfile
import time

from inside import digits, mlp, mnist
from inside.check import UnreadyError


class Bench:
    """The configuration, and torch, samples and the trained model as they come to be needed."""

    def __init__(self, config):
        self.config = config
        self.claim = config.get("claim") or {}
        self.epochs = config.get("epochs") or 10
        self.gpu = bool(config.get("gpu"))
        self.started = time.monotonic()
        self._made = {}

    def once(self, name, make):
        """What `make` gives, made at the first call; if that failed, it fails likewise ever after."""
        if name not in self._made:
            try:
                self._made[name] = (make(), None)
            except Exception as error:
                self._made[name] = (None, error)
        made, error = self._made[name]
        if error is not None:
            raise error
        return made

    def asked(self, name):
        """Whether somebody asked for this so far, in vain or not."""
        return name in self._made

    def made(self, name):
        """Whether this has been made so far."""
        return name in self._made and self._made[name][1] is None

    def clear(self):
        """Remove the temporary folder."""
        if self.made("folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def torch(self):
        """The torch module, set to one thread: so the numbers repeat, and no quota slows it down."""
        try:
            return self.once("torch", self._import_torch)
        except Exception as error:
            raise UnreadyError("torch does not import: %s: %s" % (type(error).__name__, error))

    def _import_torch(self):
        import torch

        self.default_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        return torch

    @property
    def folder(self):
        """A writable folder for temporary files."""
        try:
            return self.once("folder", lambda: tempfile.mkdtemp(prefix="envbuild-"))
        except OSError as error:
            raise UnreadyError(
                "no writable folder for temporary files (%s); run with a tmpfs at /tmp" % error
            )

    def file(self, name):
        """A path in the temporary folder."""
        return os.path.join(self.folder, name)

    @property
    def wants_cuda(self):
        """Whether this image is one for GPUs: its torch was built with CUDA, or it is said to be."""
        return self.claim.get("cuda") is not None or self.torch.version.cuda is not None

    @property
    def digits(self):
        """The synthetic digits."""
        return self.once("digits", lambda: digits.samples(self.torch))

    @property
    def samples(self):
        """What the model learns from: MNIST where it was mounted, otherwise the digits."""
        if not self.config.get("mnist"):
            return self.digits
        return self.once("mnist", lambda: mnist.samples(self.torch, self.config["mnist"]))

    @property
    def trained(self):
        """The model after training on `samples` on the CPU, with its losses."""
        return self.once("trained", lambda: mlp.trained(self.torch, self.samples, self.epochs))

    def time_left(self, limit):
        """`limit` seconds, or what is left of the whole run less a little for the summary."""
        whole = self.config.get("time_limit")
        if not whole:
            return limit
        return max(5.0, min(limit, whole - (time.monotonic() - self.started) - 5.0))
