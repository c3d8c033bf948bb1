package io.jllm.cpu.machine.asm;

import io.jllm.cpu.layout.WeightFormat;
import java.util.List;

/** The instruction sets that kernels are written in. */
public enum Isa {
    /** 512 bits, with dot products of bytes. */
    AVX512(512, 8, List.of("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni")),
    /** 256 bits, half as many registers. */
    AVX2(256, 4, List.of("avx2", "fma", "f16c"));

    private final int bits;
    private final int tokens;
    private final List<String> features;

    Isa(int bits, int tokens, List<String> features) {
        this.bits = bits;
        this.tokens = tokens;
        this.features = features;
    }

    /** What the processor must have, by Linux's names. */
    public List<String> features() {
        return features;
    }

    /** Most tokens whose sums the registers hold. */
    public int tokens() {
        return tokens;
    }

    /** Bytes of a vector. */
    public int bytes() {
        return bits / Byte.SIZE;
    }

    /** Vectors that hold a number of 32 bits for each row of a group. */
    public int parts() {
        return WeightFormat.ROWS * Integer.BYTES / bytes();
    }

    /** A whole register. */
    Vec vec(int number) {
        return new Vec(number, bits, 0);
    }
}
