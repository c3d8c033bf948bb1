package io.jllm.tokenizer;

import java.util.Optional;
import java.util.function.ObjIntConsumer;

/** Writes a BPE model in the format of Hugging Face's {@code tokenizer.json}, for the native tokenizer to read. */
final class TokenizerJson {
    /** Characters that it takes without tokens and merges, and for each of those, as a rule. */
    private static final int FRAME = 2000;
    private static final int USUAL = 16;

    private TokenizerJson() {
    }

    /**
     * A BPE model.
     *
     * @param size how many tokens there are, about
     * @param vocabulary tells each token and its id, special ones left out
     * @param merges pairs of tokens, best first
     * @param preTokenizer how the text is cut before merging, with a byte-level alphabet; empty: not at all, with byte fallback
     * @param unknown stands for what cannot be encoded
     */
    record Bpe(int size, Tokens vocabulary, Merges merges, Optional<PreTokenizer> preTokenizer, Optional<String> unknown) {
    }

    /** Tokens and their ids, told one by one: as a map they would take much heap once more. */
    @FunctionalInterface
    interface Tokens {
        /** Tells them all, each once. */
        void each(ObjIntConsumer<String> sink);
    }

    static String of(Bpe bpe) {
        var json = new AsciiJson(FRAME + USUAL * (bpe.size + bpe.merges.most()));
        json.beginObject().name("version").value("1.0");
        json.name("added_tokens").beginArray().endArray();
        json.name("pre_tokenizer");
        if (bpe.preTokenizer.isPresent()) {
            preTokenizer(json, bpe.preTokenizer.get());
        } else {
            json.nullValue();
        }
        json.name("model");
        model(json, bpe);
        json.endObject();
        return json.toString();
    }

    private static void preTokenizer(AsciiJson json, PreTokenizer pre) {
        json.beginObject().name("type").value("Sequence").name("pretokenizers").beginArray();
        for (String expression : pre.expressions()) {
            json.beginObject().name("type").value("Split").name("behavior").value("Isolated").name("invert").value(false);
            json.name("pattern").beginObject().name("Regex").value(expression).endObject().endObject();
        }
        json.beginObject().name("type").value("ByteLevel").name("add_prefix_space").value(false);
        json.name("trim_offsets").value(false).name("use_regex").value(false).endObject();
        json.endArray().endObject();
    }

    private static void model(AsciiJson json, Bpe bpe) {
        json.beginObject().name("type").value("BPE");
        json.name("byte_fallback").value(bpe.preTokenizer.isEmpty()).name("fuse_unk").value(true);
        json.name("ignore_merges").value(bpe.preTokenizer.map(PreTokenizer::ignoreMerges).orElse(false));
        if (bpe.unknown.isPresent()) {
            json.name("unk_token").value(bpe.unknown.get());
        }
        json.name("vocab").beginObject();
        bpe.vocabulary.each((token, id) -> json.name(token).value(id));
        json.endObject().name("merges").beginArray();
        if (bpe.merges.spaced()) {
            bpe.merges.each((left, right) -> json.beginArray().value(left).value(right).endArray());
        } else { // the older form, which the native library reads in less than half the memory
            bpe.merges.each(json::value);
        }
        json.endArray().endObject();
    }
}
