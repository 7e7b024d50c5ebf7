#!/usr/bin/env python3
"""Writes tests/golden/architectures: a tiny random model of each architecture as llama.cpp converts it to GGUF, and what Hugging Face's
transformers computes with it, in 64-bit floats; and two random LoRA adapters of each, as PEFT folders and as llama.cpp converts them to GGUF: one of the
layers' linears, written and merged here, and one of embedding, head and two linears, made, written and computed by PEFT itself.

    python3 scripts/golden_architectures.py LLAMA_CPP tests/golden/architectures

LLAMA_CPP is a checkout of llama.cpp, for its convert_hf_to_gguf.py and convert_lora_to_gguf.py. Needs torch, transformers, peft, safetensors and gguf. Weights are rounded to F16
before anything is computed, so that the file and the oracle have the same ones.
"""
import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import peft
import safetensors.torch
import torch
import transformers

N_VOCAB, CONTEXT, RANK, ALPHA = 64, 24, 2, 3.0
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
script = sys.argv[1] + "/" + sys.argv.pop(2)
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
    convert(llama_cpp, "convert_hf_to_gguf.py", folder, path, "f16")


def convert(llama_cpp, script, folder, path, kind, *more):
    subprocess.run([sys.executable, "-c", CONVERT, llama_cpp, script, str(folder), "--outfile", str(path), "--outtype", kind, *more], check=True)


def adapt(model, name, folder):
    """A pair for every linear but the head: written as PEFT does, and added to the model's weights."""
    tensors, targets = {}, set()
    for key, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and "layers." in key:
            a = torch.randn(RANK, module.in_features) / module.in_features ** 0.5
            b = torch.randn(module.out_features, RANK) * 0.5
            tensors[f"base_model.model.{key}.lora_A.weight"], tensors[f"base_model.model.{key}.lora_B.weight"] = a, b
            targets.add(key.rsplit(".", 1)[1])
            with torch.no_grad():
                module.weight += ALPHA / RANK * (b.double() @ a.double())
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(dict(
        peft_type="LORA", task_type="CAUSAL_LM", base_model_name_or_path=f"random/{name}", r=RANK, lora_alpha=ALPHA,
        target_modules=sorted(targets), bias="none", use_rslora=False, use_dora=False, fan_in_fan_out=False), indent=1) + "\n")


def adapt_ends(model, name, folder):
    """Embedding, head and two linears, each end with a rank of its own; PEFT writes the folder and computes, unmerged."""
    torch.manual_seed(1 + sum(map(ord, name)))
    linears = ["o_proj", "down_proj"]
    adapted = peft.get_peft_model(copy.deepcopy(model).float(), peft.LoraConfig(
        task_type="CAUSAL_LM", r=RANK, lora_alpha=ALPHA, target_modules=["embed_tokens", "lm_head", *linears], init_lora_weights=False,
        rank_pattern={"embed_tokens": 3, "lm_head": 5}))
    with torch.no_grad():
        for key, p in adapted.named_parameters():
            if "lora_" in key:
                p.copy_(torch.randn_like(p) * (0.5 if "_B" in key else 1 / p.shape[-1] ** 0.5 if "embedding" not in key else 1))
    for config in adapted.peft_config.values():
        config.base_model_name_or_path, config.target_modules = f"random/{name}", sorted(config.target_modules)
    shutil.rmtree(folder, ignore_errors=True)
    adapted.save_pretrained(folder)
    for path in folder.glob("README*"):
        path.unlink()
    return adapted.double()


def logits_of(model, tokens):
    with torch.no_grad():
        logits = model.eval()(torch.tensor([tokens]), use_cache=False).logits[0]
    return [[round(x, 5) for x in logits[p].tolist()] for p in POSITIONS]


def main():
    llama_cpp, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    tokens = [(7 + 11 * i) % N_VOCAB for i in range(CONTEXT)]
    result = dict(oracle=f"transformers {transformers.__version__}, torch {torch.__version__}, 64-bit floats; GGUF by llama.cpp's converter",
                  token_ids=tokens, positions=POSITIONS, models=[])
    for name, (config_class, settings) in CONFIGS.items():
        model = random_model(name, config_class, settings)
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / name  # the converter takes the model's name from it
            save(model, folder, llama_cpp, out / f"{name}.gguf")
            model = model.double()
            logits, adapter = logits_of(model, tokens), out / f"{name}-adapter"
            ends = out / f"{name}-ends"
            with torch.random.fork_rng():
                ends_logits = logits_of(adapt_ends(model, name, ends), tokens)
            adapt(model, name, adapter)
            convert(llama_cpp, "convert_lora_to_gguf.py", adapter, out / f"{name}-adapter.gguf", "f32", "--base", str(folder))
            convert(llama_cpp, "convert_lora_to_gguf.py", ends, out / f"{name}-ends.gguf", "f32", "--base", str(folder))
        result["models"].append(dict(name=name, logits=logits, adapted_logits=logits_of(model, tokens), ends_logits=ends_logits))
    (out / "logits.json").write_text(json.dumps(result, indent=1).replace(",\n    ", ", ") + "\n")


if __name__ == "__main__":
    main()
