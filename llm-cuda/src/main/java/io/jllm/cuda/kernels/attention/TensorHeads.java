package io.jllm.cuda.kernels.attention;

import io.jllm.cuda.kernels.Kernels;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Which heads attention on tensor cores takes: its kernels are for pages of 16 bits, for rows that start at 16 bytes, and for heads padded to one of
 * a few lengths. What an image has no kernel for is done without tensor cores.
 */
final class TensorHeads {
    private static final int[] PADDED = {64, 128, 256};
    /** Dimensions of 16 bytes. */
    private static final int TOGETHER = 8;

    private TensorHeads() {
    }

    /**
     * How names of a family's kernels for heads of that length go on, before the type of pages; empty if there are none.
     *
     * @param kvSuffix the type of keys and values as names of kernels end
     */
    static Optional<String> suffix(Kernels kernels, String family, int headDim, String kvSuffix) {
        return headDim % TOGETHER != 0 ? Optional.empty() : IntStream.of(PADDED).filter(d -> headDim <= d).limit(1).mapToObj(d -> "_d" + d)
                .filter(s -> kernels.find(family + s + "_" + kvSuffix).isPresent()).findFirst();
    }
}
