"""A DataLoader with two workers: processes, their queues and shared memory."""

from inside.check import Check, judged

COUNT = 64


class Rows:
    """A dataset of rows that tell which worker made them."""

    def __init__(self, torch, worker_info):
        self.torch = torch
        self.worker_info = worker_info

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        worker = self.worker_info()
        return self.torch.tensor([index, index * index, -1 if worker is None else worker.id] + [0] * 253)


def check_loader(bench):
    """Two workers deliver every sample, in order. They are forked: Python 3.14 changed the default."""
    torch = bench.torch
    from torch.utils.data import DataLoader, get_worker_info

    rows = Rows(torch, get_worker_info)
    batches = DataLoader(rows, batch_size=8, num_workers=2, multiprocessing_context="fork", timeout=60)
    found = torch.cat(list(batches)).tolist()
    workers = sorted({row[2] for row in found})
    wrong = []
    if [row[:2] for row in found] != [[index, index * index] for index in range(COUNT)]:
        wrong.append("the workers delivered other samples")
    if workers != [0, 1]:
        wrong.append("the workers %s delivered, not 0 and 1" % workers)
    return judged(
        wrong, {"samples": len(found), "workers": workers}, hint="look at shm.size and the limit on processes"
    )


CHECKS = (Check("loader.workers", "a DataLoader with two workers delivers", "basic", True, check_loader),)
