package io.jllm.cpu.vector;

import static io.jllm.cpu.vector.VectorKernels.F;
import static io.jllm.cpu.vector.VectorKernels.L;
import static io.jllm.cpu.vector.VectorUnpack.I;
import static io.jllm.cpu.vector.VectorUnpack.PAIRS;
import static io.jllm.cpu.vector.VectorUnpack.V;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.jllm.cpu.kernels.CpuKernels;
import io.jllm.cpu.kernels.PackedMatrix;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Numbers.Integers;
import io.jllm.cpu.layout.Planes;
import io.jllm.cpu.layout.Scales;
import io.jllm.cpu.layout.TokenFormat;
import io.jllm.cpu.layout.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Makes floats of rearranged weights, by way of what {@link VectorUnpack} or {@link VectorCodes} leaves of them. */
final class VectorDecoder implements CpuKernels.Decoder {
    /** Blocks that are taken apart at a time: whole units of every format. */
    private static final int CHUNK = 8;
    private static final int BLOCK = TokenFormat.BLOCK;
    private static final long LINE = WeightFormat.VECTOR;
    /** Strips of a group. */
    private static final int PARTS = WeightFormat.ROWS / Math.min(L, WeightFormat.ROWS);
    // Where things are in a workspace's tile, in bytes.
    private static final long INTEGERS = 0;
    private static final long SCALES = INTEGERS + (long) CHUNK * PAIRS * V;
    private static final long MINIMA = SCALES + 2L * CHUNK * V;
    private static final long NO_ZEROS = -1;

    private final WeightFormat format;
    private final Planes planes;
    private final Scales scales;
    private final boolean fits;

    private VectorDecoder(WeightFormat format, Integers numbers) {
        this.format = format;
        planes = numbers.planes();
        scales = numbers.scales();
        fits = VectorUnpack.fits(numbers);
    }

    /** The decoder of a format; empty if there are no loops for what its numbers are, as for tables of floats. */
    static Optional<CpuKernels.Decoder> of(WeightFormat format) {
        return L <= WeightFormat.ROWS && format.numbers() instanceof Integers n && VectorUnpack.covers(n) && !n.planes().book().rounded()
                ? Optional.of(new VectorDecoder(format, n)) : Optional.empty();
    }

    @Override
    public void decode(PackedMatrix w, int group, MemorySegment to, long at, Workspace ws) {
        for (int b = 0; b < w.blocks(); b += CHUNK) {
            int blocks = Math.min(CHUNK, w.blocks() - b);
            long unit = w.unit(group, b);
            for (int part = 0; part < PARTS; part++) {
                long out = at + b * BLOCK * LINE + (long) part * V;
                if (!fits) {
                    bytes(w.data(), unit, part, blocks, ws.tile, to, out);
                } else {
                    VectorUnpack.unpack(format, planes, scales, w.data(), unit, part, blocks, ws.tile, INTEGERS, SCALES, MINIMA);
                    integers(blocks, ws.tile, to, out);
                }
            }
        }
    }

    /** Whole bytes, stored or looked up, of which a block has one scale. */
    private void bytes(MemorySegment w, long unit, int part, int blocks, MemorySegment m, MemorySegment to, long out) {
        VectorScales.unpack(format, scales, w, unit, 0, part, blocks, m, SCALES, MINIMA);
        for (int b = 0; b < blocks; b++) {
            long block = unit + format.blockAt(b) + (long) part * V;
            long scale = SCALES + (long) b * V;
            if (planes.coded()) {
                VectorCodes.lookUp(planes.book(), w, block, V, m, INTEGERS);
                bytes(m, INTEGERS, V, VectorCodes.ADDED, m, scale, NO_ZEROS, to, out + b * BLOCK * LINE);
            } else {
                bytes(w, block, LINE, planes.offset(), m, scale, scales.zeros() ? MINIMA + (long) b * V : NO_ZEROS, to, out + b * BLOCK * LINE);
            }
        }
    }

    private static void bytes(MemorySegment w, long block, long step, int offset, MemorySegment m, long scale, long zeros, MemorySegment to,
                              long out) {
        FloatVector d = FloatVector.fromMemorySegment(F, m, scale, LITTLE_ENDIAN);
        FloatVector z = zeros == NO_ZEROS ? FloatVector.zero(F) : FloatVector.fromMemorySegment(F, m, zeros, LITTLE_ENDIAN);
        for (int i = 0; i < BLOCK; i += Integer.BYTES) {
            IntVector v = IntVector.fromMemorySegment(I, w, block + i / Integer.BYTES * step, LITTLE_ENDIAN);
            for (int c = 0; c < Integer.BYTES; c++) {
                ((FloatVector) v.and(0xff).sub(offset).convert(VectorOperators.I2F, 0)).sub(z).mul(d).intoMemorySegment(to, out + (i + c) * LINE,
                        LITTLE_ENDIAN);
                v = v.lanewise(VectorOperators.LSHR, Byte.SIZE);
            }
        }
    }

