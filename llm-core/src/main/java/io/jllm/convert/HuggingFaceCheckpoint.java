package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.json.ConfigJson;
import io.jllm.load.GgufConfig;
import io.jllm.load.HuggingFaceConfig;
import io.jllm.load.LoadedModel;
import io.jllm.load.ModelFiles;
import io.jllm.load.RopeScaling;
import io.jllm.model.Rope;
import io.jllm.model.WeightShape;
import io.jllm.model.arch.Families;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.spi.WeightCheck;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A Hugging Face folder: its tensors with the rows in the order of GGUF's families, and its configuration as GGUF keys. */
final class HuggingFaceCheckpoint {
    /** As llama.cpp orders them: those of no layer first, then layer by layer. */
    private static final Comparator<Checkpoint.Item> ORDER = Comparator.<Checkpoint.Item>comparingInt(t -> layer(t.name()))
            .thenComparing(Checkpoint.Item::name);

    private static final int SHOWN_PROBLEMS = 20;

    private HuggingFaceCheckpoint() {
    }

    static Checkpoint open(Path folder, Converter.Progress progress) throws IOException {
        var model = ModelFiles.open(folder);
        try {
            var problems = WeightCheck.problems(model.program(), model.weights(), type -> Codec.of(type).isPresent());
            if (!problems.isEmpty()) {
                throw new ModelLoadException(folder + ": " + String.join("; ", problems.stream().limit(SHOWN_PROBLEMS).toList())
                        + (problems.size() > SHOWN_PROBLEMS ? "; and " + (problems.size() - SHOWN_PROBLEMS) + " more" : ""));
            }
            var json = ConfigJson.read(folder.resolve("config.json")).orElseThrow();
            var config = HuggingFaceConfig.of(json);
            var keys = new ModelKeys(config.architecture().ggufName());
            keys.model(String.valueOf(folder.toRealPath().getFileName()), config, model.config());
            keys.sampling(model.defaults());
            keys.putAll(TokenizerKeys.read(folder, model, progress));
            return new Checkpoint(keys.map(), tensors(model, config), model.weights());
        } catch (Throwable t) {
            model.weights().close();
            throw t;
        } finally {
            model.tokenizer().ifPresent(t -> t.close());
        }
    }

    private static List<Checkpoint.Item> tensors(LoadedModel model, HuggingFaceConfig config) {
        boolean interleave = Families.of(model.config().architecture()).ggufRope() == Rope.Layout.INTERLEAVED;
        var out = new ArrayList<Checkpoint.Item>();
        for (var need : WeightShape.of(model.program())) {
            var t = model.weights().tensor(need.name());
            boolean rotated = need.name().contains(".attn_q.") || need.name().contains(".attn_k.");
            out.add(new Checkpoint.Item(t, need.rows() == 1 ? List.of(need.cols()) : List.of(need.cols(), need.rows()),
                    interleave && rotated ? new RowOrder(model.config().headDim()) : RowOrder.KEPT));
        }
        if (config.scaling() instanceof RopeScaling.Llama3) {
            out.add(ropeFactors(config));
        }
        out.sort(ORDER);
        return out;
    }

    /** What the plain frequencies are divided by to become the scaled ones. */
    private static Checkpoint.Item ropeFactors(HuggingFaceConfig config) {
        var scaled = config.model().rope().invFreq();
        var plain = RopeScaling.frequencies(config.model().rope().rotaryDim(), config.ropeTheta());
        var bytes = ByteBuffer.allocate(4 * scaled.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < scaled.length; i++) {
            bytes.putFloat(plain[i] / scaled[i]);
        }
        var data = MemorySegment.ofArray(bytes.array());
        return new Checkpoint.Item(new Tensor(GgufConfig.ROPE_FACTORS, DType.F32, 1, scaled.length, data), List.of((long) scaled.length),
                RowOrder.KEPT);
    }

    private static int layer(String name) {
        return name.startsWith("blk.") ? Integer.parseInt(name.substring(4, name.indexOf('.', 4))) : -1;
    }
}
