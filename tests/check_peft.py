"""Reads an adapter folder as PEFT has it, with nothing of Avocado's.

  check_peft.py FOLDER KIND
"""

import json
import re
import struct
import sys

folder, kind = sys.argv[1:]
with open(f"{folder}/adapter_config.json", encoding="utf-8") as file:
    config = json.load(file)
with open(f"{folder}/adapter_model.safetensors", "rb") as file:
    data = file.read()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8 : 8 + length])
header.pop("__metadata__", None)

rank = config["r"]
assert config["peft_type"] == "LORA" and config["task_type"] == "CAUSAL_LM"
assert config["use_dora"] == (kind == "dora") and config["use_rslora"] == (kind == "rslora")
assert rank == 4 and config["lora_alpha"] == 8 and config["bias"] == "none"

parts = ["lora_A.weight", "lora_B.weight"] + ["lora_magnitude_vector"] * (kind == "dora")
modules = {}
end = 0
for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
    match = re.fullmatch(r"base_model\.model\.(model\.layers\.\d+\.[a-z_.]+_proj)\.(lora_.*)", name)
    assert match and match[2] in parts, name
    modules.setdefault(match[1], {})[match[2]] = tensor["shape"]
    begin, stop = tensor["data_offsets"]
    count = 1
    for size in tensor["shape"]:
        count *= size
    assert tensor["dtype"] == "F32" and begin == end and stop - begin == 4 * count, name
    end = stop
assert 8 + length + end == len(data)

# Width 32, ffn 64, one head of keys of 16.
sizes = {"q_proj": (32, 32), "k_proj": (16, 32), "gate_proj": (64, 32), "up_proj": (64, 32), "down_proj": (32, 64)}
wanted = [f"model.layers.{i}.self_attn.{m}" for i in (0, 1) for m in ("q_proj", "k_proj")]
wanted += [f"model.layers.1.mlp.{m}" for m in ("gate_proj", "up_proj", "down_proj")]
assert sorted(modules) == sorted(wanted), modules
for module, shapes in modules.items():
    rows, columns = sizes[module.rsplit(".", 1)[1]]
    assert shapes["lora_A.weight"] == [rank, columns] and shapes["lora_B.weight"] == [rows, rank]
    assert shapes.get("lora_magnitude_vector", [rows]) == [rows] and len(shapes) == len(parts)

# PEFT gives an adapter to every module whose name is one of these or ends in one.
every = [f"model.layers.{i}.{m}" for i in (0, 1) for m in
         ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")] + ["lm_head"]
meant = [m for m in every if any(m == t or m.endswith("." + t) for t in config["target_modules"])]
assert sorted(meant) == sorted(wanted), config["target_modules"]
