"""Stage 4: train one LoRA adapter per domain on the frozen, quantised base, with 6-bit A and B."""

import numpy as np

import gguf_file
import peft_file
import tokenizer as tokenizer_stage
from common import ADAPTER_DIR, ADAPTERS, BOS_TEXT, MODEL_FILE, SEED, WORK, arguments, prepare, rows_of, train


def main():
    """Train and export the adapters one after the other."""
    options = arguments(__doc__, only="", steps=250, batch=8, lr=1e-2, rank=16, alpha=32)
    tokenizer = tokenizer_stage.load()
    for domain in [options.only] if options.only else ADAPTERS:
        prepare(SEED)
        model = gguf_file.load_model(MODEL_FILE, activations=True)
        parameters = model.add_adapter(options.rank, options.alpha)
        rows = rows_of(np.load(WORK / f"{domain}.npy"), tokenizer.token_to_id(BOS_TEXT), model.config.context + 1)
        print(f"{domain}: {sum(p.numel() for p in parameters)} adapter parameters, {len(rows)} rows")
        groups = [{"params": parameters, "weight_decay": 0.0}]
        train(model, groups, rows, domain, options.steps, options.batch, options.lr, SEED, warmup=30)
        peft_file.save(model, ADAPTER_DIR / domain, options.rank, options.alpha)


if __name__ == "__main__":
    main()
