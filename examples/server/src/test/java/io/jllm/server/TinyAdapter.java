package io.jllm.server;

import io.jllm.demo.DemoModel;
import io.jllm.model.ModelConfig;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.safetensors.SafetensorsWriter;
import io.jllm.quant.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** An adapter of random numbers for the model {@link DemoModel}, in peft's files. */
final class TinyAdapter {
    private static final int RANK = 4;

    private TinyAdapter() {
    }

    /** Writes one; other seeds give others. */
    static Path write(Path folder, ModelConfig model, long seed) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("adapter_config.json"), """
                {"peft_type": "LORA", "r": %d, "lora_alpha": %d, "target_modules": ["down_proj"], "task_type": "CAUSAL_LM"}
                """.formatted(RANK, 4 * RANK));
        var random = new Random(seed);
        var tensors = new ArrayList<StoredTensor>();
        for (int layer = 0; layer < model.layers(); layer++) {
            String module = "base_model.model.model.layers." + layer + ".mlp.down_proj.";
            tensors.add(matrix(module + "lora_A.weight", RANK, model.ffn(), random));
            tensors.add(matrix(module + "lora_B.weight", model.hidden(), RANK, random));
        }
        SafetensorsWriter.write(folder.resolve("adapter_model.safetensors"), tensors);
        return folder;
    }

    private static StoredTensor matrix(String name, long rows, long columns, Random random) {
        var values = new float[(int) (rows * columns)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (0.05 * random.nextGaussian());
        }
        MemorySegment data = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        Encoder.of(DType.F32).orElseThrow().encode(values, 0, values.length, data, 0);
        return new StoredTensor(name, DType.F32, List.of(rows, columns), data);
    }
}
