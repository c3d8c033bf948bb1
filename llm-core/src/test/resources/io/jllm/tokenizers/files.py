"""Makes files.json in this folder: python files.py, with sentencepiece 0.2.3, tiktoken 0.14, transformers 5.24 and regex installed.

Vocabularies in the forms that folders without tokenizer.json hold, each as the files of a folder (in base 64 where they are no text), and the
ids that the library which such files are made for gives for a list of nasty texts."""
import base64
import json
import os
import tempfile
import unicodedata

import sentencepiece
import tiktoken
from transformers import CodeGenTokenizer, GPT2Tokenizer, Qwen2Tokenizer

from make import TEXT, TEXTS

HERE = os.path.dirname(os.path.abspath(__file__))
MORE = ["ﬁve ① ½ Ⅷ ｆｕｌｌ　ｗｉｄｔｈ", "  two  spaces   and  more  ", "\n the\nwind \t x", "a▁b ▁ ▁▁c", "    def f():\n        pass", "12345 1234 12",
        "the\n\n\n\nend", "don't DON'T we'll WE'LL", "한국어 नमस्ते العربية", "e\u0301\u0301 \u1e9b\u0323", "\U0001d400\U0001d401 \u2460\u2461",
        "<x>the<x> wind <x>", "  <x>  ", "sop philosopher"]
CASES = TEXTS + MORE
RULES = "".join(" ".join(f"{ord(c):04X}" for c in old) + "\t" + " ".join(f"{ord(c):04X}" for c in new) + "\n" for old, new in [
    ("ﬁ", "fi"), ("①", "1"), ("½", "1⁄2"), ("\t", " "), ("\u3000", " "), ("\n", " "), ("\u0001", ""), ("ｆ", "f"), ("ff", "F"), ("fff", "three")])


def pieces(**settings):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("text", "w") as f:
            f.write((TEXT + " ﬁve ① fff\n") * 3)
        with open("rules", "w") as f:
            f.write(RULES)
        sentencepiece.SentencePieceTrainer.train(**{"input": "text", "model_prefix": "m", "model_type": "bpe", "minloglevel": 2,
                                                    "hard_vocab_limit": False} | settings)
        os.chdir(HERE)
        with open(folder + "/m.model", "rb") as f:
            model = f.read()
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    cases = []
    for text in CASES:
        if "<unk>" not in text:  # which is found in a text where special tokens are parsed
            ids = sp.encode(text)
            cases.append({"text": text, "ids": ids} | ({} if sp.unk_id() in ids else {"decoded": sp.decode(ids)}))
    return {"files": {"tokenizer.model": base64.b64encode(model).decode()}, "cases": cases}


def ranks():
    """Byte-pair encoding of the text above, as tiktoken keeps it."""
    from tiktoken._educational import bpe_train
    return bpe_train(TEXT, 420, EXPRESSION, visualise=None)


EXPRESSION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def qwen():
    table = ranks()
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + [f"<|extra_{i}|>" for i in range(205)]
    encoding = tiktoken.Encoding("Qwen", pat_str=EXPRESSION, mergeable_ranks=table,
                                 special_tokens={n: len(table) + i for i, n in enumerate(names)})
    lines = "".join(base64.b64encode(b).decode() + f" {r}\n" for b, r in table.items())
    cases = []
    for text in CASES + ["<|im_start|>user\nthe wind<|im_end|><|extra_204|>"]:
        ids = encoding.encode(unicodedata.normalize("NFC", text), allowed_special="all")
        plain = encoding.encode(unicodedata.normalize("NFC", text), disallowed_special=())
        cases.append({"text": text, "ids": ids, "plain": plain, "decoded": encoding.decode([i for i in ids if i < len(table)])})
    return {"files": {"qwen.tiktoken": lines, "tokenizer_config.json": json.dumps({"tokenizer_class": "QWenTokenizer"})}, "cases": cases}


def merges(kind, config):
    """The vocabulary of byte-level/, in two files."""
    with open(HERE + "/byte-level/tokenizer.json") as f:
        model = json.load(f)["model"]
    files = {"vocab.json": json.dumps(model["vocab"], ensure_ascii=False), "merges.txt": "#version: 0.2\n" + "".join(
        " ".join(m) + "\n" for m in model["merges"]), "tokenizer_config.json": json.dumps(config)}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            with open(folder + "/" + name, "w") as f:
                f.write(text)
        tokenizer = kind.from_pretrained(folder)
        cases = [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False)} for t in CASES]
    return {"files": files, "cases": cases}


named = {"bos_token": "<|bos|>", "eos_token": "<|eos|>", "unk_token": "<|eos|>"}
result = {
    "pieces": pieces(vocab_size=380, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
                     allow_whitespace_only_pieces=True),
    "pieces-tidied": pieces(vocab_size=150, normalization_rule_tsv="rules", user_defined_symbols=["<x>", "12", "ff", "▁▁c"]),
    "pieces-bare": pieces(vocab_size=400, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                          add_dummy_prefix=False, user_defined_symbols=["▁▁", "▁▁▁▁", "\n", "\n\n", "<x>"], pad_id=0, eos_id=1, bos_id=2, unk_id=3),
    "unigram": pieces(model_type="unigram", vocab_size=200, byte_fallback=False, normalization_rule_tsv="rules"),
    "unigram-bytes": pieces(model_type="unigram", vocab_size=420, byte_fallback=True, normalization_rule_name="identity",
                            remove_extra_whitespaces=False, add_dummy_prefix=False, user_defined_symbols=["▁▁", "\n", "<x>", "the", "12"]),
    "unigram-tidied": pieces(model_type="unigram", vocab_size=180, normalization_rule_tsv="rules", split_by_whitespace=False,
                             user_defined_symbols=["<x>", "12", "ff"], pad_id=0, eos_id=1, bos_id=-1, unk_id=2),
    "qwen": qwen(),
    "merges": merges(GPT2Tokenizer, {"tokenizer_class": "GPT2Tokenizer", **named}),
    "merges-prefix": merges(CodeGenTokenizer, {"tokenizer_class": "CodeGenTokenizerFast", "add_prefix_space": True, **named}),
    "merges-qwen2": merges(Qwen2Tokenizer, {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|eos|>", "pad_token": "<|eos|>", "unk_token": "<|eos|>"}),
}
with open(HERE + "/files.json", "w") as f:
    json.dump(result, f, ensure_ascii=True, separators=(",", ":"))
    f.write("\n")
