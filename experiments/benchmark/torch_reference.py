"""The hourglass methods in PyTorch, written as the original programs are, to compare with.

Modules nest as in the originals, so that parameters have the names of the golden files. Needs
the extra `bench`.
"""

from collections.abc import Callable

import jax
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from drp_jax import Problem
from drp_jax.operators import Downsample, Identity, Mask, Operator
from drp_jax.untrained import HourglassConfig, Seed, Untrained, Weight


class Joined(nn.Module):
    """Two branches over one input, joined along the channels, the larger centre-cropped."""

    def __init__(self, skip: nn.Module, deeper: nn.Module):
        super().__init__()
        self.add_module("0", skip)
        self.add_module("1", deeper)

    def forward(self, image: Tensor) -> Tensor:
        branches = [branch(image) for branch in self.children()]
        height, width = (min(branch.shape[axis] for branch in branches) for axis in (2, 3))
        return torch.cat([_centre_crop(branch, height, width) for branch in branches], dim=1)


def hourglass(config: HourglassConfig, in_channels: int, out_channels: int) -> nn.Sequential:
    """The generator: images `[1, C, H, W]` from seeds `[1, in_channels, H, W]`."""
    last = _convolution(config.widths_up[0], out_channels, 1)
    return _numbered(*_scale(config, 0, in_channels), last, nn.Sigmoid())


def stepper(method: Untrained, problem: Problem, device: str) -> Callable[[], None]:
    """One iteration of a method on a problem, as a function.

    Draws its own weights and seed: times depend on sizes alone. Three Adams, as the original
    has them: seed, norms of the network, norm of the seed; DIP has one.
    """
    target = _to_torch(problem.observation, device)
    height, width, channels = problem.image.shape
    rate = method.learning_rate
    if not isinstance(method.generator, HourglassConfig):
        raise NotImplementedError(f"no PyTorch form of {type(method.generator).__name__}")
    if callable(rate):
        raise NotImplementedError("no PyTorch form of a schedule of the learning rate")
    drawn = jax.eval_shape(lambda: method.seed.draw(jax.random.key(0), height, width, problem))
    network = hourglass(method.generator, drawn.shape[-1], channels).to(device)
    seed = 0.1 * torch.rand(1, drawn.shape[-1], height, width, device=device)
    norm = nn.BatchNorm2d(seed.shape[1]).to(device) if method.normalize_seed else nn.Identity()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    seed.requires_grad_(Seed in method.trainable)
    for convolution in convolutions:
        convolution.requires_grad_(Weight in method.trainable)
    groups = ([seed], network.parameters(), norm.parameters())
    trained = [[one for one in group if one.requires_grad] for group in groups]
    adams = [torch.optim.Adam(group, lr=float(rate)) for group in trained if group]
    degrade = _operator(problem.operator, device)
    jitter = {jitter.kind: float(jitter.std) for jitter in method.jitters}
    weight = float(method.objective.weight)
    is_rooted = method.objective.fidelity.__name__ == "rmse"

    def step() -> None:
        for adam in adams:
            adam.zero_grad()
        if Weight in jitter:
            with torch.no_grad():  # accumulates, as in the original
                for convolution in convolutions:
                    convolution.weight += jitter[Weight] * torch.randn_like(convolution.weight)
        jittered = seed + jitter[Seed] * torch.randn_like(seed) if Seed in jitter else seed
        image = network(norm(jittered))
        squared = functional.mse_loss(degrade(image), target)
        loss = torch.sqrt(squared) if is_rooted else squared
        if weight:
            loss = loss + weight * _total_variation(image)
        loss.backward()
        for adam in adams:
            adam.step()

    return step


def _total_variation(image: Tensor) -> Tensor:
    """Anisotropic, divided by the number of values."""
    rows = (image[:, :, 1:] - image[:, :, :-1]).abs().sum()
    columns = (image[:, :, :, 1:] - image[:, :, :, :-1]).abs().sum()
    return (rows + columns) / image.numel()


def _scale(config: HourglassConfig, depth: int, in_channels: int) -> list[nn.Module]:
    widths = (config.widths_down, config.widths_up, config.widths_skip)
    down, up, skip = (width[depth] for width in widths)
    size, deep_width = config.filter_size_down, down
    deeper = [*_block(in_channels, down, size, stride=2), *_block(down, down, size)]
    if depth + 1 < len(config.widths_down):
        deeper.append(_numbered(*_scale(config, depth + 1, down)))
        deep_width = config.widths_up[depth + 1]
    branch: nn.Module = _numbered(
        *deeper, nn.Upsample(scale_factor=2, mode=config.upsampling.value)
    )
    if skip:
        branch = Joined(_numbered(*_block(in_channels, skip, config.filter_size_skip)), branch)
    joined = [branch, nn.BatchNorm2d(deep_width + skip)]
    pointwise = _block(up, up, 1) if config.pointwise_up else []
    return [*joined, *_block(deep_width + skip, up, config.filter_size_up), *pointwise]


def _block(in_channels: int, out_channels: int, size: int, stride: int = 1) -> list[nn.Module]:
    convolution = _convolution(in_channels, out_channels, size, stride)
    return [convolution, nn.BatchNorm2d(out_channels), nn.LeakyReLU(0.2)]


def _convolution(in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(in_channels, out_channels, size, stride)
    return nn.Sequential(nn.ReflectionPad2d((size - 1) // 2), convolution)


def _numbered(*layers: nn.Module) -> nn.Sequential:
    """Layers one after the other, named from 1 as the originals name them."""
    sequence = nn.Sequential()
    for number, layer in enumerate(layers, start=1):
        sequence.add_module(str(number), layer)
    return sequence


def _operator(operator: Operator, device: str) -> Callable[[Tensor], Tensor]:
    if isinstance(operator, Identity):
        return lambda image: image
    if isinstance(operator, Mask):
        known = _to_torch(operator.mask, device)
        return lambda image: image * known
    if isinstance(operator, Downsample):
        kernel = _to_torch(np.outer(operator.taps, operator.taps)[..., None], device)
        padding = nn.ReplicationPad2d((kernel.shape[-1] - operator.factor) // 2)

        def downsample(image: Tensor) -> Tensor:
            channels = image.shape[1]
            kernels = kernel.expand(channels, -1, -1, -1)
            return functional.conv2d(
                padding(image), kernels, stride=operator.factor, groups=channels
            )

        return downsample
    raise NotImplementedError(f"no PyTorch form of {type(operator).__name__}")


def _to_torch(image: np.ndarray | jax.Array, device: str) -> Tensor:
    """`[H, W, C]` to `[1, C, H, W]`."""
    array = np.array(np.moveaxis(np.asarray(image), -1, 0)[None], np.float32, order="C")
    return torch.from_numpy(array).to(device)


def _centre_crop(image: Tensor, height: int, width: int) -> Tensor:
    top, left = (image.shape[2] - height) // 2, (image.shape[3] - width) // 2
    return image[:, :, top : top + height, left : left + width]
