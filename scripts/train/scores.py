"""Stage 5: perplexities of the exported files on the held-out texts, written to scores.json."""

import json

import gguf_file
import peft_file
import tokenizer as tokenizer_stage
from common import ADAPTER_DIR, ADAPTERS, DOMAINS, MODEL_DIR, MODEL_FILE, WORK, heldout, perplexity, prepare


def score(texts, adapter=None, activations=False):
    """Return the perplexity per domain of the exported base, with an adapter if given."""
    model = gguf_file.load_model(MODEL_FILE, activations)
    if adapter:
        peft_file.load(model, ADAPTER_DIR / adapter)
    return {domain: round(perplexity(model, documents), 4) for domain, documents in texts.items()}


def main():
    """Collect all scores."""
    prepare(0)
    tokenizer = tokenizer_stage.load()
    texts = {domain: heldout(tokenizer, domain) for domain in DOMAINS}
    model = gguf_file.load_model(MODEL_FILE)
    baseline = json.loads((WORK / "scores-baseline.json").read_text())["perplexity"]
    base = score(texts)
    scores = {
        "perplexity_unit": "exp(nats per token), all tokens after BOS, EOS included, each document on its own",
        "parameters_count": sum(p.numel() for p in model.parameters()),
        "heldout_tokens_count": {d: sum(len(t) - 1 for t in texts[d]) for d in DOMAINS},
        "heldout_documents_count": {d: len(texts[d]) for d in DOMAINS},
        "float_baseline_perplexity": baseline,
        "base_perplexity": base,
        "base_int8_activations_perplexity": score(texts, activations=True),
        "base_over_float_baseline_general_ratio": round(base["general"] / baseline["general"], 4),
        "adapter_perplexity": {a: score(texts, a) for a in ADAPTERS},
        "adapter_int8_activations_perplexity": {a: score(texts, a, activations=True) for a in ADAPTERS},
    }
    scores["base_over_adapter_own_domain_ratio"] = {a: round(base[a] / scores["adapter_perplexity"][a][a], 2) for a in ADAPTERS}
    (MODEL_DIR / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    print(json.dumps(scores, indent=2))


if __name__ == "__main__":
    main()
