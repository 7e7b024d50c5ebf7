#!/usr/bin/env python3
"""Writes tests/golden/architectures: a tiny random model of each architecture as llama.cpp converts it to GGUF, and what Hugging Face's
transformers computes with it, in 64-bit floats.

    python3 scripts/golden_architectures.py LLAMA_CPP tests/golden/architectures

LLAMA_CPP is a checkout of llama.cpp, for its convert_hf_to_gguf.py. Needs torch, transformers and gguf from PyPI. Weights are rounded to F16
before anything is computed, so that the file and the oracle have the same ones.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

N_VOCAB, CONTEXT = 64, 24
POSITIONS = [0, 1, 11, 23]
COMMON = dict(vocab_size=N_VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=0)
FACTORS = dict(short_factor=[1.0, 1.25, 1.75], long_factor=[1.0, 2.0, 5.0])

CONFIGS = {
    "llama": (transformers.LlamaConfig, dict(tie_word_embeddings=True, rope_parameters=dict(
        rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=16))),
    "qwen2": (transformers.Qwen2Config, dict(tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "qwen3": (transformers.Qwen3Config, dict(tie_word_embeddings=False, head_dim=12,
                                             rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "gemma3": (transformers.Gemma3TextConfig, dict(
        num_hidden_layers=6, head_dim=16, query_pre_attn_scalar=16, sliding_window=7, hidden_activation="gelu_pytorch_tanh",
        layer_types=["sliding_attention"] * 5 + ["full_attention"],
        rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=1000000.0),
                             sliding_attention=dict(rope_type="default", rope_theta=10000.0)))),
    "phi3": (transformers.Phi3Config, dict(
        tie_word_embeddings=True, sliding_window=None, max_position_embeddings=128, original_max_position_embeddings=32,
        rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75,
                             original_max_position_embeddings=32, **FACTORS))),
}

# The converter without its tokenizer: these models have none.
CONVERT = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.path.insert(1, sys.argv[1] + "/gguf-py")
import conversion.base as base
original = base.ModelBase.register
def without_vocabulary(*names):
    def add(cls):
        cls.set_vocab = lambda self: self._set_vocab_none()
        return original(*names)(cls)
    return add
base.ModelBase.register = without_vocabulary
script = sys.argv[1] + "/convert_hf_to_gguf.py"
sys.argv = [script] + sys.argv[2:]
runpy.run_path(script, run_name="__main__")
"""


def random_model(name, config_class, settings):
    torch.manual_seed(sum(map(ord, name)))
    config = config_class(**{**COMMON, **settings}, attn_implementation="eager")
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "norm" in key:
                p.copy_(0.3 * torch.randn_like(p) + (0.0 if name == "gemma3" else 1.0))
            elif key.endswith("bias"):
                p.copy_(torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) * 1.2 / p.shape[-1] ** 0.5)
            p.copy_(p.half().float())
    return model


def save(model, folder, llama_cpp, path):
    model.save_pretrained(folder)
    vocab = {str(i): i for i in range(N_VOCAB)}
    (folder / "tokenizer.json").write_text(json.dumps(dict(model=dict(vocab=vocab), added_tokens=[])))
    subprocess.run([sys.executable, "-c", CONVERT, llama_cpp, str(folder), "--outfile", str(path), "--outtype", "f16"], check=True)


def main():
    llama_cpp, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    tokens = [(7 + 11 * i) % N_VOCAB for i in range(CONTEXT)]
    result = dict(oracle=f"transformers {transformers.__version__}, torch {torch.__version__}, 64-bit floats; GGUF by llama.cpp's converter",
                  token_ids=tokens, positions=POSITIONS, models=[])
    for name, (config_class, settings) in CONFIGS.items():
        model = random_model(name, config_class, settings)
        with tempfile.TemporaryDirectory() as folder:
            save(model, pathlib.Path(folder), llama_cpp, out / f"{name}.gguf")
        with torch.no_grad():
            logits = model.double().eval()(torch.tensor([tokens]), use_cache=False).logits[0]
        result["models"].append(dict(name=name, logits=[[round(x, 5) for x in logits[p].tolist()] for p in POSITIONS]))
    (out / "logits.json").write_text(json.dumps(result, indent=1).replace(",\n    ", ", ") + "\n")


if __name__ == "__main__":
    main()
