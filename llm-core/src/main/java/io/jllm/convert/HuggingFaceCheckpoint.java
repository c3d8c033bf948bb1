package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.load.GgufForm;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.model.Architecture;
import io.jllm.model.RowOrder;
import io.jllm.model.WeightShape;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.spi.WeightCheck;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A Hugging Face folder: its tensors with the rows in the order of GGUF's families, and its configuration as GGUF keys. */
final class HuggingFaceCheckpoint {
    private static final int SHOWN_PROBLEMS = 20;

    private HuggingFaceCheckpoint() {
    }

    static Checkpoint open(Path folder, List<Architecture> families, Converter.Progress progress) throws IOException {
        var model = ModelFiles.open(folder, families);
        try {
            var problems = WeightCheck.problems(model.program(), model.weights(), WeightCheck::decodes);
            if (!problems.isEmpty()) {
                throw new ModelLoadException(folder + ": " + String.join("; ", problems.stream().limit(SHOWN_PROBLEMS).toList())
                        + (problems.size() > SHOWN_PROBLEMS ? "; and " + (problems.size() - SHOWN_PROBLEMS) + " more" : ""));
            }
            var form = model.gguf().orElseThrow();
            var keys = new ModelKeys();
            keys.model(String.valueOf(folder.toRealPath().getFileName()), form);
            keys.sampling(model.defaults());
            keys.putAll(TokenizerKeys.read(folder, model, progress));
            return new Checkpoint(keys.map(), tensors(model, form), model.weights());
        } catch (Throwable t) {
            model.weights().close();
            throw t;
        } finally {
            model.tokenizer().ifPresent(t -> t.close());
        }
    }

    private static List<Checkpoint.Item> tensors(LoadedModel model, GgufForm form) {
        var out = new ArrayList<Checkpoint.Item>();
        for (var need : WeightShape.of(model.program())) {
            out.add(new Checkpoint.Item(model.weights().get(need.name()), need.dimensions(), form.order().apply(need.name())));
        }
        form.vectors().forEach((name, values) -> out.add(vector(name, values)));
        out.sort(Checkpoint.ORDER);
        return out;
    }

    private static Checkpoint.Item vector(String name, List<Float> values) {
        var bytes = ByteBuffer.allocate(Float.BYTES * values.size()).order(ByteOrder.LITTLE_ENDIAN);
        values.forEach(bytes::putFloat);
        var data = MemorySegment.ofArray(bytes.array());
        return new Checkpoint.Item(new Tensor(name, DType.F32, 1, values.size(), data), List.of((long) values.size()),
                RowOrder.KEPT);
    }
}
