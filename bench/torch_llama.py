"""A Llama in plain PyTorch, as a text book would write it: what ours is compared with.

Weights go by their GGUF names; queries and keys turn adjacent pairs, as in GGUF files.
"""

import math

import torch
import torch.nn.functional as F


def shapes(c):
    """Name -> shape of every weight of a config as in run.json (no biases, no norm of heads)."""
    width, q, kv = c["width"], c["heads"] * c["head_dim"], c["kv_heads"] * c["head_dim"]
    all_ = {"token_embd.weight": (c["vocab"], width)}
    for i in range(c["layers"]):
        all_.update({f"blk.{i}.{name}.weight": shape for name, shape in {
            "attn_norm": (width,), "attn_q": (q, width), "attn_k": (kv, width),
            "attn_v": (kv, width), "attn_output": (width, q), "ffn_norm": (width,),
            "ffn_gate": (c["ffn"], width), "ffn_up": (c["ffn"], width),
            "ffn_down": (width, c["ffn"])}.items()})
    all_["output_norm.weight"] = (width,)
    if not c["tied"]:
        all_["output.weight"] = (c["vocab"], width)
    return all_


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


class Llama:
    def __init__(self, config, weights):
        self.c, self.w = config, weights
        dim = config["head_dim"]
        frequency = config["rope_base"] ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angle = torch.outer(torch.arange(config["context"], dtype=torch.float64), frequency)
        self.cos, self.sin = angle.cos().float(), angle.sin().float()
        mask = torch.full((config["context"],) * 2, -math.inf)
        self.mask = torch.triu(mask, diagonal=1)

    def heads(self, x, name, count, turned=True):
        batch, length, _ = x.shape
        y = F.linear(x, self.w[name]).view(batch, length, count, self.c["head_dim"]).transpose(1, 2)
        if not turned:
            return y
        a, b = y[..., 0::2], y[..., 1::2]
        cos, sin = self.cos[:length], self.sin[:length]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

    def logits(self, ids):
        """ids [batch, length] -> [batch, length, vocab]"""
        c, w, length = self.c, self.w, ids.shape[1]
        x = F.embedding(ids, w["token_embd.weight"])
        for i in range(c["layers"]):
            blk = f"blk.{i}."
            h = rms_norm(x, w[blk + "attn_norm.weight"], c["norm_eps"])
            q = self.heads(h, blk + "attn_q.weight", c["heads"])
            k = self.heads(h, blk + "attn_k.weight", c["kv_heads"])
            v = self.heads(h, blk + "attn_v.weight", c["kv_heads"], turned=False)
            group = c["heads"] // c["kv_heads"]
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            scores = q @ k.transpose(-1, -2) / math.sqrt(c["head_dim"])
            mixed = torch.softmax(scores + self.mask[:length, :length], -1) @ v
            mixed = mixed.transpose(1, 2).flatten(2)
            x = x + F.linear(mixed, w[blk + "attn_output.weight"])
            h = rms_norm(x, w[blk + "ffn_norm.weight"], c["norm_eps"])
            gate = F.silu(F.linear(h, w[blk + "ffn_gate.weight"]))
            x = x + F.linear(gate * F.linear(h, w[blk + "ffn_up.weight"]),
                             w[blk + "ffn_down.weight"])
        x = rms_norm(x, w["output_norm.weight"], c["norm_eps"])
        return F.linear(x, w.get("output.weight", w["token_embd.weight"]))


def optimizer(weights, lr, beta1, beta2, eps, weight_decay):
    """AdamW; only matrices decay."""
    matrices = [p for p in weights.values() if p.dim() == 2]
    vectors = [p for p in weights.values() if p.dim() < 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": weight_decay},
                              {"params": vectors, "weight_decay": 0.0}],
                             lr=lr, betas=(beta1, beta2), eps=eps)
