package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.model.RowOrder;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import io.jllm.quant.gguf.GgufValue;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each tensor of models of many shapes gets the format that llama-quantize gives it, in each mix. */
class MixesTest {
    private static final int ROWS = 4;
    private static final int COLS = 256;
    private static final MemorySegment DATA = Arena.ofAuto().allocate(512L * ROWS * Float.BYTES, Long.BYTES);

    /** A model and a file of it. */
    record Case(String model, String[] shape, FileType type, String mode, Map<String, String> differing) {
        @Override
        public String toString() {
            return model + " " + type + " " + mode;
        }
    }

    /** A source of nothing: the choice asks for no values. */
    private static final class Nothing implements WeightSource {
        @Override
        public Set<String> names() {
            return Set.of();
        }

        @Override
        public Optional<Weights> find(String name) {
            return Optional.empty();
        }

        @Override
        public void close() {
            // holds nothing
        }
    }

    static Stream<Case> cases() throws IOException {
        try (InputStream in = MixesTest.class.getResourceAsStream("mixes.txt")) {
            String[] shape = {};
            var cases = new ArrayList<Case>();
            for (var line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().filter(l -> !l.startsWith("#")).toList()) {
                var words = line.split(" ");
                if (words[0].equals("model")) {
                    shape = words;
                    continue;
                }
                var differing = new HashMap<String, String>();
                for (int i = 2; i < words.length; i++) {
                    differing.put(words[i].split("=")[0], words[i].split("=")[1]);
                }
                cases.add(new Case(shape[1], shape, FileType.valueOf(words[0]), words[1], differing));
            }
            return cases.stream().filter(c -> FileType.all().contains(c.type));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void formatsAreThoseOfLlamaQuantize(Case c) {
        var source = checkpoint(c.shape);
        var options = Converter.Options.of(c.type).pure(c.mode.equals("pure"));
        if (c.mode.equals("weighed")) {
            options = options.importance(new ImportanceMatrix("x", List.of(), 0, Map.of("x", new float[] {1})));
        }
        var want = new TreeMap<String, DType>();
        for (var t : source.tensors()) {
            var name = t.name().replaceFirst("^blk\\.\\d+\\.", "").replace(".weight", "");
            var sequence = c.differing.get(name);
            want.put(t.name(), sequence == null ? c.type.type() : expanded(sequence).get(Math.max(0, Checkpoint.layer(t.name()))));
        }
        assertEquals(want, new TreeMap<>(TypeChoice.of(source, options, Converter.Progress.NONE)));
    }

    @Test
    void everyMixIsThere() throws IOException {
        var types = cases().map(Case::type).distinct().toList();
        var all = new ArrayList<>(FileType.all());
        all.remove(FileType.F32); // nothing to choose
        assertTrue(types.containsAll(all), types.toString());
        assertEquals(11, cases().map(Case::model).distinct().count());
    }

    private static List<DType> expanded(String sequence) {
        var types = new ArrayList<DType>();
        for (var run : sequence.split(",")) {
            int digits = run.length() - run.replaceFirst("^\\d+", "").length();
            types.addAll(Collections.nCopies(digits == 0 ? 1 : Integer.parseInt(run.substring(0, digits)), DType.valueOf(run.substring(digits))));
        }
        return types;
    }

    private static Checkpoint checkpoint(String[] shape) {
        var family = shape[2];
        var keys = new HashMap<String, GgufValue>(Map.of("general.architecture", new GgufValue.Text(family)));
        var names = List.of("block_count", "expert_count", "attention.head_count", "attention.head_count_kv");
        for (int i = 0; i < names.size(); i++) {
            keys.put(family + "." + names.get(i), new GgufValue.Int(GgufValue.Type.UINT32, Integer.parseInt(shape[3 + i])));
        }
        var items = new ArrayList<Checkpoint.Item>();
        for (int layer = Integer.parseInt(shape[3]) - 1; layer >= 0; layer--) { // whatever order a file has them in
            for (var tensor : shape[8].split(",")) {
                items.add(item("blk." + layer + ".", tensor));
            }
        }
        for (var table : shape[7].split(",")) {
            items.add(item("", table));
        }
        return new Checkpoint(keys, items, new Nothing());
    }

    private static Checkpoint.Item item(String prefix, String tensor) {
        var name = prefix + tensor.replaceFirst(":.*", "") + ".weight";
        long cols = tensor.contains(":") ? Integer.parseInt(tensor.split(":")[1]) : COLS;
        var data = new Tensor(name, DType.F32, ROWS, cols, DATA.asSlice(0, ROWS * cols * Float.BYTES));
        return new Checkpoint.Item(data, tensor.contains("exps") ? List.of(cols, 2L, 2L) : List.of(cols, (long) ROWS), RowOrder.KEPT);
    }
}
