package io.jllm.cuda.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jllm.cuda.driver.DeviceMemory;
import io.jllm.cuda.kernels.RowChainKernels.Product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Device memory of all chains of rows of a program compiled once, of which one runs at a time: a number, 0 between launches, that counts blocks;
 * rows between two products with the sums of their squares, twice, since one is read while the other is written; and the links of each chain with
 * the maps of their matrices.
 *
 * @param memory all of it, or nothing yet
 * @param rowBytes of rows between two products
 * @param squareBytes of the sums of their squares
 * @param chainBytes of the links and maps of a chain
 * @param chains most of them
 */
public record ChainMemory(Optional<DeviceMemory> memory, long rowBytes, long squareBytes, long chainBytes, int chains) {
    private static final int ALIGNMENT = 256;

    /** What it takes, each part rounded up; at no address yet. */
    static ChainMemory of(long rowBytes, long squareBytes, long chainBytes, int chains) {
        return new ChainMemory(Optional.empty(), rounded(rowBytes), rounded(squareBytes), rounded(chainBytes), chains);
    }

    private static long rounded(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** How much it is. */
    public long bytes() {
        return chainAt(chains);
    }

    /** The same in memory. */
    public ChainMemory in(DeviceMemory all) {
        try (Arena zero = Arena.ofConfined()) {
            all.write(zero.allocate(ALIGNMENT), 0);
        }
        return new ChainMemory(Optional.of(all), rowBytes, squareBytes, chainBytes, chains);
    }

    /** Where it starts, and the number that counts blocks is. */
    long address() {
        return memory.orElseThrow().address();
    }

    /** Where rows before a product are. */
    long rows(int product) {
        return address() + ALIGNMENT + product % 2 * (rowBytes + squareBytes);
    }

    /** Where the sums of their squares are. */
    long squares(int product) {
        return rows(product) + rowBytes;
    }

    /** Where a chain's links and maps stand, from the start of the memory on. */
    long chainAt(int chain) {
        return ALIGNMENT + 2 * (rowBytes + squareBytes) + chain * chainBytes;
    }

    /** Brings links and maps of a chain to their place. */
    void write(int chain, MemorySegment all) {
        memory.orElseThrow().write(all, chainAt(chain));
    }

    /** What a link of a product says whatever its rows are. */
    static void product(DeviceStruct struct, MemorySegment link, Product p, long map) {
        link.set(JAVA_LONG, struct.at("from"), map);
        link.set(JAVA_LONG, struct.at("bias"), p.bias());
        link.set(JAVA_LONG, struct.at("residual"), p.residual().floats());
        link.set(JAVA_LONG, struct.at("y"), p.y().floats());
        link.set(JAVA_INT, struct.at("N"), p.weights().outputs());
        link.set(JAVA_INT, struct.at("K"), p.weights().cols());
        link.set(JAVA_INT, struct.at("act"), p.act());
        link.set(JAVA_INT, struct.at("ldr"), p.residual().pitch());
        link.set(JAVA_INT, struct.at("ldy"), p.y().pitch());
        link.set(JAVA_FLOAT, struct.at("eps"), p.norm().map(ProductKernels.Norm::eps).orElse(0f));
    }

    /** What a link leaves for a product, the one of that number. */
    void out(DeviceStruct struct, MemorySegment link, int number, Product next) {
        link.set(JAVA_LONG, struct.at("out"), rows(number));
        next.norm().ifPresent(n -> {
            link.set(JAVA_LONG, struct.at("norm"), n.weight());
            link.set(JAVA_LONG, struct.at("squaresOut"), squares(number));
        });
    }
}
