"""Makes the files in this folder: python make.py LLAMA_TOKENIZE, with tokenizers 0.23 and gguf installed."""
import ast
import json
import os
import subprocess
import sys
import tempfile

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LLAMA_TOKENIZE = sys.argv[-1]
HERE = os.path.dirname(os.path.abspath(__file__))

TEXT = """The miller had three sons, and when he was old he called them to him. "I have 100 sheep," he said, "and 25 cows,
and a cat; what shall I give to whom?" The eldest wished for the sheep. The second wished for the cows. "Then the cat is mine,"
said the youngest, "and I'll go with it wherever it goes." So they went into the wide world, the boy and the cat, through woods
and over hills, until they came to a house with a red door. Who's there? It's the wind, it's the wind, the heavenly child!
    if (x == 1):
        return y   # the end
"""

TEXTS = ["", " ", "  ", "   \n", "\n\n", "the cat", " the cat", "The cat  and   the    wind", "I'll go. IT'S there, WE'VE been",
         "1 12 123 1234 12345678", "a\tb\r\nc\n\n\n d", "x = [1, 2];  # end\n    y", "naïve Äpfel straße", "привет мир", "日本語 中文",
         "🦙🚀 👩‍👩‍👧‍👦 the", "e\u0301a\u030a", "\u00a0\u2003\u3000x", "the\u0000wind\u0001\u007f\u0085", "<0x41> \u2581the\u2581 Ġthe",
         "<|bos|>the cat<|eos|>", "<|bos|><|bos|> the <|eos|> wind", "the <tool> wind<tool>and<tool>", "a<|pad|>b <|pad|>  c",
         "<|bos", "|eos|>", "<<|eos|>>", "wind<unk>wind", " <sep> the <sep>\n\nwind", "unword word words sword word",
         "…—“q” €°C ½ ② Ⅷ ٣٤٥", "!!!???...,,,'''\"\"\"", "thethethethethe", "woodwindwoodwind" * 3]


def trained(tokenizer, size, alphabet, specials):
    tokenizer.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet,
                                                              show_progress=False))
    return tokenizer


def byte_level():
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                                   r"|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    trained(t, 340, pre_tokenizers.ByteLevel.alphabet(), ["<|bos|>", "<|eos|>"])
    t.add_special_tokens([AddedToken("<|pad|>", lstrip=True, special=True)])
    t.add_tokens([AddedToken("<tool>", rstrip=True), AddedToken("word", single_word=True), AddedToken("<sep>", lstrip=True, rstrip=True)])
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|bos|> $A", special_tokens=[("<|bos|>", t.token_to_id("<|bos|>"))])])
    return t


BYTES = [f"<0x{b:02X}>" for b in range(256)]


def sentence_piece():
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # for training only: no token across words
    trained(t, 430, [], ["<unk>", "<|bos|>", "<|eos|>"] + BYTES)
    t.pre_tokenizer = None
    model = json.loads(t.to_str())["model"]
    t.model = models.BPE(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]], unk_token="<unk>", byte_fallback=True,
                         fuse_unk=True)
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    state = json.loads(t.to_str())
    state["added_tokens"] = [a for a in state["added_tokens"] if not a["content"].startswith("<0x")]
    for a in state["added_tokens"]:
        a["normalized"] = a["content"] == "<|eos|>"
    return Tokenizer.from_str(json.dumps(state))


