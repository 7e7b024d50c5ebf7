"""Stage 2: train the byte-level BPE vocabulary (Llama 3 pre-tokenizer) and encode the training text."""

import random

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from common import ADAPTERS, BOS_TEXT, DOMAINS, EOS_TEXT, SEED, WORK, arguments, encode, read_documents

PATTERN = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TOKENIZER_FILE = WORK / "tokenizer.json"
DOMAIN_SHARE = 0.01


def load():
    """Load the trained tokenizer."""
    return Tokenizer.from_file(str(TOKENIZER_FILE))


def train_vocabulary(samples, size):
    """Train BPE with the 256 bytes as alphabet; BOS and EOS get the two highest ids."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(samples, trainer)
    tokenizer.add_special_tokens([BOS_TEXT, EOS_TEXT])
    if tokenizer.get_vocab_size() != size:
        raise ValueError(f"vocabulary has {tokenizer.get_vocab_size()} tokens, not {size}")
    return tokenizer


def main():
    """Write tokenizer.json and one flat uint16 token stream per adapter domain and for the base."""
    options = arguments(__doc__, vocab=1024)
    rng = random.Random(SEED)
    texts = {domain: read_documents(WORK / f"{domain}.txt") for domain in DOMAINS}
    samples = [text for domain in DOMAINS for text in texts[domain][: 9000 if domain == "general" else 3000]]
    tokenizer = train_vocabulary(samples, options.vocab)
    tokenizer.save(str(TOKENIZER_FILE))
    streams = {domain: encode(tokenizer, texts[domain]) for domain in DOMAINS}
    base = list(streams["general"])
    for domain in ADAPTERS:
        base += streams[domain][: int(DOMAIN_SHARE * len(streams["general"]))]
    rng.shuffle(base)
    streams["base"] = base
    for name, documents in streams.items():
        flat = np.fromiter((t for d in documents for t in d), dtype=np.uint16)
        np.save(WORK / f"{name}.npy", flat)
        print(f"tokenizer: {name}: {len(flat)} tokens, longest document {max(map(len, documents))} tokens")


if __name__ == "__main__":
    main()
