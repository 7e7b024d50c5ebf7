"""PEFT adapter directories: export and import.

Hugging Face rotates halves of a head where GGUF rotates adjacent pairs, so the rows of Q and K are permuted.
"""

import json

import torch
from safetensors.torch import load_file, save_file

from common import MODEL_NAME

PEFT_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def heads_of(config, kind):
    """Return the number of heads whose rows are permuted, or None."""
    return {"attn_q": config.heads, "attn_k": config.kv_heads}.get(kind)


def to_hugging_face(rows, heads):
    """Adjacent pairs to halves."""
    return rows.view(heads, -1, 2, rows.shape[1]).transpose(1, 2).reshape(rows.shape)


def to_gguf(rows, heads):
    """Halves to adjacent pairs."""
    return rows.view(heads, 2, -1, rows.shape[1]).transpose(1, 2).reshape(rows.shape)


def names(model):
    """Yield (PEFT prefix, linear, heads) of every linear."""
    for name, linear in model.linears():
        _, layer, kind = name.split(".")
        yield f"base_model.model.model.layers.{layer}.{PEFT_NAMES[kind]}", linear, heads_of(model.config, kind)


def save(model, directory, rank, alpha):
    """Write adapter_config.json and adapter_model.safetensors (F32, values on the 6-bit grid)."""
    tensors = {}
    for prefix, linear, heads in names(model):
        a, b = linear.adapter_values()
        tensors[f"{prefix}.lora_A.weight"] = a.contiguous()
        tensors[f"{prefix}.lora_B.weight"] = (to_hugging_face(b, heads) if heads else b).contiguous()
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tensors, directory / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "alpha_pattern": {},
        "auto_mapping": None,
        "base_model_name_or_path": MODEL_NAME,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "layers_pattern": None,
        "layers_to_transform": None,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": rank,
        "rank_pattern": {},
        "revision": None,
        "target_modules": sorted(p.split(".")[1] for p in PEFT_NAMES.values()),
        "task_type": "CAUSAL_LM",
        "use_dora": False,
        "use_rslora": False,
    }
    (directory / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


@torch.no_grad()
def load(model, directory):
    """Attach the adapter of a PEFT directory to a model."""
    config = json.loads((directory / "adapter_config.json").read_text())
    tensors = load_file(directory / "adapter_model.safetensors")
    model.add_adapter(config["r"], config["lora_alpha"])
    for prefix, linear, heads in names(model):
        b = tensors[f"{prefix}.lora_B.weight"]
        linear.lora_a.copy_(tensors[f"{prefix}.lora_A.weight"])
        linear.lora_b.copy_(to_gguf(b, heads) if heads else b)
