"""Writes configurations.json: what transformers makes of tokenizer.json beside other files. Needs transformers 5.18, tokenizers 0.23.2."""
import json
import pathlib
import tempfile

from transformers import PreTrainedTokenizerFast

here = pathlib.Path(__file__).parent
TEXTS = ["", "the king", "<|im_start|>user\nthe king<|im_end|>\n", "a <|im_start|> b", "  <mark>  x", "Hello World hello world", "  ab cd  ab cd ",
         "<|bos|>so<|eos|>", "caf\u00e9 cafe\u0301 CAFE\u0301", "<one><two>", "\u0130stanbul", "king kings the king, THE KING"]


def added(content, special=False, id=0, **more):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": not special,
            "special": special, **more}


def token(content, **more):
    return {"__type": "AddedToken", **plain(content, **more)}


def plain(content, **more):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, **more}


MARKS = ["<|im_start|>", "<|im_end|>"]
CASES = [  # base, tokens put into the vocabulary, changes to tokenizer.json, other files
    ("byte-level", MARKS, {}, {"tokenizer_config.json": {"additional_special_tokens": MARKS}}),
    ("byte-level", MARKS, {}, {"tokenizer_config.json": {"extra_special_tokens": MARKS, "additional_special_tokens": ["the"]}}),
    ("byte-level", MARKS, {}, {"tokenizer_config.json": {"extra_special_tokens": {"start_token": MARKS[0], "other": MARKS[1]}}}),
    ("byte-level", MARKS, {}, {"tokenizer_config.json": {"pad_token": MARKS[0], "mask_token": MARKS[1]}}),
    ("byte-level", MARKS, {}, {"tokenizer_config.json": {"image_token": MARKS[0], "eos_token": token(MARKS[1], rstrip=True)}}),
    ("byte-level", MARKS, {}, {"special_tokens_map.json": {"extra_special_tokens": [MARKS[0], plain(MARKS[1], lstrip=True)]}}),
    ("byte-level", MARKS, {}, {"special_tokens_map.json": {"pad_token": {"content": MARKS[0]}, "cls_token": MARKS[1]}, "tokenizer_config.json": {"pad_token": "the"}}),
    ("byte-level", MARKS, {}, {"special_tokens_map.json": {"pad_token": MARKS[0]}, "tokenizer_config.json": {
        "mask_token": MARKS[1], "added_tokens_decoder": {"339": plain("<mark>", special=True)}}}),
    ("byte-level", [], {}, {"tokenizer_config.json": {"eos_token": "<|im_end|>", "bos_token": "<|im_start|>", "add_bos_token": True}}),
    ("byte-level", [], {}, {"tokenizer_config.json": {"eos_token": "<|eos|>", "add_eos_token": True}}),
    ("byte-level", [], {}, {"tokenizer_config.json": {"add_bos_token": True, "eos_token": "<|eos|>"}}),
    ("byte-level", [], {}, {"tokenizer_config.json": {"pad_token": "the", "bos_token": "king"}}),
    ("byte-level", [], {}, {"tokenizer_config.json": {"extra_special_tokens": ["<two>", "<one>", "<|eos|>"]}}),
    ("byte-level", [], {}, {"added_tokens.json": {"<one>": 350, "<two>": 349}, "tokenizer_config.json": {"additional_special_tokens": ["<two>"]}}),
    ("byte-level", [], {"added_tokens": [added("<one>", True, 400), added("<two>", True, 401)]}, {}),
    ("byte-level", [], {"added_tokens": [added("<two>", False, 342), added("<one>", True, 341), added("the", True, 7)]}, {}),
    ("byte-level", [], {"added_tokens": [added("Hello World", id=340)], "normalizer": {"type": "Lowercase"}}, {}),
    ("byte-level", [], {"added_tokens": [added("caf\u00e9", id=340)], "normalizer": {"type": "NFD"}}, {}),
    ("byte-level", [], {"added_tokens": [added("cafe\u0301", id=340)], "normalizer": {"type": "NFC"}}, {}),
    ("byte-level", [], {"added_tokens": [added(" ab ", id=340)], "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFC"}]}}, {}),
    ("byte-level", [], {"added_tokens": [added("ab cd", id=340)], "normalizer": {"type": "Strip", "strip_left": True, "strip_right": False}}, {}),
    ("byte-level", [], {"added_tokens": [added("k\u00eeng", id=340)], "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}}, {}),
    ("byte-level", [], {"added_tokens": [added("h w", id=340)], "normalizer": {"type": "Replace", "pattern": {"Regex": "[aeiou]|llo|orld"}, "content": ""}}, {}),
    ("byte-level", [], {"added_tokens": [added("THE KING", id=340, single_word=True)], "normalizer": {"type": "BertNormalizer", "clean_text": True,
        "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}}, {}),
    ("sentence-piece", [], {}, {"tokenizer_config.json": {"additional_special_tokens": [token("<mark>", lstrip=True, rstrip=True)]}}),
    ("sentence-piece", [], {"added_tokens": [added("<unk>", True, 0), added("king", id=430)]}, {"tokenizer_config.json": {"unk_token": "<unk>"}}),
    ("sentence-piece", MARKS, {}, {"tokenizer_config.json": {"additional_special_tokens": MARKS, "bos_token": "<|bos|>", "eos_token": "<|eos|>",
        "add_eos_token": False}}),
    ("metaspace", [], {}, {"tokenizer_config.json": {"sep_token": "<mark>", "cls_token": token("king", single_word=True)}}),
]


def fold(base, vocabulary, changes, files, folder):
    tokenizer = json.loads((here / base / "tokenizer.json").read_text())
    for text in vocabulary:
        tokenizer["model"]["vocab"][text] = len(tokenizer["model"]["vocab"])
    tokenizer.update(changes)
    for name, content in {"tokenizer.json": tokenizer, **files}.items():
        (folder / name).write_text(json.dumps(content))


cases = []
for base, vocabulary, changes, files in CASES:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        fold(base, vocabulary, changes, files, folder)
        loaded = PreTrainedTokenizerFast.from_pretrained(folder)
        cases.append({"base": base, "vocabulary": vocabulary, "changes": changes, "files": files,
                      "texts": [{"text": t, "ids": loaded.encode(t, add_special_tokens=False), "idsWithBos": loaded.encode(t),
                                 "decoded": loaded.decode(loaded.encode(t, add_special_tokens=False), skip_special_tokens=True,
                                                          clean_up_tokenization_spaces=False)} for t in TEXTS],
                      "bos": loaded.bos_token_id, "eos": loaded.eos_token_id, "size": len(loaded)})
(here / "configurations.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
