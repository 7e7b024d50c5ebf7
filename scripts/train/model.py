"""The Llama architecture at toy size, with optional 3-bit/6-bit fake quantisation and LoRA.

Rows of Q and K are in GGUF order: RoPE rotates adjacent pairs (2i, 2i+1) of each head.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from quant import WeightQuantiser, fake_int8, fake_rows, quantise_rows, round_norm

LINEARS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True)
class Config:
    """Shape of the model; every dimension is a multiple of 32."""

    vocab: int = 1024
    dim: int = 128
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 384
    context: int = 512
    rope_base: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self):
        return self.dim // self.heads


class Numerics:
    """Which values are fake-quantised; one object shared by all modules of a model."""

    def __init__(self, weights=False, activations=False):
        self.weights = weights
        self.activations = activations


class Linear(nn.Module):
    """A `w3` matrix without bias, plus an optional low-rank adapter B A."""

    def __init__(self, n_in, n_out, numerics, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) * std)
        self.quantiser = WeightQuantiser("w3")
        self.numerics = numerics
        self.lora_a = None
        self.lora_b = None
        self.lora_scale = 0.0

    def add_adapter(self, rank, alpha):
        """Attach a zero adapter (A random, B zero)."""
        n_out, n_in = self.weight.shape
        self.lora_a = nn.Parameter(torch.randn(rank, n_in) * n_in**-0.5)
        self.lora_b = nn.Parameter(torch.zeros(n_out, rank))
        self.lora_scale = alpha / rank

    def adapter_values(self):
        """Return A and B on the chip's 6-bit grid."""
        return quantise_rows(self.lora_a.detach()), quantise_rows(self.lora_b.detach())

    def forward(self, x):
        """x: activations already rounded to int8 by the caller, if at all."""
        weight = self.quantiser(self.weight) if self.numerics.weights else self.weight
        y = F.linear(x, weight)
        if self.lora_a is not None:
            h = F.linear(x, fake_rows(self.lora_a))
            if self.numerics.activations:
                h = fake_int8(h)
            y = y + self.lora_scale * F.linear(h, fake_rows(self.lora_b))
        return y


class RMSNorm(nn.Module):
    """RMSNorm whose weights are multiples of 2^-12."""

    def __init__(self, dim, eps, numerics):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps
        self.numerics = numerics

    def grid_values(self):
        """Return the rounded weights."""
        return round_norm(self.weight.detach())

    def forward(self, x):
        weight = round_norm(self.weight) if self.numerics.weights else self.weight
        y = F.rms_norm(x, x.shape[-1:], weight, self.eps)
        return fake_int8(y) if self.numerics.activations else y


def rope_table(config):
    """Return cos and sin, each [context, head_dim / 2]."""
    half = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    angle = torch.outer(torch.arange(config.context, dtype=torch.float64), config.rope_base**-half)
    return angle.cos().float(), angle.sin().float()


def rotate_pairs(x, cos, sin):
    """Rotate adjacent pairs of x [batch, time, heads, head_dim]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = cos[: x.shape[1], None, :], sin[: x.shape[1], None, :]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    """One transformer layer."""

    def __init__(self, config, numerics):
        super().__init__()
        kv_dim = config.kv_heads * config.head_dim
        std = config.dim**-0.5
        out_std = std / (2 * config.layers) ** 0.5
        self.config = config
        self.numerics = numerics
        self.attn_norm = RMSNorm(config.dim, config.eps, numerics)
        self.attn_q = Linear(config.dim, config.dim, numerics, std)
        self.attn_k = Linear(config.dim, kv_dim, numerics, std)
        self.attn_v = Linear(config.dim, kv_dim, numerics, std)
        self.attn_output = Linear(config.dim, config.dim, numerics, out_std)
        self.ffn_norm = RMSNorm(config.dim, config.eps, numerics)
        self.ffn_gate = Linear(config.dim, config.ffn, numerics, std)
        self.ffn_up = Linear(config.dim, config.ffn, numerics, std)
        self.ffn_down = Linear(config.ffn, config.dim, numerics, out_std)

    def forward(self, x, cos, sin):
        batch, time, _ = x.shape
        int8 = fake_int8 if self.numerics.activations else lambda v: v
        h = self.attn_norm(x)
        q = self.attn_q(h).view(batch, time, self.config.heads, -1)
        k = self.attn_k(h).view(batch, time, self.config.kv_heads, -1)
        v = self.attn_v(h).view(batch, time, self.config.kv_heads, -1)
        q, k, v = int8(rotate_pairs(q, cos, sin)), int8(rotate_pairs(k, cos, sin)), int8(v)
        repeat = self.config.heads // self.config.kv_heads
        k, v = k.repeat_interleave(repeat, 2), v.repeat_interleave(repeat, 2)
        o = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True)
        x = x + self.attn_output(int8(o.transpose(1, 2).reshape(batch, time, -1)))
        h = self.ffn_norm(x)
        return x + self.ffn_down(int8(F.silu(self.ffn_gate(h)) * self.ffn_up(h)))


class Llama(nn.Module):
    """The whole model; the head is tied to the `w6` embedding."""

    def __init__(self, config, numerics):
        super().__init__()
        self.config = config
        self.numerics = numerics
        self.token_embd = nn.Parameter(torch.randn(config.vocab, config.dim) * config.dim**-0.5)
        self.embd_quantiser = WeightQuantiser("w6")
        self.blocks = nn.ModuleList(Block(config, numerics) for _ in range(config.layers))
        self.output_norm = RMSNorm(config.dim, config.eps, numerics)
        cos, sin = rope_table(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def linears(self):
        """Yield (GGUF tensor name without `.weight`, module) of every linear."""
        for n, block in enumerate(self.blocks):
            for name in LINEARS:
                yield f"blk.{n}.{name}", getattr(block, name)

    def norms(self):
        """Yield (GGUF tensor name without `.weight`, module) of every norm."""
        for n, block in enumerate(self.blocks):
            yield f"blk.{n}.attn_norm", block.attn_norm
            yield f"blk.{n}.ffn_norm", block.ffn_norm
        yield "output_norm", self.output_norm

    def matrices(self):
        """Yield (GGUF tensor name without `.weight`, parameter, quantiser) of the embedding and every linear."""
        yield "token_embd", self.token_embd, self.embd_quantiser
        for name, linear in self.linears():
            yield name, linear.weight, linear.quantiser

    def refresh_scales(self):
        """Search exponents and scales of all matrices anew."""
        for _, weight, quantiser in self.matrices():
            quantiser.refresh(weight)

    def add_adapter(self, rank, alpha):
        """Freeze the model and attach a zero adapter to every linear; return the adapter's parameters."""
        self.requires_grad_(False)
        for _, linear in self.linears():
            linear.add_adapter(rank, alpha)
        return [p for p in self.parameters() if p.requires_grad]

    def forward(self, tokens):
        """tokens [batch, time] -> logits [batch, time, vocab]."""
        table = self.embd_quantiser(self.token_embd) if self.numerics.weights else self.token_embd
        x = F.embedding(tokens, table)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.linear(self.output_norm(x), table)
