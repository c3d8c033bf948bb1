package io.jllm.convert.packed;

import io.jllm.ModelLoadException;
import io.jllm.load.LoadedModel;
import io.jllm.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/** Texts of equal length out of a long one. */
final class Chunks {
    private static final int USUAL = 512;

    private Chunks() {
    }

    /**
     * Cuts a text.
     *
     * @throws ModelLoadException if the model has no tokenizer
     * @throws IllegalArgumentException if there is not one chunk, or chunks are longer than the model's context
     */
    static int[][] of(LoadedModel model, Path folder, FolderQuantizer.Text text) {
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new ModelLoadException(folder + " has no tokenizer: a text cannot be read"));
        int context = model.config().maxContext();
        if (text.chunk() > context) {
            throw new IllegalArgumentException("a chunk of " + text.chunk() + " tokens is longer than the model's context, " + context);
        }
        int length = text.chunk() == 0 ? Math.min(USUAL, context) : text.chunk();
        int[] tokens = tokenizer.encode(text.content(), true, false);
        int chunks = tokens.length / length;
        if (chunks == 0) {
            throw new IllegalArgumentException("chunks of " + length + " tokens need a text of as many; this one has " + tokens.length
                    + ": give a longer one, best of 100,000 tokens or more");
        }
        var cut = new int[text.most() == 0 ? chunks : Math.min(chunks, text.most())][];
        OptionalInt bos = tokenizer.addsBos() ? tokenizer.bos() : OptionalInt.empty();
        for (int c = 0; c < cut.length; c++) {
            int[] chunk = Arrays.copyOfRange(tokens, c * length, (c + 1) * length);
            bos.ifPresent(id -> chunk[0] = id);
            cut[c] = chunk;
        }
        return cut;
    }
}
