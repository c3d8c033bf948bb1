package io.jllm.cpu.op;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.Matrix;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.PackedProducts;
import io.jllm.cpu.kernels.StoredMatrix;
import io.jllm.cpu.kernels.StoredProducts;
import io.jllm.cpu.kernels.Target;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.BlockRows;
import io.jllm.cpu.layout.Rows;
import io.jllm.cpu.layout.TokenFormat;
import java.util.Map;

/** A matrix and the activations that it is multiplied by: found beforehand, for to look them up takes an object or two. */
interface Product {
    /** As {@link PackedProducts#linear} says. */
    void linear(int from, int to, int first, int tokens, Target target, int outRow, Workspace ws);

    /**
     * A product.
     *
     * @param stored what a matrix is multiplied by that is not rearranged
     * @param arranged what others are multiplied by
     */
    static Product of(Matrix matrix, Rows stored, Map<TokenFormat, BlockRows> arranged, CpuKernels kernels) {
        return switch (matrix) {
            case StoredMatrix m -> {
                StoredProducts products = kernels.stored();
                yield (from, to, first, tokens, target, outRow, ws) -> products.linear(m, from, to, stored, first, tokens, target, outRow, ws);
            }
            case PackedMatrix m -> {
                PackedProducts products = kernels.packed(m.format()).orElseThrow();
                BlockRows x = arranged.get(products.tokens());
                yield (from, to, first, tokens, target, outRow, ws) -> products.linear(m, from, to, x, first, tokens, target, outRow, ws);
            }
        };
    }
}
