package io.jllm.quant.codec;

import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.WholeNumbers;
import io.jllm.quant.codec.checkpoint.E2M1_64;
import io.jllm.quant.codec.checkpoint.F8_64;
import io.jllm.quant.codec.checkpoint.FourBitFloats;
import io.jllm.quant.codec.checkpoint.S8_64;
import io.jllm.quant.codec.checkpoint.WholeNumberCodec;
import io.jllm.quant.codec.eight.F8_E4M3;
import io.jllm.quant.codec.eight.F8_E5M2;
import io.jllm.quant.codec.eight.F8_E8M0;
import io.jllm.quant.codec.grid.IQ1_M;
import io.jllm.quant.codec.grid.IQ1_S;
import io.jllm.quant.codec.grid.IQ2_S;
import io.jllm.quant.codec.grid.IQ2_XS;
import io.jllm.quant.codec.grid.IQ2_XXS;
import io.jllm.quant.codec.grid.IQ3_S;
import io.jllm.quant.codec.grid.IQ3_XXS;
import io.jllm.quant.codec.grid.IQ4_NL;
import io.jllm.quant.codec.grid.IQ4_XS;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tables of codecs and encoders by type: a new format is one file and one line here. */
public final class Codecs {
    private static final Map<DType, Codec> CODECS = new EnumMap<>(DType.class);
    private static final Map<DType, Encoder> ENCODERS = new EnumMap<>(DType.class);

    static {
        for (Codec c : List.of(new F32(), new F16(), new BF16(), new Q4_0(), new Q4_1(), new Q5_0(), new Q5_1(), new Q8_0(), new Q2_K(),
                new Q3_K(), new Q4_K(), new Q5_K(), new Q6_K(), new TQ1_0(), new TQ2_0(), new IQ1_S(), new IQ1_M(), new IQ2_XXS(), new IQ2_XS(),
                new IQ2_S(), new IQ3_XXS(), new IQ3_S(), new IQ4_NL(), new IQ4_XS(), new MXFP4(), new F8_E4M3(), new F8_E5M2(),
                new F8_E8M0(), FourBitFloats.NF4, FourBitFloats.FP4, new S8_64(), new E2M1_64(), new F8_64())) {
            CODECS.put(c.type(), c);
            if (c instanceof Encoder e) {
                ENCODERS.put(c.type(), e);
            }
        }
        WholeNumbers.ALL.forEach(w -> CODECS.put(w.type(), new WholeNumberCodec(w)));
    }

    private Codecs() {
    }

    /** The codec of a type, if there is one. */
    public static Optional<Codec> find(DType type) {
        return Optional.ofNullable(CODECS.get(type));
    }

    /** The encoder of a type, if there is one. */
    public static Optional<Encoder> findEncoder(DType type) {
        return Optional.ofNullable(ENCODERS.get(type));
    }
}
