package io.jllm.model.arch.llama;

import io.jllm.model.Rope;
import io.jllm.model.decoder.ConfigDefaults;
import io.jllm.model.decoder.LlamaLike;
import java.util.OptionalInt;

/** ERNIE 4.5, dense: as llama, but neighbouring dimensions are rotated together in folders, too. Source: Baidu, ERNIE 4.5 report, 2025. */
public final class Ernie4_5 extends LlamaLike {
    private static final ConfigDefaults UNSAID = new ConfigDefaults(103_424, 1024, 3072, 18, 16, OptionalInt.of(2), OptionalInt.of(128), 131_072,
            500_000, 1e-5, true, false);

    /** The family. Biases have one flag for all, {@code use_bias}, and are there if their tensors are. */
    public Ernie4_5() {
        super("ernie4_5", "ernie4_5", Rope.Layout.INTERLEAVED, UNSAID);
    }

    @Override
    protected Rope.Layout folderRope() {
        return Rope.Layout.INTERLEAVED;
    }
}