    private void integers(int blocks, MemorySegment m, MemorySegment to, long out) {
        int n = PAIRS / scales.each();
        int raised = VectorUnpack.lowered(planes) - planes.offset();
        for (int i = 0; i < blocks * scales.each(); i++) {
            long from = INTEGERS + (long) i * n * V;
            long first = out + i * (BLOCK / scales.each()) * LINE;
            if (scales.zeros()) {
                zeroed(m, from, n, raised, SCALES + (long) i * V, MINIMA + (long) i * V, to, first);
            } else if (scales.minima()) {
                lowered(m, from, n, raised, SCALES + (long) i * V, MINIMA + (long) i * V, to, first);
            } else {
                scaled(m, from, n, raised, SCALES + (long) i * V, to, first);
            }
        }
    }

    /** Columns that share a scale: of each four, pairs of the first and third and of the second and fourth. */
    private static void scaled(MemorySegment m, long from, int n, int raised, long scale, MemorySegment to, long out) {
        FloatVector d = FloatVector.fromMemorySegment(F, m, scale, LITTLE_ENDIAN);
        for (int i = 0; i < n; i++) {
            IntVector v = IntVector.fromMemorySegment(I, m, from + (long) i * V, LITTLE_ENDIAN);
            long first = out + (2 * i - i % 2) * LINE;
            ((FloatVector) low(v).add(raised).convert(VectorOperators.I2F, 0)).mul(d).intoMemorySegment(to, first, LITTLE_ENDIAN);
            ((FloatVector) high(v).add(raised).convert(VectorOperators.I2F, 0)).mul(d).intoMemorySegment(to, first + 2 * LINE, LITTLE_ENDIAN);
        }
    }

    /** The same, less a minimum. */
    private static void lowered(MemorySegment m, long from, int n, int raised, long scale, long minimum, MemorySegment to, long out) {
        FloatVector d = FloatVector.fromMemorySegment(F, m, scale, LITTLE_ENDIAN);
        FloatVector least = FloatVector.fromMemorySegment(F, m, minimum, LITTLE_ENDIAN);
        for (int i = 0; i < n; i++) {
            IntVector v = IntVector.fromMemorySegment(I, m, from + (long) i * V, LITTLE_ENDIAN);
            long first = out + (2 * i - i % 2) * LINE;
            ((FloatVector) low(v).add(raised).convert(VectorOperators.I2F, 0)).mul(d).sub(least).intoMemorySegment(to, first, LITTLE_ENDIAN);
            ((FloatVector) high(v).add(raised).convert(VectorOperators.I2F, 0)).mul(d).sub(least).intoMemorySegment(to, first + 2 * LINE,
                    LITTLE_ENDIAN);
        }
    }

    /** The same, less a zero before it is multiplied. */
    private static void zeroed(MemorySegment m, long from, int n, int raised, long scale, long zero, MemorySegment to, long out) {
        FloatVector d = FloatVector.fromMemorySegment(F, m, scale, LITTLE_ENDIAN);
        FloatVector z = FloatVector.fromMemorySegment(F, m, zero, LITTLE_ENDIAN);
        for (int i = 0; i < n; i++) {
            IntVector v = IntVector.fromMemorySegment(I, m, from + (long) i * V, LITTLE_ENDIAN);
            long first = out + (2 * i - i % 2) * LINE;
            ((FloatVector) low(v).add(raised).convert(VectorOperators.I2F, 0)).sub(z).mul(d).intoMemorySegment(to, first, LITTLE_ENDIAN);
            ((FloatVector) high(v).add(raised).convert(VectorOperators.I2F, 0)).sub(z).mul(d).intoMemorySegment(to, first + 2 * LINE,
                    LITTLE_ENDIAN);
        }
    }

    private static IntVector low(IntVector v) {
        return high(v.lanewise(VectorOperators.LSHL, Short.SIZE));
    }

    private static IntVector high(IntVector v) {
        return v.lanewise(VectorOperators.ASHR, Short.SIZE);
    }
}
