"""Number formats of the chip (docs/numbers.md), as fake quantisers with straight-through gradients.

A weight format stores code * scale * 2^e: `scale` is an unsigned 6-bit integer per output row and group
of 32 inputs, `e` one exponent per tensor. `w3` takes its codes from an 8-entry codebook, `w6` uses -31..31.
"""

import math

import torch

GROUP = 32
MAX_CODE = 31
MAX_SCALE = 63
GAUSS = (-31, -19, -11, -4, 4, 11, 19, 31)
CODEBOOKS = {"w3": GAUSS, "w6": tuple(range(-31, 32))}
NORM_EXPONENT = -12


def tensor_exponent(max_abs):
    """Return the smallest e with 31 * 63 * 2^e >= max_abs (0 for an all-zero tensor)."""
    if max_abs == 0.0:
        return 0
    e = math.floor(math.log2(max_abs / (MAX_CODE * MAX_SCALE)))
    while MAX_CODE * MAX_SCALE * 2.0**e < max_abs:
        e += 1
    return e


def nearest_code(ratio, fmt):
    """Return the codebook entry nearest to each ratio weight / (scale * 2^e), as floats."""
    if fmt == "w6":
        return ratio.round().clamp_(-MAX_CODE, MAX_CODE)
    book = torch.tensor(CODEBOOKS[fmt], dtype=ratio.dtype)
    return book[torch.bucketize(ratio, (book[1:] + book[:-1]) / 2)]


def as_groups(weight):
    """View a [rows, inputs] matrix as [rows, groups, 32]."""
    return weight.view(weight.shape[0], -1, GROUP)


def dequantise(groups, scale, exponent, fmt):
    """Return the values on the grid nearest to `groups`, given integer scales and the exponent."""
    step = scale.clamp(min=1).unsqueeze(-1) * 2.0**exponent
    value = nearest_code(groups / step, fmt) * step
    return torch.where(scale.unsqueeze(-1) > 0, value, torch.zeros_like(value))


def search_scales(weight, exponent, fmt):
    """Find the integer scale with the least squared error of every group; the smaller one on a tie.

    Candidates: round(max|w| / (|c| * 2^e)) for each magnitude |c| of the codebook, and the neighbours
    within 3 of the first (|c| = 31).
    """
    groups = as_groups(weight)
    largest = groups.abs().amax(-1)
    magnitudes = sorted({abs(c) for c in CODEBOOKS[fmt] if c}, reverse=True)
    first = (largest / (MAX_CODE * 2.0**exponent)).round()
    candidates = [first + d for d in range(-3, 4)]
    candidates += [(largest / (c * 2.0**exponent)).round() for c in magnitudes[1:]]
    candidates = torch.stack(candidates).clamp_(0, MAX_SCALE).sort(dim=0).values
    best = torch.zeros_like(largest)
    best_error = torch.full_like(largest, math.inf)
    for scale in candidates:
        error = (dequantise(groups, scale, exponent, fmt) - groups).square().sum(-1)
        better = error < best_error
        best = torch.where(better, scale, best)
        best_error = torch.where(better, error, best_error)
    return best


class WeightQuantiser:
    """Fake-quantises one matrix. Scales and exponent are searched by `refresh`, codes follow every call."""

    def __init__(self, fmt):
        self.fmt = fmt
        self.exponent = 0
        self.scale = None

    @torch.no_grad()
    def refresh(self, weight):
        """Search exponent and scales anew for the current weights."""
        self.exponent = tensor_exponent(weight.abs().max().item())
        self.scale = search_scales(weight, self.exponent, self.fmt)

    @torch.no_grad()
    def grid_values(self, weight):
        """Return the on-grid values of `weight`."""
        return dequantise(as_groups(weight), self.scale, self.exponent, self.fmt).view_as(weight)

    def __call__(self, weight):
        """Return the on-grid values, with the gradient passed straight through."""
        return weight + (self.grid_values(weight) - weight).detach()


def round_norm(weight):
    """Round norm weights to multiples of 2^-12 (16-bit mantissas), straight-through."""
    step = 2.0**NORM_EXPONENT
    rounded = (weight.detach() / step).round().clamp(-32767, 32767) * step
    return weight + (rounded - weight).detach()


def quantise_rows(weight):
    """Put each row of an adapter matrix on the chip's grid: codes -31..31 times a 16-bit scale times 2^e.

    The largest magnitude of a row gets code 31, so the scale can be found again from the values.
    """
    step = weight.abs().amax(-1, keepdim=True) / MAX_CODE
    unit = 2.0 ** (math.ceil(math.log2(max(step.max().item(), 1e-20))) - 16)
    step = (step / unit).round().clamp(1, 65535) * unit
    return (weight / step).round().clamp(-MAX_CODE, MAX_CODE) * step


def fake_rows(weight):
    """Straight-through version of `quantise_rows`."""
    return weight + (quantise_rows(weight.detach()) - weight).detach()


def fake_int8(x):
    """Round a vector (last dimension) to int8 mantissas with one power-of-two exponent, straight-through."""
    with torch.no_grad():
        largest = x.abs().amax(-1, keepdim=True).clamp(min=1e-20)
        step = torch.exp2(torch.floor(torch.log2(largest)) - 6)
        value = (x / step).round_().clamp_(-127, 127).mul_(step)
    return x + (value - x).detach()
