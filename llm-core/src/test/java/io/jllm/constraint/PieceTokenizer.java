package io.jllm.constraint;

import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/** A tokenizer for tests: token 0 ends a sequence, special tokens follow, then all bytes and pieces of text. It encodes by the longest piece. */
final class PieceTokenizer implements Tokenizer {
    static final int EOS = 0;
    private static final List<String> PIECES = List.of("{\"", "\": ", "\", \"", "name", "arguments", "parameters", "\"}", "}}", "}\n", ">\n", "_call", "tool",
            "</", " [", "[{", "}]", "functions", ".get", "get_weather", "weather", "ing", " the", "\n\n", "```", "json", ">{", "]{", "ARGS]{\"", "é", "東京");

    private final List<String> special = new ArrayList<>(List.of("<end>"));
    private final List<byte[]> pieces = new ArrayList<>();

    PieceTokenizer(List<String> marks) {
        special.addAll(marks);
        for (int b = 0; b < 256; b++) {
            pieces.add(new byte[] {(byte) b});
        }
        PIECES.forEach(p -> pieces.add(p.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public int[] encode(String text, boolean addBos, boolean parseSpecial) {
        List<Integer> ids = new ArrayList<>();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at < bytes.length;) {
            int best = special.size() + (bytes[at] & 0xFF);
            int length = 1;
            for (int id = 1; id < vocabSize(); id++) {
                byte[] piece = isSpecial(id) ? token(id).getBytes(StandardCharsets.UTF_8) : bytes(id);
                boolean here = at + piece.length <= bytes.length && java.util.Arrays.equals(piece, 0, piece.length, bytes, at, at + piece.length);
                if (here && piece.length > length) {
                    best = id;
                    length = piece.length;
                }
            }
            ids.add(best);
            at += length;
        }
        return ids.stream().mapToInt(i -> i).toArray();
    }

    /** The text with special tokens written out. */
    String written(List<Integer> ids) {
        var out = new java.io.ByteArrayOutputStream();
        ids.forEach(id -> out.writeBytes(isSpecial(id) ? token(id).getBytes(StandardCharsets.UTF_8) : bytes(id)));
        return out.toString(StandardCharsets.UTF_8);
    }

    @Override
    public String decode(int[] ids) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamingDetokenizer detokenizer() {
        throw new UnsupportedOperationException();
    }

    @Override
    public String token(int id) {
        return isSpecial(id) ? special.get(id) : new String(bytes(id), StandardCharsets.UTF_8);
    }

    @Override
    public byte[] bytes(int id) {
        return isSpecial(id) ? new byte[0] : pieces.get(id - special.size()).clone();
    }

    @Override
    public boolean isSpecial(int id) {
        return id < special.size();
    }

    @Override
    public int vocabSize() {
        return special.size() + pieces.size();
    }

    @Override
    public OptionalInt bos() {
        return OptionalInt.empty();
    }

    @Override
    public boolean addsBos() {
        return false;
    }

    @Override
    public Set<Integer> eos() {
        return Set.of(EOS);
    }

    @Override
    public void close() {
        // nothing to be given back
    }
}
