package io.jllm.load;

import io.jllm.model.Architecture;
import io.jllm.model.Keys;
import io.jllm.model.arch.Families;
import io.jllm.quant.WeightSource;
import io.jllm.quant.safetensors.HuggingFaceNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Llama, but the file of the weights is cut short once it is mapped and before its values are read, as a program that writes a new one does. */
public final class CutShortFamily implements Architecture {
    private final Architecture llama = Families.named(Families.all(), "llama");
    private final Path file;

    /** Of this file nothing is left. */
    public CutShortFamily(Path file) {
        this.file = file;
    }

    @Override
    public String name() {
        return llama.name();
    }

    @Override
    public Model read(Keys keys) {
        var model = llama.read(keys);
        return new Model() {
            @Override
            public HuggingFaceNames names() {
                return model.names();
            }

            @Override
            public Built build(WeightSource tensors) {
                var built = model.build(tensors);
                try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.truncate(0);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                return built;
            }
        };
    }
}
