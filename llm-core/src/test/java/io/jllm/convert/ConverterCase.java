package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.load.TinyGguf;
import io.jllm.quant.DType;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;

/** Conversions in a folder of their own. */
abstract class ConverterCase {
    @TempDir
    Path folder;

    static final class Notes implements Converter.Progress {
        final List<String> written = new ArrayList<>();
        final List<String> notes = new ArrayList<>();
        long done;
        long total;

        @Override
        public void written(String tensor, long bytesDone, long bytesTotal) {
            assertTrue(bytesDone > done, tensor);
            written.add(tensor);
            done = bytesDone;
            total = bytesTotal;
        }

        @Override
        public void note(String message) {
            notes.add(message);
        }
    }

    /** Tensors of every kind that the choice of formats tells apart. */
    Path wide(boolean tied) throws IOException {
        var file = new TinyGguf();
        file.tensors.clear();
        file.matrix("token_embd.weight", 4, 256).matrix("blk.0.attn_q.weight", 4, 256).matrix("blk.0.attn_q_norm.weight", 4, 256)
                .matrix("blk.0.ffn_down.weight", 4, 96).matrix("blk.0.ffn_up.weight", 4, 40).vector("blk.0.attn_norm.weight", 256)
                .vector("blk.0.attn_q.bias", 256).matrix("blk.0.ffn_gate_inp.weight", 4, 256);
        return (tied ? file : file.matrix("output.weight", 4, 256)).write(folder.resolve("wide.gguf"));
    }

    Map<String, DType> types(Path model, Converter.Options options, Converter.Progress progress) throws IOException {
        var out = folder.resolve("out.gguf");
        Converter.convert(model, out, options, progress);
        try (var file = GgufFile.open(out)) {
            var types = new TreeMap<String, DType>();
            file.names().forEach(n -> types.put(n.replace("blk.0.", "").replace(".weight", ""), file.get(n).type()));
            return types;
        }
    }

    static void fails(Path in, Path out, DType type, String message) {
        fails(in, out, Converter.Options.of(type), message);
    }

    static void fails(Path in, Path out, Converter.Options options, String message) {
        var e = assertThrows(ModelLoadException.class, () -> Converter.convert(in, out, options, Converter.Progress.NONE));
        assertTrue(e.getMessage().contains(message), e.getMessage());
        assertFalse(Files.exists(out));
    }
}
