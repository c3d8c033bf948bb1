"""Masks and compile times of XGrammar and llguidance, as `benchmarks.jar masks` measures ours.

    pip install xgrammar llguidance transformers
    python jmh/peers/grammar.py FOLDER [ROUNDS]

FOLDER has a Hugging Face tokenizer. Prints a line of JSON for each of the two, with the times of the thread (of the process, where schemas are
compiled, for XGrammar compiles in threads of its own; here in one).
"""
import datetime
import importlib.metadata
import json
import pathlib
import statistics
import sys
import time

import llguidance
import llguidance.hf
import llguidance.numpy
import xgrammar
from transformers import AutoTokenizer

SCHEMAS = pathlib.Path(__file__).parent.parent / "src/main/resources/io/jllm/jmh/grammar/schemas.json"


class Llguidance:
    name = "llguidance"

    def __init__(self, tokenizer):
        self.tokenizer = llguidance.hf.from_tokenizer(tokenizer)
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def compile(self, schema):
        matcher = llguidance.LLMatcher(self.tokenizer, llguidance.LLMatcher.grammar_from_json_schema(schema))
        assert not matcher.get_error(), matcher.get_error()
        return matcher

    def start(self, compiled):
        return compiled.deep_copy()

    def fill(self, matcher):
        llguidance.numpy.fill_next_token_bitmask(matcher, self.mask)

    def accept(self, matcher, token):
        return matcher.consume_token(token)


class Xgrammar:
    name = "xgrammar"

    def __init__(self, tokenizer):
        self.tokenizer = xgrammar.TokenizerInfo.from_huggingface(tokenizer)
        self.mask = xgrammar.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def compile(self, schema):
        # Nothing is remembered from one to the next.
        return xgrammar.GrammarCompiler(self.tokenizer, max_threads=1, cache_enabled=False).compile_json_schema(schema)

    def start(self, compiled):
        return xgrammar.GrammarMatcher(compiled)

    def fill(self, matcher):
        matcher.fill_next_token_bitmask(self.mask)

    def accept(self, matcher, token):
        return matcher.accept_token(token)


def micros(times):
    times = sorted(times)
    at = lambda part: times[min(len(times) - 1, int(part * len(times)))] / 1e3
    return {"median": at(0.5), "p99": at(0.99), "p999": at(0.999), "most": at(1)}


def measure(peer, schemas, rounds):
    walks = ([], [])
    compiled = {s["name"]: [] for s in schemas}
    for _ in range(rounds):
        for s in schemas:
            text = json.dumps(s["schema"])
            began = time.process_time_ns()
            grammar = peer.compile(text)
            peer.fill(peer.start(grammar))
            compiled[s["name"]].append((time.process_time_ns() - began) / 1e6)
            for times in walks:
                for ids in s["ids"]:
                    matcher = peer.start(grammar)
                    for token in ids:
                        began = time.thread_time_ns()
                        peer.fill(matcher)
                        times.append(time.thread_time_ns() - began)
                        assert peer.accept(matcher, token), f"{peer.name} rejects an answer to {s['name']}"
    return {"first_us": micros(walks[0]), "again_us": micros(walks[1]), "compile_ms": {n: statistics.median(t) for n, t in compiled.items()}}


def main():
    folder = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    tokenizer = AutoTokenizer.from_pretrained(folder)
    schemas = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    for s in schemas:
        s["ids"] = [tokenizer.encode(a, add_special_tokens=False) for a in s["answers"]]
    for kind in (Llguidance, Xgrammar):
        row = {"date": datetime.date.today().isoformat(), "program": kind.name + " " + importlib.metadata.version(kind.name), "tokenizer": folder,
               "vocab": len(tokenizer), "rounds": rounds}
        row |= measure(kind(tokenizer), schemas, rounds)
        row["command"] = "python jmh/peers/grammar.py " + " ".join(sys.argv[1:])
        print(json.dumps(row), flush=True)


main()
