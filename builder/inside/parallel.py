"""Several processes, several GPUs: DistributedDataParallel with gloo and with NCCL, and DataParallel."""

from inside import mlp, rank
from inside.check import Check, broken, failed, inapplicable, judged, waiting
from inside.child import Child, ending
from inside.gpus import cuda_only, no_gpu
from inside.raw import content, filled

LIMIT = 60  # seconds that a rank waits for the others
KILL = 120  # seconds after which the ranks are killed
TOLERANCE = {"gloo": 1e-5, "nccl": 1e-4}
INTERFACES = {"gloo": {"GLOO_SOCKET_IFNAME": "lo"}, "nccl": {"NCCL_SOCKET_IFNAME": "lo"}}


def alone(bench):
    """The weights after the same steps in one process, in one row."""
    torch = bench.torch
    model = mlp.fresh(torch)
    rank.steps(torch, model, rank.batches(bench.digits))
    return rank.flat(torch, model)


def together(bench, backend, size):
    """Run the ranks to their end; gives how each ended."""
    limit, meeting = bench.time_left(KILL), bench.file(backend + ".meeting")
    variables = dict(INTERFACES[backend], OMP_NUM_THREADS="1")
    children = []
    for number in range(size):
        name = "%s-%d" % (backend, number)
        task = {
            "kind": "rank",
            "rank": number,
            "size": size,
            "backend": backend,
            "meeting": meeting,
            "limit": LIMIT,
        }
        children.append(Child(bench, name, dict(task, weights=bench.file(name + ".weights")), variables))
    return [child.wait(limit) for child in children]


def difference(bench, backend, size, single):
    """The largest difference between a rank's weights and those of one process."""
    torch, worst = bench.torch, 0.0
    for number in range(size):
        with open(bench.file("%s-%d.weights" % (backend, number)), "rb") as stream:
            found = filled(torch, single.shape, torch.float32, stream.read())
        worst = max(worst, float((found - single).abs().max()))
    return worst


def distributed(bench, backend, size):
    """The outcome of a distributed run of `size` ranks."""
    if not bench.torch.distributed.is_available():
        return failed("torch is built without torch.distributed")
    ends = together(bench, backend, size)
    lost = [
        "rank %d left no result; %s" % (number, ending(end))
        for number, end in enumerate(ends)
        if end.result is None
    ]
    if lost:
        late = any(end.late for end in ends)
        return (broken if late else failed)("; ".join(lost), {"exit_codes": [end.code for end in ends]})
    single = alone(bench)
    results, far = [end.result for end in ends], difference(bench, backend, size, single)
    factor = size * (size + 1) // 2
    wrong = []
    if any(result["sum"] != [float(index * factor) for index in range(8)] for result in results):
        wrong.append("all_reduce gave wrong sums: %s" % results[0]["sum"])
    if len({result["gradients"] for result in results}) > 1:
        wrong.append("the ranks have different gradients")
    if len({result["weights"] for result in results}) > 1:
        wrong.append("the ranks have different weights")
    if not far < TOLERANCE[backend]:
        wrong.append("the weights are %.2g away from those of one process" % far)
    values = {"ranks": size, "backend": backend, "distance": far, "exit_codes": [end.code for end in ends]}
    values["bytes"] = len(content(single))
    return judged(wrong, values, {"distance": "<%g" % TOLERANCE[backend]})


def check_ddp(bench):
    """Two processes on the CPU learn what one learns."""
    return distributed(bench, "gloo", 2)


def check_nccl(bench):
    """A process per GPU, eight at most; one alone still shows that NCCL loads and reduces."""
    return distributed(bench, "nccl", min(bench.torch.cuda.device_count(), 8))


def replicas_spared(bench):
    """Without CUDA, DataParallel passes its input through: that it imports is all there is to see."""
    torch = bench.torch
    if bench.wants_cuda:
        return no_gpu(bench)
    wrapped = torch.nn.DataParallel(mlp.fresh(torch))
    return inapplicable("0 GPUs (API present)", {"device_ids": list(wrapped.device_ids)}, "gpu")


def check_replicas(bench):
    """Outputs and gradients over all GPUs are those of one."""
    from inside.precision import precise

    torch = bench.torch
    precise(torch)
    count = torch.cuda.device_count()
    model = mlp.fresh(torch).to("cuda:0")
    pixels, classes = (
        mlp.inputs(torch, bench.digits.pixels[:512]).to("cuda:0"),
        bench.digits.classes[:512].to("cuda:0"),
    )
    found = []
    for one in (model, torch.nn.DataParallel(model)):
        model.zero_grad()
        outputs = one(pixels)
        torch.nn.functional.cross_entropy(outputs, classes).backward()
        found.append([outputs.detach()] + [weight.grad.clone() for weight in model.parameters()])
    far = max(float((one - other).abs().max() / one.abs().max()) for one, other in zip(*found))  # noqa: B905 - Python 3.6
    values, limits = {"gpus": count, "distance": far}, {"distance": "<=1e-5"}
    if not far <= 1e-5:
        return failed("DataParallel is %.2g away from one GPU" % far, values, limits)
    if count < 2:
        return waiting("two gpus", "one GPU: DataParallel passes its input through", values)._replace(
            required=False
        )
    return judged([], values, limits)


CHECKS = (
    Check("parallel.ddp", "two processes learn what one learns", "basic", True, check_ddp),
    Check(
        "parallel.data", "DataParallel gives what one GPU gives", "basic", True, check_replicas, 180,
        replicas_spared,
    ),
    Check(
        "parallel.nccl", "a process per GPU learns what one learns", "basic", True, check_nccl, 240,
        cuda_only,
    ),
)  # fmt: skip
