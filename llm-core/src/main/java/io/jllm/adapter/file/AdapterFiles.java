package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import io.jllm.adapter.Adapter;
import io.jllm.json.ConfigJson;
import io.jllm.json.FileErrors;
import io.jllm.load.LoadedModel;
import io.jllm.quant.FormatException;
import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens adapters: folders that peft wrote, and GGUF files. */
public final class AdapterFiles {
    private static final String CONFIG = "adapter_config.json";

    private AdapterFiles() {
    }

    /**
     * An adapter whose files are open.
     *
     * @param adapter its weights are valid until this is closed
     */
    public record Opened(Adapter adapter, AutoCloseable files) implements AutoCloseable {
        @Override
        public void close() {
            switch (files) {
                case PeftFile f -> f.close();
                case GgufFile f -> f.close();
                default -> throw new IllegalStateException(files.toString());
            }
        }
    }

    /**
     * Opens an adapter for a model.
     *
     * @throws ModelLoadException if it cannot be read, is not supported, or does not fit the model; the message says what to do
     */
    public static Opened open(Path path, LoadedModel model) {
        try {
            return Files.isDirectory(path) ? folder(path, new ProgramTensors(model)) : file(path, new ProgramTensors(model));
        } catch (IOException e) {
            throw FileErrors.of(path, e);
        } catch (FormatException e) {
            throw new ModelLoadException(e.getMessage(), e);
        } catch (InternalError e) {
            if (FileErrors.isLost(e)) {
                throw FileErrors.lost(path, e);
            }
            throw e;
        }
    }

    private static Opened folder(Path folder, ProgramTensors model) throws IOException {
        PeftConfig config = PeftConfig.of(ConfigJson.read(folder.resolve(CONFIG)).orElseThrow(() -> new ModelLoadException("the folder " + folder
                + " has no " + CONFIG + ": give a folder that peft wrote, or a GGUF file of an adapter")));
        PeftFile file = PeftFile.open(folder);
        try {
            return new Opened(PeftAdapter.read(file, config, model), file);
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }

    private static Opened file(Path path, ProgramTensors model) throws IOException {
        GgufFile file = GgufFile.open(path);
        try {
            if (!GgufAdapter.is(file)) {
                throw new ModelLoadException(path + " is no adapter: general.type is "
                        + file.metadata().text("general.type").orElse("missing") + ", and must be adapter");
            }
            return new Opened(GgufAdapter.read(path, file, model), file);
        } catch (Throwable t) {
            file.close();
            throw t;
        }
    }

    /**
     * A model with an adapter merged into its weights, which must be floats: faster than the adapter beside them, and for all requests. What
     * changes is held in memory. Closing what it returns closes the model.
     *
     * @throws ModelLoadException as {@link #open}, or if the weights that change are packed
     */
    public static LoadedModel merged(LoadedModel model, Path path) {
        try (Opened opened = open(path, model)) {
            return model.with(MergedWeights.of(path, model, opened.adapter()));
        }
    }
}
