# Compares logits that jLLM printed (`llm logits --json`, the 20 best) with those of Hugging Face transformers in float32 on the same weights.
# usage: reference.py MODEL.gguf IDS LOGITS.json      a llama model in F16 or F32, ids separated by commas; prints the largest relative difference
import json
import sys

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

path, ids, printed = sys.argv[1], [int(i) for i in sys.argv[2].split(",")], json.load(open(sys.argv[3]))["top"]
reader = gguf.GGUFReader(path)


def number(key):
    return reader.fields["llama." + key].contents()


tensors = {t.name: t for t in reader.tensors}
heads, kv_heads, layers = number("attention.head_count"), number("attention.head_count_kv"), number("block_count")
vocab, hidden = tensors["token_embd.weight"].data.shape
config = LlamaConfig(vocab_size=vocab, hidden_size=hidden, intermediate_size=number("feed_forward_length"), num_hidden_layers=layers,
                     num_attention_heads=heads, num_key_value_heads=kv_heads, rms_norm_eps=number("attention.layer_norm_rms_epsilon"),
                     rope_theta=number("rope.freq_base"), max_position_embeddings=number("context_length"),
                     tie_word_embeddings="output.weight" not in tensors)
NAMES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}


def name(n):
    if n.startswith("blk."):
        _, layer, part, _ = n.split(".")
        return f"model.layers.{layer}.{NAMES[part]}.weight"
    return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight", "output.weight": "lm_head.weight"}[n]


def values(t):
    v = torch.from_numpy(np.array(t.data)).cuda().float()
    for part, h in ((".attn_q.", heads), (".attn_k.", kv_heads)):
        if part in t.name:  # rows of a head interleaved by the file's rotation, halves by transformers'
            v = v.view(h, v.shape[0] // h // 2, 2, -1).transpose(1, 2).reshape(v.shape)
    return v


with torch.device("meta"):
    model = LlamaForCausalLM(config)
model = model.to_empty(device="cuda").float().eval()
model.load_state_dict({name(n): values(t) for n, t in tensors.items()}, strict=False)
model.tie_weights()
rotary = model.model.rotary_emb
rotary.inv_freq = 1 / number("rope.freq_base") ** (torch.arange(0, hidden // heads, 2, device="cuda").float() / (hidden // heads))
rotary.original_inv_freq = rotary.inv_freq
torch.backends.cuda.matmul.allow_tf32 = False
with torch.no_grad():
    row = model(torch.tensor([ids], device="cuda")).logits[0, -1].double().cpu()
got = torch.tensor([t["logit"] for t in printed], dtype=torch.float64)
want = row[[t["id"] for t in printed]]
print(json.dumps({"label": "7b-f16-logits", "reference": "transformers, float32", "ids": ids, "relative_difference": float((got - want).abs().max() / want.abs().max()),
                  "same_best": int(row.argmax()) == printed[0]["id"]}))