def metaspace(base):
    state = json.loads(base.to_str())
    state["normalizer"] = None
    state["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    state["decoder"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    for a in state["added_tokens"]:
        a["normalized"] = False
    return Tokenizer.from_str(json.dumps(state))


def hugging_face(name, tokenizer, config):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    cases = []
    for text in TEXTS:
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        case = {"text": text, "ids": ids, "idsWithBos": tokenizer.encode(text).ids, "decoded": decoded(tokenizer, ids)}
        tokenizer.encode_special_tokens = True
        case["idsWithoutSpecial"] = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(case)
    write(os.path.join(folder, "tokenizer.json"), json.loads(tokenizer.to_str()))
    write(os.path.join(folder, "tokenizer_config.json"), config)
    write(os.path.join(folder, "cases.json"), {"cases": cases})


def decoded(tokenizer, ids):
    """tokenizers 0.23 does not skip special tokens that are looked for in normalized text: they are taken out before."""
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    return tokenizer.decode([i for i in ids if i not in special], skip_special_tokens=False)


def write(path, value):
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write(json.dumps(value, ensure_ascii=True) + "\n")


def write_gguf(path, metadata):
    w = gguf.GGUFWriter(path, "llama")
    w.add_vocab_size(len(metadata["tokens"]))
    for key, value in metadata.items():
        key = "general.name" if key == "name" else "tokenizer.ggml." + key
        if isinstance(value, list):
            w.add_array(key, value)
        elif isinstance(value, bool):
            w.add_bool(key, value)
        elif isinstance(value, int):
            w.add_uint32(key, value)
        else:
            w.add_string(key, value)
    for key, value in {"context_length": 8, "embedding_length": 8, "block_count": 1, "feed_forward_length": 8,
                       "attention.head_count": 1}.items():
        w.add_uint32("llama." + key, value)
    w.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def llama_ids(path, text, *flags):
    """Of a text by llama-tokenize; raises an error where that gives up."""
    with tempfile.TemporaryDirectory() as tmp:
        with open(os.path.join(tmp, "text"), "w", encoding="utf-8", newline="") as f:
            f.write(text)
        out = subprocess.run([LLAMA_TOKENIZE, "-m", path, "--ids", "--no-escape", "-f", os.path.join(tmp, "text"), *flags],
                             capture_output=True, check=True).stdout
        return ast.literal_eval(out.decode().strip())


def llama_cpp(name, metadata, variants):
    cases = []
    for variant in variants:
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, "vocab.gguf")
            write_gguf(path, {**metadata, **variant})
            results = [{"text": text, "ids": llama_ids(path, text), "idsWithoutSpecial": llama_ids(path, text, "--no-parse-special")}
                       for text in TEXTS if text]
            cases.append({"metadata": variant, "cases": results})
    write(os.path.join(HERE, name + ".json"), {"metadata": metadata, "variants": cases})


def gguf_tokens(tokenizer):
    vocab = tokenizer.get_vocab()
    tokens = [None] * (max(vocab.values()) + 1)
    for text, i in vocab.items():
        tokens[i] = text
    return tokens


def main():
    bl = byte_level()
    hugging_face("byte-level", bl, {"bos_token": "<|bos|>", "eos_token": {"content": "<|eos|>", "lstrip": False}})
    sp = sentence_piece()
    sp_merges = json.loads(sp.to_str())["model"]["merges"]
    hugging_face("sentence-piece", sp, {"bos_token": "<|bos|>", "eos_token": "<|eos|>", "add_bos_token": False, "add_eos_token": True})
    hugging_face("metaspace", metaspace(sp), {"bos_token": "<|bos|>", "eos_token": "<|eos|>"})

    tokens = gguf_tokens(bl)
    types = [3 if t in ("<|bos|>", "<|eos|>", "<|pad|>") else 4 if t in ("<tool>", "word", "<sep>") else 1 for t in tokens]
    merges = [" ".join(m) for m in json.loads(bl.to_str())["model"]["merges"]]
    llama_cpp("gguf-byte-level", {"model": "gpt2", "tokens": tokens, "token_type": types, "merges": merges, "bos_token_id": 0,
                                  "eos_token_id": 1},
              [{}, {"pre": "default"}, {"pre": "gpt-2", "add_bos_token": True}, {"pre": "llama-bpe"}, {"pre": "qwen2"},
               {"pre": "falcon", "add_bos_token": True, "add_eos_token": True}])
    tokens = gguf_tokens(sp) + ["<tool>", "<|pad|>", "word", "<sep>"]
    rank = {"".join(m): i for i, m in reversed(list(enumerate(sp_merges)))}
    types = [2 if t == "<unk>" else 3 if t in ("<|bos|>", "<|eos|>", "<|pad|>") else 4 if t in ("<tool>", "word", "<sep>")
             else 6 if t in BYTES else 1 for t in tokens]
    scores = [float(-rank[t]) if t in rank else -1000.0 for t in tokens]
    llama_cpp("gguf-sentence-piece", {"model": "llama", "tokens": tokens, "token_type": types, "scores": scores, "bos_token_id": 1,
                                      "eos_token_id": 2, "unknown_token_id": 0},
              [{}, {"add_space_prefix": False, "add_eos_token": True}, {"add_bos_token": False}])


if __name__ == "__main__":
    main()
