package io.jllm.tokenizer;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;

/** Writes a BPE model in the format of Hugging Face's {@code tokenizer.json}, for the native tokenizer to read. */
final class TokenizerJson {
    private TokenizerJson() {
    }

    /**
     * A BPE model.
     *
     * @param vocabulary ids by token, special ones left out
     * @param merges pairs of tokens, best first
     * @param preTokenizer how the text is cut before merging, with a byte-level alphabet; empty: not at all, with byte fallback
     * @param unknown stands for what cannot be encoded
     */
    record Bpe(Map<String, Integer> vocabulary, Merges merges, Optional<PreTokenizer> preTokenizer,
            Optional<String> unknown) {
    }

    static byte[] of(Bpe bpe) {
        AsciiJson out = new AsciiJson();
        try (JsonWriter json = new JsonWriter(out)) {
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
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail so
        }
        return out.toBytes();
    }

    private static void preTokenizer(JsonWriter json, PreTokenizer pre) throws IOException {
        json.beginObject().name("type").value("Sequence").name("pretokenizers").beginArray();
        for (String expression : pre.expressions()) {
            json.beginObject().name("type").value("Split").name("behavior").value("Isolated").name("invert").value(false);
            json.name("pattern").beginObject().name("Regex").value(expression).endObject().endObject();
        }
        json.beginObject().name("type").value("ByteLevel").name("add_prefix_space").value(false);
        json.name("trim_offsets").value(false).name("use_regex").value(false).endObject();
        json.endArray().endObject();
    }

    private static void model(JsonWriter json, Bpe bpe) throws IOException {
        json.beginObject().name("type").value("BPE");
        json.name("byte_fallback").value(bpe.preTokenizer.isEmpty()).name("fuse_unk").value(true);
        json.name("ignore_merges").value(bpe.preTokenizer.map(PreTokenizer::ignoreMerges).orElse(false));
        if (bpe.unknown.isPresent()) {
            json.name("unk_token").value(bpe.unknown.get());
        }
        json.name("vocab").beginObject();
        for (Map.Entry<String, Integer> token : bpe.vocabulary.entrySet()) {
            json.name(token.getKey()).value(token.getValue());
        }
        json.endObject().name("merges").beginArray();
        bpe.merges.each((left, right) -> json.beginArray().value(left).value(right).endArray());
        json.endArray().endObject();
    }
}
