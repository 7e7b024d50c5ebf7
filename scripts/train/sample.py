"""Generate text from the exported files: `sample.py --adapter clinical --prompt "On Monday" --temperature 0.8`."""

import torch

import gguf_file
import peft_file
import tokenizer as tokenizer_stage
from common import ADAPTER_DIR, BOS_TEXT, EOS_TEXT, MODEL_FILE, arguments, prepare


@torch.no_grad()
def generate(model, tokenizer, prompt, tokens, temperature):
    """Return the prompt and its continuation, up to EOS; greedy at temperature 0."""
    eos = tokenizer.token_to_id(EOS_TEXT)
    ids = [tokenizer.token_to_id(BOS_TEXT), *tokenizer.encode(prompt, add_special_tokens=False).ids]
    for _ in range(min(tokens, model.config.context - len(ids))):
        logits = model(torch.tensor([ids]))[0, -1]
        if temperature > 0:
            token = torch.multinomial(torch.softmax(logits / temperature, -1), 1).item()
        else:
            token = logits.argmax().item()
        ids.append(token)
        if token == eos:
            break
    return tokenizer.decode(ids, skip_special_tokens=False).removeprefix(BOS_TEXT)


def main():
    """Print one text."""
    options = arguments(__doc__, adapter="", prompt="The", tokens=400, temperature=0.0, seed=0)
    prepare(options.seed)
    model = gguf_file.load_model(MODEL_FILE, activations=True)
    if options.adapter:
        peft_file.load(model, ADAPTER_DIR / options.adapter)
    print(generate(model, tokenizer_stage.load(), options.prompt, options.tokens, options.temperature))


if __name__ == "__main__":
    main()
