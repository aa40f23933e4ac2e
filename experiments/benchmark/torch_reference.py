"""The hourglass methods in PyTorch, written as the original programs are, to compare with.

Modules nest as in the originals, so that parameters have the names of the golden files. Needs
the extra `bench`.
"""

from collections.abc import Callable

import jax
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from drp_jax import Downsample, HourglassConfig, Identity, Mask, Operator, Settings
from drp_jax.objectives import rmse
from drp_jax.partition import Seed, Weight

NEGATIVE_SLOPE = 0.2


class Joined(nn.Module):
    """Two branches over one input, joined along the channels, the larger centre-cropped."""

    def __init__(self, skip: nn.Module, deeper: nn.Module):
        super().__init__()
        self.add_module("0", skip)
        self.add_module("1", deeper)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        branches = [branch(image) for branch in self.children()]
        size = [min(branch.shape[axis] for branch in branches) for axis in (2, 3)]
        return torch.cat([_centre_crop(branch, *size) for branch in branches], dim=1)


def hourglass(config: HourglassConfig, in_channels: int, out_channels: int) -> nn.Sequential:
    """The generator: images `[1, C, H, W]` from seeds `[1, in_channels, H, W]`."""
    layers = _scale(config, 0, in_channels)
    layers.append(_convolution(config.widths_up[0], out_channels, 1))
    if config.sigmoid:
        layers.append(nn.Sigmoid())
    return _numbered(layers)


def stepper(
    settings: Settings, operator: Operator, observation: np.ndarray, device: str
) -> Callable[[], None]:
    """One iteration of a method on an observation `[H, W, C]`, as a function.

    Draws its own weights and seed: times depend on sizes alone. Three Adams, as the original
    has them: seed, norms of the network, norm of the seed; DIP has one.
    """
    method = settings.method
    target = _to_torch(observation, device)
    height, width, channels = operator.image_shape(observation.shape)
    drawn = jax.eval_shape(lambda: method.seed.draw(jax.random.key(0), height, width, None))
    in_channels = drawn.shape[-1]
    network = hourglass(method.generator, in_channels, channels).to(device)
    seed = 0.1 * torch.rand(1, in_channels, height, width, device=device)
    seed_norm = nn.BatchNorm2d(in_channels).to(device) if method.normalize_seed else nn.Identity()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for convolution in convolutions:
        convolution.requires_grad_(Weight in method.trains)
    seed.requires_grad_(Seed in method.trains)
    trained = [
        [seed] if Seed in method.trains else [],
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        list(seed_norm.parameters()),
    ]
    rate = settings.solver.learning_rate
    adams = [torch.optim.Adam(group, lr=rate) for group in trained if group]
    degrade = _operator(operator, device)
    seed_jitters, weight_jitters = (
        [jitter.std for kind, jitter in method.jitters if kind is jittered]
        for jittered in (Seed, Weight)
    )
    weight = float(settings.objective.weight)
    is_rooted = settings.objective.fidelity is rmse

    def step() -> None:
        for adam in adams:
            adam.zero_grad()
        with torch.no_grad():  # accumulates, as in the original
            for std in weight_jitters:
                for convolution in convolutions:
                    convolution.weight += std * torch.randn_like(convolution.weight)
        jittered = seed
        for std in seed_jitters:
            jittered = seed + std * torch.randn_like(seed)
        image = network(seed_norm(jittered))
        squared = functional.mse_loss(degrade(image), target)
        loss = torch.sqrt(squared) if is_rooted else squared
        if weight:
            loss = loss + weight * total_variation(image)
        loss.backward()
        for adam in adams:
            adam.step()

    return step


def total_variation(image: torch.Tensor) -> torch.Tensor:
    """Anisotropic, divided by the number of values."""
    rows = (image[:, :, 1:] - image[:, :, :-1]).abs().sum()
    columns = (image[:, :, :, 1:] - image[:, :, :, :-1]).abs().sum()
    return (rows + columns) / image.numel()


def _scale(config: HourglassConfig, depth: int, in_channels: int) -> list[nn.Module]:
    down, up, skip = (
        widths[depth] for widths in (config.widths_down, config.widths_up, config.widths_skip)
    )
    is_deepest = depth + 1 == len(config.widths_down)
    size = config.filter_size_down
    deeper = _block(in_channels, down, size, stride=2) + _block(down, down, size)
    if not is_deepest:
        deeper.append(_numbered(_scale(config, depth + 1, down)))
    mode = config.upsampling.value
    deeper.append(nn.Upsample(scale_factor=2, mode=mode))
    deep_width = down if is_deepest else config.widths_up[depth + 1]
    layers: list[nn.Module]
    if skip:
        branch = _numbered(_block(in_channels, skip, config.filter_size_skip))
        layers = [Joined(branch, _numbered(deeper))]
    else:
        layers = [_numbered(deeper)]
    layers.append(nn.BatchNorm2d(deep_width + skip))
    layers += _block(deep_width + skip, up, config.filter_size_up)
    return layers + (_block(up, up, 1) if config.pointwise_up else [])


def _block(in_channels: int, out_channels: int, size: int, stride: int = 1) -> list[nn.Module]:
    return [
        _convolution(in_channels, out_channels, size, stride),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(NEGATIVE_SLOPE),
    ]


def _convolution(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.ReflectionPad2d((size - 1) // 2), nn.Conv2d(in_channels, out_channels, size, stride)
    )


def _numbered(layers: list[nn.Module]) -> nn.Sequential:
    """Layers one after the other, named from 1 as the originals name them."""
    sequence = nn.Sequential()
    for number, layer in enumerate(layers, start=1):
        sequence.add_module(str(number), layer)
    return sequence


def _operator(operator: Operator, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    if isinstance(operator, Identity):
        return lambda image: image
    if isinstance(operator, Mask):
        known = _to_torch(np.asarray(operator.mask), device)
        return lambda image: image * known
    if isinstance(operator, Downsample):
        taps = np.outer(operator.taps, operator.taps).astype(np.float32)
        margin = (taps.shape[0] - operator.factor) // 2
        padding = nn.ReplicationPad2d(margin)

        def downsample(image: torch.Tensor) -> torch.Tensor:
            channels = image.shape[1]
            kernel = torch.from_numpy(taps).to(device).expand(channels, 1, *taps.shape)
            padded = padding(image)
            return functional.conv2d(padded, kernel, stride=operator.factor, groups=channels)

        return downsample
    raise NotImplementedError(f"no PyTorch form of {type(operator).__name__}")


def _to_torch(image: np.ndarray, device: str) -> torch.Tensor:
    """`[H, W, C]` to `[1, C, H, W]`."""
    array = np.array(image.transpose(2, 0, 1)[None], dtype=np.float32, order="C")
    return torch.from_numpy(array).to(device)


def _centre_crop(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    top, left = (image.shape[2] - height) // 2, (image.shape[3] - width) // 2
    return image[:, :, top : top + height, left : left + width]
