"""The model: 784-128-10 with ReLU, cross-entropy, SGD at 0.01, batches of 64, from integer-built weights."""

import copy
import math
from typing import Any, List, NamedTuple

from inside import digits

RATE = 0.01
BATCH = 64


class Trained(NamedTuple):
    """A trained model, the mean loss of each epoch, its share of right answers, its outputs in the test."""

    model: Any
    losses: List[float]
    accuracy: float
    outputs: Any
    init_sha256: str


def fresh(torch, seed=1):
    """A model whose weights are 24-bit integers times a power of two: exact, and the same everywhere."""
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    with torch.no_grad():
        for number, (_, weight) in enumerate(sorted(model.state_dict().items())):
            drawn = digits.integers(seed * 7919 + number * 104729, weight.numel())
            centred = torch.tensor([(value >> 7) - (1 << 23) for value in drawn], dtype=torch.int64)
            weight.copy_((centred.to(torch.float32) * 2.0**-27).view(weight.shape))
    return model


def inputs(torch, pixels):
    """Pixels as float32 from about -0.9 to 1.1, exact on every processor.

    The products have all of float32's 24 bits, so that TF32's eleven show. Centred, because a hidden unit
    that rounding switches on or off (once in millions, it will) then moves the losses by 1e-6, not by 5e-5.
    """
    return (pixels.to(torch.int32) - 112).to(torch.float32) * (65793.0 / 2.0**23)


def order(torch, count, epoch):
    """The order of the samples in an epoch: an affine permutation, no random numbers of torch's."""
    stride = (epoch * 2654435761 + 40503) % count
    while math.gcd(stride, count) != 1:
        stride += 1
    return torch.remainder(torch.arange(count, dtype=torch.int64) * stride + epoch * 97, count)


def train(torch, model, samples, epochs, device="cpu"):
    """Train in place; gives the mean loss of each epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    losses = []
    model.train()
    for epoch in range(epochs):
        total, batches = 0.0, 0
        for chosen in order(torch, len(samples.pixels), epoch).split(BATCH):
            optimizer.zero_grad()
            outputs = model(inputs(torch, samples.pixels[chosen]).to(device))
            loss = criterion(outputs, samples.classes[chosen].to(device))
            loss.backward()
            optimizer.step()
            total, batches = total + loss.item(), batches + 1
        losses.append(total / batches)
    model.eval()
    return losses


def outputs(torch, model, pixels):
    """The model's outputs for all of the pixels, on the CPU, without gradients."""
    with torch.no_grad():
        return model(inputs(torch, pixels))


def accuracy(answers, classes):
    """The share of rows whose largest output is the right class."""
    return float((answers.argmax(1) == classes).sum().item()) / len(classes)


def trained(torch, samples, epochs):
    """A fresh model, trained on the CPU."""
    from inside.raw import weights_digest

    model = fresh(torch)
    init = weights_digest(model)
    losses = train(torch, model, samples, epochs)
    answers = outputs(torch, model, samples.test_pixels)
    return Trained(model, losses, accuracy(answers, samples.test_classes), answers, init)


def twin(model):
    """A deep copy, in evaluation mode."""
    return copy.deepcopy(model).eval()
