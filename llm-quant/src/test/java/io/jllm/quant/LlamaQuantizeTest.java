package io.jllm.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.gguf.GgufWriter;
import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a Hugging Face folder to the very file that llama.cpp's tools make of it: names, encoders and writer in one. */
class LlamaQuantizeTest {
    private static final int HEAD = 64;

    @TempDir
    private Path dir;

    @Test
    void sameFileAsLlamaCpp() throws IOException {
        Path model = Path.of(System.getProperty("jllm.shared", ""), "models", "fairytale-23m");
        assumeTrue(!System.getProperty("jllm.shared", "").isEmpty() && Files.isDirectory(model), "needs models/fairytale-23m under -Djllm.shared");
        Path theirs = model.resolve("fairytale-23m-Q4_0.gguf");
        Path ours = dir.resolve("ours.gguf");
        try (GgufFile file = GgufFile.open(theirs); var weights = HuggingFaceWeights.open(model.resolve("hf"))) {
            var entries = new ArrayList<TensorEntry>();
            for (GgufFile.TensorInfo t : file.tensorInfos()) {
                Tensor from = weights.tensor(t.name());
                entries.add(new TensorEntry(t.name(), t.type().orElseThrow(), t.shape(), out -> encode(from, t.type().orElseThrow(), out)));
            }
            GgufWriter.write(ours, file.metadata().entries(), entries, GgufWriter.Progress.NONE);
        }
        assertEquals(-1, Files.mismatch(theirs, ours));
    }

    private static void encode(Tensor from, DType to, WritableByteChannel out) throws IOException {
        int cols = Math.toIntExact(from.cols());
        float[] row = new float[cols];
        byte[] bytes = new byte[Math.toIntExact(to.bytes(cols))];
        boolean paired = from.name().contains("attn_q") || from.name().contains("attn_k");
        for (int r = 0; r < from.rows(); r++) {
            // GGUF rotates pairs of neighbours, Hugging Face pairs that are half a head apart
            int source = paired ? r / HEAD * HEAD + r % 2 * (HEAD / 2) + r % HEAD / 2 : r;
            Codec.of(from.type()).orElseThrow().decode(from.row(source), 0, row, 0, cols);
            Encoder.of(to).orElseThrow().encode(row, 0, cols, MemorySegment.ofArray(bytes), 0);
            out.write(ByteBuffer.wrap(bytes));
        }
    }
}
