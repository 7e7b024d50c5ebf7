"""Stage 1: generate the corpus. Training text goes to build/train, held-out text to the sample model's directory."""

import random

import domains
import general
from common import DOMAINS, MODEL_DIR, SEED, WORK, arguments

GENERATORS = {
    "general": general.document,
    "clinical": domains.clinical,
    "contract": domains.contract,
    "support": domains.support,
}
HELDOUT_BYTES = 40_000
MAX_CHARACTERS = 1_200


def documents(domain, split, seen):
    """Yield new documents of a domain for ever; `seen` holds all documents given out before."""
    rng = random.Random(f"{SEED}-{domain}-{split}")
    while True:
        text = GENERATORS[domain](rng)
        if text not in seen and len(text) <= MAX_CHARACTERS:
            seen.add(text)
            yield text


def main():
    """Write held-out and training documents, separated by blank lines."""
    options = arguments(__doc__, general=70_000, domain=14_000)
    (MODEL_DIR / "heldout").mkdir(parents=True, exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    for domain in DOMAINS:
        seen, held, size = set(), [], 0
        for text in documents(domain, "heldout", seen):
            held.append(text)
            size += len(text) + 2
            if size >= HELDOUT_BYTES:
                break
        (MODEL_DIR / "heldout" / f"{domain}.txt").write_text("\n\n".join(held) + "\n", encoding="utf-8")
        source = documents(domain, "train", seen)
        count = options.general if domain == "general" else options.domain
        training = [next(source) for _ in range(count)]
        (WORK / f"{domain}.txt").write_text("\n\n".join(training) + "\n", encoding="utf-8")
        print(
            f"corpus: {domain}: {count} training documents, {sum(map(len, training))} characters; "
            f"{len(held)} held-out documents, {size} characters"
        )


if __name__ == "__main__":
    main()
