"""Matrix products: float32 against float64."""

from inside.check import Check, judged

TOLERANCE = 1e-5  # float32 gives 3e-7, TF32 2.9e-4, bfloat16 2e-3
SIZES = ((64, 784, 128), (256, 1024, 256), (1, 784, 10))


def matrix(torch, seed, rows, columns):
    """Numbers in [-1, 1) with 24 bits, made from integers."""
    step = torch.arange(rows * columns, dtype=torch.int64) * 48271 + seed
    mixed = torch.remainder(torch.remainder(step, 2147483647) * 16807, 2147483647)
    return (torch.remainder(mixed, 1 << 24) - (1 << 23)).to(torch.float32).view(rows, columns) * 2.0**-23


def errors(torch, device="cpu"):
    """The largest error of each product, relative to its largest element."""
    found = {}
    for rows, inner, columns in SIZES:
        left, right = matrix(torch, 1, rows, inner), matrix(torch, 2, inner, columns)
        exact = left.to(torch.float64) @ right.to(torch.float64)
        product = (left.to(device) @ right.to(device)).cpu().to(torch.float64)
        found["%dx%dx%d" % (rows, inner, columns)] = float((product - exact).abs().max() / exact.abs().max())
    return found


def settings(torch):
    """What torch says about reduced precision, as found."""
    reported = {"matmul_precision": getattr(torch, "get_float32_matmul_precision", lambda: None)()}
    cuda = getattr(torch.backends.cuda, "matmul", None)
    reported["tf32"] = getattr(cuda, "allow_tf32", None)
    return reported


def precise(torch):
    """Turn reduced precision off: TF32 is on by default in torch 1.10 and 1.11."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def verdict(found, values):
    """The outcome for the errors found."""
    worst = max(found.values())
    wrong = [] if worst <= TOLERANCE else ["float32 products are off by %.2g of their size" % worst]
    hint = "a reduced precision such as TF32 or bfloat16 is on"
    return judged(wrong, dict(values, errors=found), {"errors": "<=%g" % TOLERANCE}, hint)


def check_matmul(bench):
    """Products on the CPU are as exact as float32 is."""
    return verdict(errors(bench.torch), settings(bench.torch))


CHECKS = (Check("matmul.precision", "matrix products have float32's precision", "basic", True, check_matmul),)
