"""One rank of a distributed run: a child process of the parallel checks."""

import datetime

from inside import digits, mlp
from inside.raw import content, digest

STEPS = 8


def batches(samples):
    """The eight batches that all processes agree on."""
    return [
        (samples.pixels[first : first + 64], samples.classes[first : first + 64])
        for first in range(0, STEPS * 64, 64)
    ]


def steps(torch, model, work, device="cpu"):
    """Train on batches; gives the gradients of the last one, in order of the weights."""
    optimizer = torch.optim.SGD(model.parameters(), lr=mlp.RATE)
    criterion = torch.nn.CrossEntropyLoss()
    for pixels, classes in work:
        optimizer.zero_grad()
        criterion(model(mlp.inputs(torch, pixels).to(device)), classes.to(device)).backward()
        optimizer.step()
    return [weight.grad for weight in model.parameters()]


def flat(torch, model):
    """All weights in one row, on the CPU."""
    return torch.cat([weight.detach().cpu().reshape(-1) for weight in model.parameters()])


def shares(pixels, number, size):
    """The rows of a batch that belong to a rank."""
    return pixels[number * len(pixels) // size : (number + 1) * len(pixels) // size]


def rank(task):
    """Join the group, train on a share of each batch, tell the result. Only rank 0 has the right weights."""
    import torch

    torch.set_num_threads(1)
    number, size, device = task["rank"], task["size"], "cpu"
    if task["backend"] == "nccl":
        device = "cuda:%d" % number
        torch.cuda.set_device(number)
        from inside.precision import precise

        precise(torch)
    limit = datetime.timedelta(seconds=task["limit"])
    where = "file://" + task["meeting"]
    torch.distributed.init_process_group(
        task["backend"], init_method=where, rank=number, world_size=size, timeout=limit
    )
    total = (torch.arange(8, dtype=torch.float32) * (number + 1)).to(device)
    torch.distributed.all_reduce(total)
    samples = digits.samples(torch, STEPS * 64, 0)
    work = [
        (shares(pixels, number, size), shares(classes, number, size)) for pixels, classes in batches(samples)
    ]
    model = mlp.fresh(torch, seed=1 + number).to(device)
    places = [number] if task["backend"] == "nccl" else None
    wrapped = torch.nn.parallel.DistributedDataParallel(model, device_ids=places)
    gradients = steps(torch, wrapped, work, device)
    torch.distributed.barrier()
    weights = flat(torch, model)
    with open(task["weights"], "wb") as stream:
        stream.write(content(weights))
    return {
        "sum": total.tolist(),
        "weights": digest(weights),
        "gradients": digest(*gradients),
        "torch": torch.__version__,
    }
