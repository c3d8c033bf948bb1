package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import io.jllm.quant.Tensor;
import io.jllm.quant.pytorch.PytorchFile;
import io.jllm.quant.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tensors of a peft folder, by module. They are valid until this is closed. */
final class PeftFile implements AutoCloseable {
    private static final String SAFETENSORS = "adapter_model.safetensors";
    private static final String PYTORCH = "adapter_model.bin";
    /** What peft puts before the names of a model's modules. */
    private static final String PREFIX = "base_model.model.";

    private final Path path;
    private final Runnable closer;
    private final Map<String, PeftModule> modules = new LinkedHashMap<>();

    private PeftFile(Path path, Runnable closer) {
        this.path = path;
        this.closer = closer;
    }

    /** Opens the file of a folder. */
    static PeftFile open(Path folder) throws IOException {
        Path safe = folder.resolve(SAFETENSORS);
        Path pickled = folder.resolve(PYTORCH);
        if (Files.exists(safe)) {
            var file = SafetensorsFile.open(safe);
            var open = new PeftFile(safe, file::close);
            return open.filled(() -> file.tensorInfos().forEach(t -> open.add(t.name(), t.dtype(), t.shape(), file.tensors())));
        }
        if (Files.exists(pickled)) {
            var file = PytorchFile.open(pickled);
            var open = new PeftFile(pickled, file::close);
            return open.filled(() -> file.tensorInfos().forEach(t -> open.add(t.name(), t.dtype(), t.shape(), file.tensors())));
        }
        throw new ModelLoadException("the folder " + folder + " has adapter_config.json, but neither " + SAFETENSORS + " nor " + PYTORCH
                + ": download the adapter's weights too");
    }

    private PeftFile filled(Runnable filling) {
        try {
            filling.run();
            return this;
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void add(String name, String dtype, List<Long> shape, Map<String, Tensor> readable) {
        PeftModule.Part part = PeftModule.Part.of(name).orElseThrow(() -> new ModelLoadException(path + ": the tensor " + name
                + " is of no kind that adapters of LoRA have here: matrices, embeddings, magnitudes, biases, rows of tokens, and modules saved"
                + " whole"));
        if (shape.size() > 2 || !readable.containsKey(name)) {
            throw new ModelLoadException(path + ": the tensor " + name + " is " + dtype + " of the shape " + shape
                    + "; supported are floats in matrices and vectors");
        }
        String module = part.module(name);
        String own = module.startsWith(PREFIX) ? module.substring(PREFIX.length()) : module;
        modules.computeIfAbsent(own, PeftModule::new).parts().put(part, readable.get(name));
    }

    /** The file itself. */
    Path path() {
        return path;
    }

    /** All modules, in the order of the file. */
    List<PeftModule> modules() {
        return List.copyOf(modules.values());
    }

    @Override
    public void close() {
        closer.run();
    }
}
