package io.jllm.cpu.machine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Collections;
import java.util.List;

/**
 * Kernels in the processor's own code, written into memory once for the life of the JVM (some tens of KiB). Thread-safe. All
 * addresses are of memory outside the heap, and whoever calls sees to it that it is there: nothing is checked.
 *
 * <p>The JVM warns, once, when it was not started with {@code --enable-native-access}, and runs the code nevertheless, unless
 * it was told to deny that.
 */
public final class MachineCode {
    /** Rows of weights that lie side by side. */
    public static final int ROWS = Q4Code.ROWS;
    /** Most tokens of a call. */
    public static final int TOKENS = Q4Code.TOKENS;
    /** Columns that share a scale. */
    public static final int BLOCK = 32;
    /** Bytes of nibbles, and of scales, of a block of {@link #ROWS} rows. */
    public static final int NIBBLE_BYTES = Q4Code.NIBBLE_BYTES;
    /** See {@link #NIBBLE_BYTES}. */
    public static final int SCALE_BYTES = Q4Code.SCALE_BYTES;
    /** Bytes of a token's block. */
    public static final int TOKEN_BYTES = Q4Code.TOKEN_BYTES;

    private static final List<String> AVX512 = List.of("avx2", "avx512f", "avx512bw", "avx512_vnni");
    private static final int CALL_ALIGNMENT = 64;

    /** Holders of handles that the compiler may take for constants; touched only once native access is known to be granted. */
    private static final class Calls {
        static final MethodHandle SIX = handle(6);
        static final MethodHandle NINE = handle(9);

        private static MethodHandle handle(int arguments) {
            return Linker.nativeLinker().downcallHandle(
                    FunctionDescriptor.ofVoid(Collections.nCopies(arguments, JAVA_LONG).toArray(java.lang.foreign.MemoryLayout[]::new)));
        }
    }

    private final SystemCalls system;
    private final MemorySegment quantize;
    private final MemorySegment[] multiply = new MemorySegment[TOKENS + 1];

    private MachineCode(SystemCalls system) {
        this.system = system;
        var a = new Assembler();
        var at = new int[TOKENS + 1];
        QuantizeCode.write(a);
        for (int t = 1; t <= TOKENS; t++) {
            a.align(CALL_ALIGNMENT);
            at[t] = a.size();
            Q4Code.write(a, t);
        }
        long start = system.executable(a.code());
        quantize = MemorySegment.ofAddress(start);
        for (int t = 1; t <= TOKENS; t++) {
            multiply[t] = MemorySegment.ofAddress(start + at[t]);
        }
    }

    /**
     * Writes the kernels for AVX-512 with VNNI.
     *
     * @throws MachineCodeException if this system or processor cannot run them, or the JVM or the system refuses to
     */
    public static MachineCode avx512() {
        List<String> lacking = Processor.lacks(AVX512);
        if (!lacking.isEmpty()) {
            throw new MachineCodeException("the processor lacks " + String.join(", ", lacking));
        }
        try {
            return new MachineCode(new SystemCalls());
        } catch (IllegalCallerException e) {
            throw new MachineCodeException("the JVM denies native access: start Java with --enable-native-access="
                    + (MachineCode.class.getModule().isNamed() ? MachineCode.class.getModule().getName() : "ALL-UNNAMED"));
        }
    }

    /**
     * Turns a row of floats into blocks of bytes with a scale: d = max |x| / 127, q = x * (127 / max |x|), rounded to the
     * nearest, ties to even.
     *
     * @param quants receives 32 bytes a block
     * @param scales receives a float a block
     * @param blocks blocks of 32 floats, at least 1
     * @param stride bytes from block to block in what is written
     * @param sums where, in bytes behind {@code scales}, an int a block goes: -8 times the sum of its bytes
     */
    public void quantize(long in, long quants, long scales, long blocks, long stride, long sums) {
        try {
            Calls.SIX.invokeExact(quantize, in, quants, scales, blocks, stride, sums);
        } catch (Throwable t) {
            throw SystemCalls.unexpected(t);
        }
    }

    /**
     * Multiplies groups of 16 rows of Q4_0 weights by some tokens: for each block, exactly, the sum of products of integers,
     * then acc = fma(sum, d of the row * d of the token, acc), block after block; then bias and residual are added.
     *
     * @param count tokens, 1 to 8
     * @param weights for each group and each pair of blocks: for each of the two, 16 scales in half precision; for each of the
     *        two, bytes 4j to 4j + 3 of each of 16 rows, for j of 0 to 3. A last block without a partner keeps the place of
     *        its partner's scales, and nothing else
     * @param tokens for each block: 32 bytes a token, a scale a token, a sum a token, as {@link #quantize} writes them
     * @param out receives 16 floats for the first group and token; the next group 64 bytes on, the next token {@code stride}
     * @param blocks blocks a row, at least 1
     * @param groups groups, at least 1
     * @param residual laid out as {@code out}, may be the same; 0 for none
     * @param bias a float for each row; 0 for none
     * @param mask which of the 16 rows of every group there are; others are neither read nor written
     */
    public void multiplyQ4(int count, long weights, long tokens, long out, long blocks, long groups, long stride, long residual, long bias,
                           long mask) {
        try {
            Calls.NINE.invokeExact(multiply[count], weights, tokens, out, blocks, groups, stride, residual, bias, mask);
        } catch (Throwable t) {
            throw SystemCalls.unexpected(t);
        }
    }

    /**
     * Zeroed memory for weights, in pages of 2 MiB where the system has them. It takes space when first written; the arena
     * frees it.
     */
    public MemorySegment allocate(Arena arena, long bytes) {
        return system.hugePages(arena, bytes);
    }

    /** Lets go of the pages of a mapped file, which stay valid; does nothing to other memory. */
    public void release(MemorySegment mapped) {
        system.release(mapped);
    }
}
