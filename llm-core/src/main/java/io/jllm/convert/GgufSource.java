package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;

/** A GGUF file, of any family. */
final class GgufSource {
    private GgufSource() {
    }

    static Source open(Path path) throws IOException {
        var file = GgufFile.open(path);
        try {
            var tensors = new ArrayList<Source.Item>();
            for (var info : file.tensorInfos()) {
                if (info.type().isEmpty()) {
                    throw new ModelLoadException(path + ": tensor " + info.name() + " has the unknown type " + info.typeId());
                }
                tensors.add(new Source.Item(file.get(info.name()), info.shape(), RowOrder.KEPT));
            }
            return new Source(file.metadata().entries(), tensors, file);
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }
}
