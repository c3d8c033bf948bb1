"""Makes pre-tokenizers.json in this folder: python pre.py LLAMA_CPP LLAMA_TOKENIZE, with tokenizers 0.23 and gguf installed.

The ids that llama-tokenize gives under each name that llama.cpp knows, for vocabularies whose tokens care for no boundary of words, so that
every cut shows."""
import json
import os
import re
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from make import BYTES, HERE, gguf_tokens, llama_ids, write, write_gguf

TEXTS = ["The cat  and   the    wind\n\n  I'll go. IT'S there, WE'VE been; he'D", "1 12 123 1234 12345678 3.14 1,000 ٣٤٥٦ ²³½Ⅷ x1y22z333w4444",
         "a\tb\r\nc\n\n\n d \r\n\r\n  \u00a0\u3000x\u3000\u3000y\u2003 \u0085z", "x = [1, 2];  # end\n    return y //\n/* ok */\n\n", "camelCase XMLHttpRequest naïve Äpfel STRASSE ǅ ʰ",
         "привет Мир Ελλάδα հայ ქართული", "日本語 中文、テスト。한국어 안녕 ㄱㄴ ㄅㄆ!！", "नमस्ते สวัสดี العربية ភាសា မြန်မာ", "🦙🚀 👩‍👩‍👧 e\u0301a\u030a \u0301x",
         "…—“q” €°C ~^`$+<=>| !!!???,,,'''\"\"\" ((a)) {b} [c]_d", "can't won't 'tis 'S 'llama a's b'T", "<sentinel:12> IMGIMGABCZ \t  x    y", "豈豉\uf900 ꩠꧠ ﹏︰ 𠀀𠀁 𐐀𝐀", "word.word,word", "one"]


def names(llama_cpp):
    with open(os.path.join(llama_cpp, "src/llama-vocab.cpp"), encoding="utf-8") as f:
        return sorted(set(re.findall(r'tokenizer_pre == "([^"]+)"', f.read())))


def trained(kind):
    t = Tokenizer(models.BPE(unk_token=None))
    if kind == "bytes":
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    texts = [text if kind == "bytes" else text.replace(" ", "▁") for text in TEXTS]
    half = [x[i:i + 9] for x in texts for i in range(0, len(x), 3)]
    t.train_from_iterator(half, trainers.BpeTrainer(vocab_size=700, special_tokens=["<s>"] + ([] if kind == "bytes" else BYTES), show_progress=False,
                                                    initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if kind == "bytes" else []))
    merges = [" ".join(m) for m in json.loads(t.to_str())["model"]["merges"]]
    if kind != "bytes":  # there a line feed is no part of a longer token
        merges = [m for m in merges if "\n" not in m or set(m) == {"\n", " "}]
    tokens = gguf_tokens(t)
    types = [3 if x == "<s>" else 6 if x in BYTES and kind != "bytes" else 1 for x in tokens]
    return {"model": "gpt2", "tokens": tokens, "token_type": types, "merges": merges, "bos_token_id": 0, "eos_token_id": 0}


def main():
    result = {"texts": TEXTS, "vocabularies": {"bytes": trained("bytes"), "text": trained("text")}, "cases": []}
    for name in names(sys.argv[-2]):
        kind = "text" if name in ("gemma4", "granite-embed-multi-311m", "sarvam-moe", "whitespace") else "bytes"
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, "vocab.gguf")
            write_gguf(path, result["vocabularies"][kind] | {"pre": name})
            ids = []
            for text in TEXTS:
                try:
                    ids.append(llama_ids(path, text))
                except subprocess.CalledProcessError:
                    ids.append(None)  # asserts that pieces hold no spaces, which that of the name whitespace do
        case = next((c for c in result["cases"] if c["ids"] == ids and c["vocabulary"] == kind), None)
        if case:
            case["names"].append(name)
        else:
            result["cases"].append({"names": [name], "vocabulary": kind, "ids": ids})
    write(os.path.join(HERE, "pre-tokenizers.json"), result)


if __name__ == "__main__":
    main()
