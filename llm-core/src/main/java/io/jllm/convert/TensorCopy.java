package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.model.RowOrder;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** Writes one tensor in another format and row order, in pieces that several threads make and one writes in turn. */
final class TensorCopy {
    /** Values a piece; whole blocks of every format. */
    private static final int PIECE = 1 << 18;

    /** Largest value of half precision; block formats hold their scales in it. */
    private static final float MAX_HALF = 65504;

    private final Tensor tensor;
    private final DType type;
    private final RowOrder order;
    private final long elements;
    private final int rowLength;
    private final int piece;

    TensorCopy(Checkpoint.Item item, DType type) {
        this.tensor = item.data();
        this.type = type;
        this.order = item.order();
        this.elements = tensor.rows() * tensor.cols();
        // the values of a bias go where the rows of its matrix go
        this.rowLength = order.isKept() ? 0 : item.isVector() ? 1 : Math.toIntExact(tensor.cols());
        this.piece = order.isKept() ? PIECE : Math.max(1, PIECE / rowLength) * rowLength;
    }

    /** Writes all of it; returns when that is done. */
    void write(WritableByteChannel out, ExecutorService pool, int threads) throws IOException {
        var pending = new ArrayDeque<Future<byte[]>>();
        for (long from = 0; from < elements || !pending.isEmpty();) {
            while (from < elements && pending.size() <= threads) {
                long start = from;
                int count = (int) Math.min(piece, elements - from);
                pending.add(pool.submit(() -> bytes(start, count)));
                from += count;
            }
            out.write(ByteBuffer.wrap(result(pending.remove())));
        }
    }

    private static byte[] result(Future<byte[]> made) throws IOException {
        try {
            return made.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the conversion was interrupted");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException r -> throw r;
                case Error r -> throw r;
                default -> throw new IOException(e.getCause());
            }
        }
    }

    private byte[] bytes(long from, int count) {
        var made = new byte[Math.toIntExact(type.bytes(count))];
        var dst = MemorySegment.ofArray(made);
        if (tensor.type() == type) {
            gather(from, count, (at, first, n) ->
                    MemorySegment.copy(tensor.data(), type.bytes(first), dst, type.bytes(at), type.bytes(n)));
        } else {
            var values = new float[count];
            var codec = Codec.of(tensor.type()).orElseThrow();
            gather(from, count, (at, first, n) -> codec.decode(tensor.data(), tensor.type().bytes(first), values, at, n));
            check(values, from);
            Encoder.of(type).orElseThrow().encode(values, 0, count, dst, 0);
        }
        return made;
    }

    /** Takes {@code n} values from {@code first} on to the place {@code at}. */
    private interface Taker {
        void take(int at, long first, int n);
    }

    private void gather(long from, int count, Taker taker) {
        if (order.isKept()) {
            taker.take(0, from, count);
            return;
        }
        for (int at = 0; at < count; at += rowLength) {
            taker.take(at, order.source((from + at) / rowLength) * rowLength, rowLength);
        }
    }

    private void check(float[] values, long from) {
        float limit = switch (type) {
            case F32, BF16 -> Float.MAX_VALUE;
            case F16 -> MAX_HALF;
            default -> MAX_HALF * 8; // the scale of a block is at most an eighth of its largest value
        };
        for (int i = 0; i < values.length; i++) {
            if (!(Math.abs(values[i]) <= limit)) {
                throw new ModelLoadException("tensor " + tensor.name() + " holds " + values[i] + " in place " + (from + i) + "; " + type
                        + " holds numbers up to " + limit + (type == DType.F16 ? ": BF16 holds more" : ""));
            }
        }
    }
}
