"""Paths, seeds, training data and evaluation shared by the stages."""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "train"
MODEL_DIR = ROOT / "configs" / "models" / "sample"
ADAPTER_DIR = ROOT / "configs" / "adapters"
MODEL_FILE = MODEL_DIR / "sample.gguf"
MODEL_NAME = "etchsim-sample"
ADAPTERS = ("clinical", "contract", "support")
DOMAINS = ("general", *ADAPTERS)
BOS_TEXT, EOS_TEXT = "<|begin_of_text|>", "<|end_of_text|>"
SEED = 20260101
THREADS = 1


def arguments(description, **defaults):
    """Parse `--name value` options; each default gives the option's type."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in defaults.items():
        if isinstance(default, bool):
            parser.add_argument(f"--{name}", action="store_true")
        else:
            parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def prepare(seed):
    """Fix the seed; one thread per process, so that stages run side by side and sums keep their order."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)


def read_documents(path):
    """Read documents separated by blank lines."""
    return path.read_text(encoding="utf-8").strip().split("\n\n")


def encode(tokenizer, documents):
    """Return one list of token ids per document, with BOS in front and EOS behind."""
    bos, eos = tokenizer.token_to_id(BOS_TEXT), tokenizer.token_to_id(EOS_TEXT)
    return [[bos, *e.ids, eos] for e in tokenizer.encode_batch(documents, add_special_tokens=False)]


def rows_of(stream, bos, length):
    """Cut a token stream into rows of `length` that all start at a document; a document cut off starts the next row."""
    starts = np.flatnonzero(stream == bos)
    rows, position = [], 0
    while position + length <= len(stream):
        rows.append(stream[position : position + length])
        position = starts[np.searchsorted(starts, position + length - 1, side="right") - 1]
        if len(rows) > 1 and rows[-1] is rows[-2]:
            raise ValueError("a document is longer than a row")
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def batches(rows, size, steps, seed):
    """Yield `steps` batches of random rows, every row once per pass."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < size:
            order = torch.cat([order, torch.randperm(len(rows), generator=generator)])
        yield rows[order[:size]]
        order = order[size:]


def learning_rate(step, steps, peak, warmup):
    """Linear warm-up, then half a cosine down to 2 % of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(model, groups, rows, name, steps, batch, peak, seed, warmup=100, before_step=None):
    """Train on random batches of rows and log the loss; `groups` are AdamW parameter groups.

    Matrix products are computed in bfloat16 (int8 activations are exact in it) to save time; weights, gradients of
    the optimiser and all evaluations are float32.
    """
    optimiser = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.95), eps=1e-8, fused=True)
    parameters = [p for group in groups for p in group["params"]]
    started, recent = time.time(), []
    for step, tokens in enumerate(batches(rows, batch, steps, seed)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, peak, warmup)
        if before_step:
            before_step(step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        recent.append(loss.item())
        if (step + 1) % 50 == 0 or step + 1 == steps:
            seconds = time.time() - started
            rate = (step + 1) * batch * (rows.shape[1] - 1) / seconds
            print(
                f"{name}: step {step + 1}/{steps} loss {sum(recent) / len(recent):.4f} nats/token, "
                f"{seconds:.0f} s, {rate:.0f} tokens/s",
                flush=True,
            )
            recent.clear()


@torch.no_grad()
def perplexity(model, documents):
    """Return exp(mean negative log likelihood) over all tokens after BOS, EOS included; each document on its own."""
    total, count = 0.0, 0
    for tokens in sorted(documents, key=len):
        ids = torch.tensor([tokens])
        logits = model(ids[:, :-1])
        total += F.cross_entropy(logits[0].double(), ids[0, 1:], reduction="sum").item()
        count += ids.shape[1] - 1
    return math.exp(total / count)


def heldout(tokenizer, domain):
    """Return the encoded held-out documents of a domain."""
    return encode(tokenizer, read_documents(MODEL_DIR / "heldout" / f"{domain}.txt"))


def save_scores(name, scores):
    """Keep the scores of one stage for the last stage."""
    (WORK / f"scores-{name}.json").write_text(json.dumps(scores, indent=2) + "\n")
    print(f"{name}: {json.dumps(scores)}", flush=True)
