package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import java.util.Optional;

/** The table of codecs by type. */
public final class Codecs {
    private Codecs() {
    }

    /** The codec of a type, if there is one. */
    public static Optional<Codec> find(DType type) {
        throw new UnsupportedOperationException("skeleton");
    }

    /** The encoder of a type, if there is one. */
    public static Optional<Encoder> findEncoder(DType type) {
        throw new UnsupportedOperationException("skeleton");
    }
}
