"""The plain convolutional network of the papers: no resampling inside, any field size.

Layers of 3 x 3 convolution, batch norm and ReLU at constant resolution, Allier et al., Front. Phys.
9:776805 (2022), section 2.2. Two additions: `is_residual` returns input + correction, so that an
untrained network is near the identity; `stride` 2 works on 2 x 2 blocks of pixels (space to depth),
which costs a quarter and sees twice as far.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from lensfree.arrays import array_namespace, cpu_count


@dataclass(frozen=True)
class PlainCnnSpec:
    """Everything that is needed to build the network again."""

    channels_in: int
    channels_out: int
    layers: int
    features: int
    stride: int = 1
    is_residual: bool = False

    @property
    def n_weights(self) -> int:
        """Weights of its convolutions, without building it."""
        sides = (self.channels_in + self.channels_out) * self.stride**2
        if self.layers < 2:
            return 9 * self.channels_in * self.channels_out * self.stride**4
        return 9 * self.features * (sides + (self.layers - 2) * self.features)

    def as_metadata(self) -> dict[str, str]:
        """Return the fields as text, for the header of a weights file."""
        return {name: str(int(value)) for name, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> PlainCnnSpec:
        """Read back what `as_metadata` wrote."""
        sizes = {name: int(metadata[name]) for name in cls.__dataclass_fields__ if name != "is_residual"}
        return cls(**sizes, is_residual=metadata["is_residual"] == "1")


class PlainCnn(nn.Module):
    """(batch, channels_in, y, x) -> (batch, channels_out, y, x)."""

    def __init__(self, spec: PlainCnnSpec) -> None:
        super().__init__()
        self.spec = spec
        blocks = spec.stride**2
        widths = [spec.channels_in * blocks, *[spec.features] * (spec.layers - 1)]
        body: list[nn.Module] = []
        for width_in, width_out in zip(widths[:-1], widths[1:], strict=True):
            body += [
                nn.Conv2d(width_in, width_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(width_out),
                nn.ReLU(),
            ]
        head = nn.Conv2d(widths[-1], spec.channels_out * blocks, 3, padding=1)
        if spec.is_residual:
            nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias) if head.bias is not None else None
        self.body = nn.Sequential(*body, head)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map any field; with stride 2 an odd side is padded by its edge and cut again."""
        y, x = maps.shape[-2:]
        stride = self.spec.stride
        if stride == 1:
            out = self.body(maps)
        else:
            padded = nn.functional.pad(maps, (0, -x % stride, 0, -y % stride), mode="replicate")
            blocks = nn.functional.pixel_unshuffle(padded, stride)
            out = nn.functional.pixel_shuffle(self.body(blocks), stride)[..., :y, :x]
        return out + maps[:, : self.spec.channels_out] if self.spec.is_residual else out


def receptive_radius_px(spec: PlainCnnSpec) -> int:
    """Return how many pixels around a pixel can change the answer there."""
    return (spec.layers + 1) * spec.stride


def fold_batch_norm(model: PlainCnn) -> nn.Module:
    """Return the network for inference, batch norms folded into the convolutions before them."""
    layers = list(model.eval().body)
    folded: list[nn.Module] = []
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            folded.append(nn.utils.fusion.fuse_conv_bn_eval(layer, following))
        elif not isinstance(layer, nn.BatchNorm2d):
            folded.append(layer)
    lean = PlainCnn(model.spec)
    lean.body = nn.Sequential(*folded)
    return lean.eval()


def channels_last(model: nn.Module) -> nn.Module:
    """Lay the weights out channels last, in place."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class InnerBfloat16(nn.Module):
    """The layers of a network's body, all but the first and the last in bfloat16.

    Maps are rounded in neither the first convolution, which reads them, nor the last, which writes them:
    that halves the error of bfloat16 throughout.
    """

    def __init__(self, body: nn.Sequential) -> None:
        super().__init__()
        self.first, self.inner, self.last = body[0], body[1:-1], body[-1]

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Do what the body does; float32 in, float32 out."""
        features = self.first(maps).to(torch.bfloat16)
        with torch.autocast(maps.device.type, torch.bfloat16):
            features = self.inner(features)
        out: torch.Tensor = self.last(features.float())
        return out


def inner_in_bfloat16(model: PlainCnn) -> PlainCnn:
    """Return the network with its inner layers in bfloat16; it shares the weights."""
    with torch.device("meta"):  # builds layers to be replaced without drawing random weights
        mixed = PlainCnn(model.spec)
    mixed.body = nn.Sequential(InnerBfloat16(model.body)) if len(model.body) > 2 else model.body
    return mixed.eval()


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device is a GPU that multiplies in bfloat16, not one that only pretends to."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


@torch.inference_mode()
def apply_cnn(model: nn.Module, maps: Any, *, in_bfloat16: bool = False) -> Any:
    """Run the network on one field (channel, y, x) and return (channel, y, x) float32.

    Library and device follow the maps: NumPy or CuPy in, the same out, without a copy between the
    libraries. Channels-last memory makes the small convolutions three times faster on a CPU.

    Args:
        model: the network; moved to the maps' device.
        maps: what it sees.
        in_bfloat16: whether a GPU that can may compute the inner layers in bfloat16, which moves half the
            bytes. Emulated on a CPU it changes OPD behind the shipped `unwrap` by 0.2 nm rms, up to 4 nm at
            single pixels. After the last descent half of the pixels are within 0.03 nm and 99 % within
            0.2 nm; a few at the border of a wrap fall to its other side, up to 39 nm away, which changed
            dry mass by up to 0.07 %. A CPU computes in float32.
    """
    xp = array_namespace(maps)
    torch.set_num_threads(cpu_count())
    tensor = torch.from_dlpack(xp.ascontiguousarray(maps, dtype=xp.float32))[None]
    network = channels_last(model.to(tensor.device))
    if in_bfloat16 and isinstance(network, PlainCnn) and has_bfloat16(tensor.device):
        network = inner_in_bfloat16(network)
    out = network(tensor.contiguous(memory_format=torch.channels_last))
    return xp.from_dlpack(out[0].float().contiguous())
