package io.jllm.convert;

import io.jllm.model.ExpertOp;
import io.jllm.model.Op;
import io.jllm.model.Program;
import io.jllm.model.Weight;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufValue;
import io.jllm.quant.gguf.GgufWriter;
import io.jllm.spi.ActivationListener;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Adds up the squares of what each column of the matrices of layers is multiplied with, for each expert by itself. Names, keys and shapes of
 * its file are llama-imatrix's.
 */
final class InputSums implements ActivationListener {
    private static final String OUTPUT = "output.weight";
    private static final String LAYERS = "blk.";

    /** Of matrices, or of one whose experts follow each other. */
    private record Sums(double[] squares, long[] rows) {
        int width() {
            return squares.length / rows.length;
        }
    }

    private final Map<String, Sums> sums = new TreeMap<>();
    private double[] row = {};

    /** @param output whether the output matrix counts */
    InputSums(Program program, boolean output) {
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Linear l -> l.weights().forEach(w -> add(w, l.in().width(), 1, output));
                case ExpertOp.ExpertLinear l -> l.weights().forEach(w -> add(w, l.in().width(), l.experts(), output));
                case ExpertOp.ExpertSum s -> add(s.weight(), s.in().width() / s.topK(), s.experts(), output);
                default -> { } // multiplies with no matrix that is listened to
            }
        }
    }

    private void add(Weight weight, int width, int experts, boolean output) {
        if (weight.name().startsWith(LAYERS) || output && weight.name().equals(OUTPUT)) {
            sums.put(weight.name(), new Sums(new double[Math.multiplyExact(width, experts)], new long[experts]));
        }
    }

    @Override
    public void multiplied(List<String> matrices, int expert, MemorySegment data, long at, int width) {
        List<Sums> told = matrices.stream().filter(sums::containsKey).map(sums::get).toList();
        if (told.isEmpty()) {
            return;
        }
        row = row.length < width ? new double[width] : row;
        for (int i = 0; i < width; i++) {
            double x = data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + (long) i * Float.BYTES);
            row[i] = x * x;
        }
        for (Sums s : told) {
            int first = expert * s.width();
            for (int i = 0; i < width; i++) {
                s.squares[first + i] += row[i];
            }
            s.rows[expert]++;
        }
    }

    /** Writes the file; matrices that no row met are left out. */
    void write(Path out, String dataset, int chunks, int chunk) throws IOException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("general.type", new GgufValue.Text("imatrix"));
        metadata.put("imatrix.datasets", new GgufValue.Texts(List.of(dataset)));
        metadata.put("imatrix.chunk_count", new GgufValue.Int(GgufValue.Type.UINT32, chunks));
        metadata.put("imatrix.chunk_size", new GgufValue.Int(GgufValue.Type.UINT32, chunk));
        List<GgufWriter.TensorEntry> entries = new ArrayList<>();
        sums.forEach((name, s) -> {
            long experts = s.rows.length;
            float[] squares = new float[s.squares.length];
            float[] rows = new float[s.rows.length];
            long met = 0;
            for (int i = 0; i < squares.length; i++) {
                squares[i] = (float) s.squares[i];
            }
            for (int e = 0; e < rows.length; e++) {
                rows[e] = s.rows[e];
                met += s.rows[e];
            }
            if (met > 0) {
                entries.add(new GgufWriter.TensorEntry(name + ".in_sum2", DType.F32, shape(s.width(), experts), channel -> floats(squares, channel)));
                entries.add(new GgufWriter.TensorEntry(name + ".counts", DType.F32, shape(1, experts), channel -> floats(rows, channel)));
            }
        });
        GgufWriter.write(out, metadata, entries, GgufWriter.Progress.NONE);
    }

    private static List<Long> shape(long width, long experts) {
        return experts == 1 ? List.of(width) : List.of(width, experts);
    }

    private static void floats(float[] values, WritableByteChannel out) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        out.write(bytes);
    }
}
