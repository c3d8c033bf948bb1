package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.model.RowOrder;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** Writes one tensor in another format and row order, in pieces that several threads make and one writes in turn. */
final class TensorCopy {
    /** Values a piece, or one row if that has more. */
    private static final int PIECE = 1 << 18;

    /** Largest value of half precision; block formats hold their scales in it. */
    private static final float MAX_HALF = 65504;

    private final Weights tensor;
    private final Optional<DType> stored;
    private final DType type;
    private final RowOrder order;
    private final int rowLength;
    /** Rows a piece. */
    private final int piece;

    /** Importances of columns, of one expert after another; none where all count alike. */
    private final float[] importance;
    /** Rows that share the importances of one expert. */
    private final long rowsOfExpert;

    TensorCopy(Checkpoint.Item item, DType type, float[] importance) {
        this.importance = importance;
        this.rowsOfExpert = item.isVector() ? 1 : item.shape().get(1);
        this.stored = item.data().stored();
        this.type = type;
        this.order = item.order();
        // the values of a bias go where the rows of its matrix go
        this.tensor = item.isVector() && !order.isKept() ? column(item.data()) : item.data();
        this.rowLength = Math.toIntExact(tensor.cols());
        this.piece = Math.max(1, PIECE / Math.max(1, rowLength));
    }

    private Tensor column(Weights vector) {
        long values = vector.rows() * vector.cols();
        var data = vector.slice(0, vector.rows())
                .orElseThrow(() -> new IllegalArgumentException("vector " + vector.name() + " stands in several places"));
        return new Tensor(vector.name(), stored.orElseThrow(), values, 1, data);
    }

    /** Writes all of it; returns when that is done. */
    void write(WritableByteChannel out, ExecutorService pool, int threads) throws IOException {
        var pending = new ArrayDeque<Future<byte[]>>();
        for (long from = 0; from < tensor.rows() || !pending.isEmpty();) {
            while (from < tensor.rows() && pending.size() <= threads) {
                long start = from;
                int count = (int) Math.min(piece, tensor.rows() - from);
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
        int elements = Math.multiplyExact(count, rowLength);
        var made = new byte[Math.toIntExact(type.bytes(elements))];
        var dst = MemorySegment.ofArray(made);
        if (stored.equals(Optional.of(type))) {
            gather(from, count, (at, first, n) -> tensor.read(first, n, dst.asSlice(at * tensor.rowBytes())));
        } else {
            var values = new float[elements];
            gather(from, count, (at, first, n) -> tensor.decode(first, n, values, at * rowLength));
            check(values, from * rowLength);
            encode(from, count, values, dst);
        }
        return made;
    }

    private void encode(long from, int count, float[] values, MemorySegment dst) {
        var encoder = Encoder.of(type).orElseThrow();
        if (importance.length == 0) {
            encoder.encode(values, 0, values.length, dst, 0);
            return;
        }
        for (int done = 0; done < count;) {
            long expert = (from + done) / rowsOfExpert;
            int n = (int) Math.min(count - done, (expert + 1) * rowsOfExpert - from - done);
            int first = Math.toIntExact(expert * rowLength);
            encoder.encode(values, done * rowLength, n * rowLength, Arrays.copyOfRange(importance, first, first + rowLength), dst,
                    type.bytes((long) done * rowLength));
            done += n;
        }
    }

    /** Takes {@code n} rows from {@code first} on to the place of row {@code at}. */
    private interface Taker {
        void take(int at, long first, int n);
    }

    private void gather(long from, int count, Taker taker) {
        if (order.isKept()) {
            taker.take(0, from, count);
            return;
        }
        for (int at = 0; at < count; at++) {
            taker.take(at, order.source(from + at), 1);
        }
    }

    private void check(float[] values, long from) {
        float limit = switch (type) {
            case F32, BF16, MXFP4 -> Float.MAX_VALUE;
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
