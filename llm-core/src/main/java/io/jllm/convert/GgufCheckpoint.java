package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.model.RowOrder;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;

/** A GGUF file, of any family. */
final class GgufCheckpoint {
    private GgufCheckpoint() {
    }

    /** All files of a split model, by the first. */
    static Checkpoint open(Path path, Path out) throws IOException {
        var file = GgufFile.open(path);
        try {
            for (var part : file.files()) {
                if (Files.exists(out) && Files.isSameFile(part, out)) {
                    throw new IllegalArgumentException("the output " + out + " is the model itself, or a part of it: give another name");
                }
            }
            var tensors = new ArrayList<Checkpoint.Item>();
            for (var info : file.tensorInfos()) {
                if (info.type().isEmpty()) {
                    throw new ModelLoadException(path + ": tensor " + info.name() + " has the unknown type " + info.typeId());
                }
                tensors.add(new Checkpoint.Item(file.get(info.name()), info.shape(), RowOrder.KEPT));
            }
            var metadata = new LinkedHashMap<>(file.metadata().entries());
            metadata.keySet().removeIf(key -> key.startsWith("split.")); // what is written is one file
            return new Checkpoint(metadata, tensors, file);
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }
}
