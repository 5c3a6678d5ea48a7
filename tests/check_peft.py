"""Reads an adapter folder as PEFT has it, with nothing of Avocado's, and compares it with the GGUF
adapter of the same run, number by number.

  check_peft.py FOLDER KIND BASE.gguf ADAPTER.gguf
"""

import json
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bench"))
from gguf_blocks import Model

folder, kind, base_path, gguf_path = sys.argv[1:]
with open(f"{folder}/adapter_config.json", encoding="utf-8") as file:
    config = json.load(file)
with open(f"{folder}/adapter_model.safetensors", "rb") as file:
    data = file.read()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8 : 8 + length])
header.pop("__metadata__", None)
base, gguf = Model(base_path), Model(gguf_path)

rank = config["r"]
assert config["peft_type"] == "LORA" and config["task_type"] == "CAUSAL_LM"
assert config["use_dora"] == (kind == "dora") and config["use_rslora"] == (kind == "rslora")
assert config["bias"] == "none"
assert gguf.metadata["general.type"] == "adapter" and gguf.metadata["adapter.type"] == "lora"
alpha = config["lora_alpha"] * (rank**0.5 if kind == "rslora" else 1)
assert abs(gguf.metadata["adapter.lora.alpha"] - alpha) <= 1e-6 * alpha

# What each tensor of the folder is called in the GGUF file.
MODULES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
           "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
           "mlp.down_proj": "ffn_down"}
PARTS = {"lora_A.weight": "lora_a", "lora_B.weight": "lora_b"}
if kind == "dora":
    PARTS["lora_magnitude_vector"] = "lora_magnitude"
architecture = base.metadata["general.architecture"]
heads = {"attn_q": base.metadata[f"{architecture}.attention.head_count"],
         "attn_k": base.metadata[f"{architecture}.attention.head_count_kv"]}
sizes_of = {name: sizes for name, sizes, _, _ in base.tensors}
gguf_tensors = {name: (sizes, content) for name, sizes, _, content in gguf.tensors}


def in_gguf_order(rows, matrix):
    """Pairs that turn together are half a head apart in Hugging Face's order, neighbours in GGUF's
    where the architecture says so."""
    if architecture != "llama" or matrix not in heads:
        return rows
    size = len(rows) // heads[matrix]
    return [rows[head + half * size // 2 + i] for head in range(0, len(rows), size)
            for i in range(size // 2) for half in (0, 1)]


found, modules, end = set(), set(), 0
for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
    match = re.fullmatch(
        r"base_model\.model\.(model\.layers\.(\d+)\.([a-z_.]+_proj))\.(lora_.*)", name)
    assert match and match[4] in PARTS, name
    matrix, part, shape = MODULES[match[3]], PARTS[match[4]], tensor["shape"]
    weight = f"blk.{match[2]}.{matrix}.weight"
    inputs, outputs = sizes_of[weight]
    assert shape == {"lora_a": [rank, inputs], "lora_b": [outputs, rank],
                     "lora_magnitude": [outputs]}[part], (name, shape)
    begin, stop = tensor["data_offsets"]
    assert tensor["dtype"] == "F32" and begin == end, name
    end = stop
    content = data[8 + length + begin : 8 + length + stop]
    size = len(content) // shape[0]
    rows = [content[i : i + size] for i in range(0, len(content), size)]
    if part != "lora_a":
        rows = in_gguf_order(rows, matrix)
    sizes, wanted = gguf_tensors[f"{weight}.{part}"]
    assert sizes == shape[::-1] and b"".join(rows) == wanted, name
    found.add(f"{weight}.{part}")
    modules.add(match[1])
assert 8 + length + end == len(data)
assert found == set(gguf_tensors) and len(found) == len(PARTS) * len(modules)

# PEFT gives an adapter to every module whose name is one of these or ends in one.
layers = base.metadata[f"{architecture}.block_count"]
every = [f"model.layers.{i}.{module}" for i in range(layers) for module in MODULES] + ["lm_head"]
meant = [m for m in every if any(m == t or m.endswith("." + t) for t in config["target_modules"])]
assert set(meant) == modules, config["target_modules"]
print(f"{len(modules)} modules of rank {rank}, {len(found)} tensors: as in {gguf_path}")
