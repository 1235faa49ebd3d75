"""A stand-in for quantization: int8 weights with a scale per row, in plain tensors. Works on every torch."""

from inside import mlp


def rowwise(torch, model):
    """A copy of the model whose linear layers keep int8 weights."""

    class RowwiseLinear(torch.nn.Module):
        def __init__(self, linear):
            super().__init__()
            weight = linear.weight.detach()
            scale = weight.abs().max(dim=1, keepdim=True)[0].clamp(min=1e-12) / 127.0
            self.register_buffer("scale", scale)
            self.register_buffer("weight", torch.round(weight / scale).clamp(-127, 127).to(torch.int8))
            self.register_buffer("bias", linear.bias.detach().clone())

        def forward(self, rows):
            return rows @ (self.weight.to(torch.float32) * self.scale).t() + self.bias

    layers = [
        RowwiseLinear(layer) if isinstance(layer, torch.nn.Linear) else layer for layer in mlp.twin(model)
    ]
    return torch.nn.Sequential(*layers).eval()
