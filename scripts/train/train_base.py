"""Stage 3: train the base for 3 bits (straight-through, from the first step), or with --float the baseline."""

import numpy as np

import gguf_file
import tokenizer as tokenizer_stage
from common import (
    BOS_TEXT,
    DOMAINS,
    MODEL_FILE,
    SEED,
    WORK,
    arguments,
    heldout,
    perplexity,
    prepare,
    rows_of,
    save_scores,
    train,
)
from model import Config, Llama, Numerics

REFRESH_STEPS = 16
EXPORT_STEPS = 400


def main():
    """Train, then export the quantised model, or score the float baseline."""
    options = arguments(__doc__, float=False, steps=1600, batch=8, lr=3e-3, decay=0.05)
    prepare(SEED)
    tokenizer = tokenizer_stage.load()
    config = Config(vocab=tokenizer.get_vocab_size())
    numerics = Numerics(weights=not options.float, activations=not options.float)
    model = Llama(config, numerics)
    rows = rows_of(np.load(WORK / "base.npy"), tokenizer.token_to_id(BOS_TEXT), config.context + 1)
    name = "baseline" if options.float else "base"
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, {len(rows)} rows of {config.context} tokens")

    def refresh(step):
        if numerics.weights and step % REFRESH_STEPS == 0:
            model.refresh_scales()
        if numerics.weights and step > 0 and step % EXPORT_STEPS == 0:
            gguf_file.export(model, tokenizer, MODEL_FILE)

    matrices = [p for p in model.parameters() if p.ndim == 2]
    norms = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": options.decay}, {"params": norms, "weight_decay": 0.0}]
    train(model, groups, rows, name, options.steps, options.batch, options.lr, SEED, before_step=refresh)
    if options.float:
        scores = {d: round(perplexity(model, heldout(tokenizer, d)), 4) for d in DOMAINS}
        save_scores("baseline", {"perplexity": scores, "steps": options.steps})
    else:
        gguf_file.export(model, tokenizer, MODEL_FILE)


if __name__ == "__main__":
    main()
